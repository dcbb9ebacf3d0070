"""Where the processor's time goes: each step of a message's way, timed by wrapping what the parts call.

The parts themselves know nothing of it: `time_parts` puts a wrapper around the methods named in `METHODS`
of the objects that the measurement made for itself. A step's time is its thread's processor time less that of
steps within it, so that neither waiting nor other threads count.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from node.bench.pipeline import Parts
from node.publisher import Flight
from node.store import Job

Result = TypeVar("Result")

# Of each object the methods that are timed, and the step that each is part of.
METHODS: dict[str, dict[str, str]] = {
    "client": {"decode": "decode", "read": "mapping", "answer": "rendering"},
    "reader": {"items": "canonical_bytes"},
    "inbound": {"_keep": "outbox", "_submit": "seal", "_queue": "outbox", "_note": "outbox"},
    "publisher": {"_next": "block_sign"},
    "replica": {"_apply": "archive", "_checked": "block_verify"},
    "application": {
        "apply": "open",
        "_admitted": "validate",
        "_decide": "contract",
        "_apply": "contract",
        "_store_references": "state_store",
        "_store_outcome": "state_store",
    },
    "records": {"get": "state_store", "write": "state_store"},
    "deliveries": {"queue_answer": "delivery"},
    "store": {"_commit": "commit"},
}
# Jobs of the store that are not among the methods above, by the module that they come from.
JOBS = {"node.inbound": "raw_store", "node.outbound": "delivery", "node.publisher": "block_sign"}


class Steps:
    """Collects processor time by step, and how long each block was under way; both in seconds."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._totals: list[defaultdict[str, float]] = []
        self.waits: list[float] = []

    def around(self, step: str, call: Callable[..., Result]) -> Callable[..., Result]:
        """`call`, timed as `step`."""

        def timed(*arguments: Any, **named: Any) -> Result:
            inner, totals = self._of_thread()
            inner.append(0.0)
            began = time.thread_time()
            try:
                return call(*arguments, **named)
            finally:
                took = time.thread_time() - began
                totals[step] += took - inner.pop()
                if inner:
                    inner[-1] += took

        return timed

    def under_way(self, publish: Callable[[Flight], Awaitable[None]]) -> Callable[[Flight], Awaitable[None]]:
        """`publish`, timed by the clock: until the block is read back."""

        async def timed(flight: Flight) -> None:
            began = time.perf_counter()
            await publish(flight)
            self.waits.append(time.perf_counter() - began)

        return timed

    def totals(self) -> dict[str, float]:
        """The seconds so far."""
        steps = dict.fromkeys(step for totals in self._totals for step in totals)
        return {step: sum(totals[step] for totals in self._totals) for step in steps}

    def _of_thread(self) -> tuple[list[float], "defaultdict[str, float]"]:
        """The thread's steps under way, as the time of what lies within each, and its totals."""
        if not hasattr(self._own, "inner"):
            self._own.inner, self._own.totals = [], defaultdict(float)
            self._totals.append(self._own.totals)
        return self._own.inner, self._own.totals


def time_parts(parts: Parts, steps: Steps) -> None:
    """Wrap the methods of `parts`, which must not run yet."""
    for name, methods in METHODS.items():
        for each in _objects(parts, name):
            for method, step in methods.items():
                setattr(each, method, steps.around(step, getattr(each, method)))
    publisher: Any = parts.publisher
    publisher._until_read_back = steps.under_way(publisher._until_read_back)
    write = parts.store.write

    def timed_write(job: Job[Result]) -> Awaitable[Result]:
        function = job.func if isinstance(job, partial) else job
        step = JOBS.get(function.__module__)
        return write(steps.around(step, job) if step else job)

    setattr(parts.store, "write", timed_write)  # noqa: B010 - a method is not assigned to otherwise


def _objects(parts: Parts, name: str) -> list[object]:
    inside = {"reader": parts.inbound._reader, "records": parts.application._records}
    return [*parts.clients.values()] if name == "client" else [inside.get(name) or getattr(parts, name)]
