"""An event loop whose time passes only when there is nothing else to do, and a store that works in it.

With them a run of many seconds takes a fraction of one, and goes the same way each time: nothing depends on
threads, on the machine's load, or on where objects lie in memory.
"""

import asyncio
import selectors
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from random import Random
from typing import Any

from mortal import Moment, MortalStore

from node.store import StoreError

BY_THE_CLOCK = {"node.checkpoints", "node.divergence", "node.duties", "node.own_membership"}


class Leap(selectors.SelectSelector):
    """Instead of waiting for so many seconds, moves the clock on by them. now: seconds since the start."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """See selectors."""
        ready = super().select(0)
        assert ready or timeout is not None, "everything waits, and nothing will ever happen"
        if not ready and timeout is not None and timeout > 0:
            self.now += timeout
        return ready


class NumberedTask(asyncio.Task[Any]):
    """A task whose place in a set depends on when it was made."""

    made = 0

    def __init__(self, *values: Any, **named: Any) -> None:
        NumberedTask.made += 1
        self._number = NumberedTask.made
        super().__init__(*values, **named)

    def __hash__(self) -> int:
        return self._number


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop. What asks for a thread is done at once."""

    def __init__(self) -> None:
        self._leap = Leap()
        super().__init__(self._leap)
        NumberedTask.made = 0
        self.set_task_factory(lambda loop, coro, **named: NumberedTask(coro, loop=loop, **named))

    def time(self) -> float:
        """See asyncio."""
        return self._leap.now

    def run_in_executor(self, executor: object, func: Callable[..., Any], *values: Any) -> Any:
        """See asyncio."""
        del executor
        future = self.create_future()
        try:
            future.set_result(func(*values))
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for it, as a thread's is
            future.set_exception(error)
        return future


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end in a virtual loop."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class VirtualStore(MortalStore):
    """A store that commits after a while that `chance` decides, and all that waits together.

    What waits when its node dies may be lost: nobody was told that it is on disk.
    """

    def __init__(self, path: Path, chance: Random, at: int = 0, moment: Moment = Moment.BEFORE) -> None:
        super().__init__(path, at, moment)
        self._chance = chance
        self._waiting: deque[Any] = deque()
        self._jobs = self._thread = self  # type: ignore[assignment]  # what the store asks of them is below

    async def __aenter__(self) -> "VirtualStore":
        await super().__aenter__()
        assert self._connection is not None
        self._connection.execute("PRAGMA synchronous = OFF")  # no disk fails here
        return self

    def counts(self, job: Any) -> bool:
        """See MortalStore: a node shall die over its work, not while it looks whether there is any."""
        return getattr(getattr(job, "func", job), "__module__", "") not in BY_THE_CLOCK

    @property
    def is_waited_for(self) -> bool:
        """See Store; here nobody comes while a job runs, so chance decides."""
        return self._chance.random() < 0.5

    def put(self, job: Any) -> None:
        """Take a job; None: the last."""
        if not self._waiting and self._loop is not None:
            self._loop.call_later(self._chance.uniform(0, 0.01), self._work_off)
        self._waiting.append(job)

    def get(self) -> Any:
        """The next job."""
        return self._waiting.popleft()

    def empty(self) -> bool:
        """Whether none waits."""
        return not self._waiting

    def start(self) -> None:
        """There is no thread to start."""

    def join(self) -> None:
        """Work off what waits, as a thread does that is told to end, or lose it."""
        if self.is_dead and self._chance.random() < 0.5:
            lost = [job for job in self._waiting if job is not None]
            self._waiting.clear()
            for _, future in lost:
                if not future.done():
                    future.set_exception(StoreError("the node has died"))
        self._work_off()

    def _work_off(self) -> None:
        while self._waiting:
            batch = self._batch()
            if batch is None:
                return
            self._commit(batch)
