"""Where the processor's time goes: each step of a message's way, timed by wrapping what the node calls.

The node knows nothing of it: while `timed` holds, what `TIMED` names has a wrapper around it. A step's time
is its thread's processor time less that of steps within it, so that neither waiting nor other threads count.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from node import replica, results, submissions
from node.application import Application
from node.checkpoints import Checkpoints
from node.clients import Client
from node.deliveries import Deliveries
from node.flight import Flight, Flights
from node.inbound import Inbound
from node.outbox import Outbox
from node.publisher import Publisher
from node.reading import Reader
from node.records import Records
from node.replica import Replica
from node.results import Results
from node.store import Job, Store
from node.submissions import Submissions

Result = TypeVar("Result")

# Of each class or module the functions that are timed, and the step that each is part of.
TIMED: tuple[tuple[Any, dict[str, str]], ...] = (
    (Client, {"decode": "decode", "read": "mapping", "answer": "rendering"}),
    (Reader, {"items": "canonical_bytes"}),
    (Inbound, {"_keep": "outbox"}),
    (Outbox, {"next_entries": "block_sign", "_sealed": "seal"}),
    (Flights, {"next": "block_sign"}),
    (Replica, {"_apply": "archive", "_checked": "block_verify", "_state": "state_digest"}),
    (replica, {"entry_leaf": "tree", "append": "tree", "root": "tree"}),
    (Application, {"apply_block": "open"}),
    (Submissions, {"take": "open", "_admitted": "validate", "_decide": "contract"}),
    (submissions, {"_store_references": "state_store", "_store_outcome": "state_store"}),
    (Records, {"get": "state_store", "change": "state_store", "write": "state_store"}),
    (results, {"decision_digest": "attest", "attestation": "attest", "_results": "release"}),
    (Results, {"decided": "attest", "attest": "attest", "_tell": "release"}),
    (Results, {"attested": "compare", "_judge": "compare"}),
    (Checkpoints, {"sign": "checkpoint", "take": "checkpoint", "finish": "checkpoint"}),
    (Deliveries, {"queue_answer": "delivery", "spoke": "delivery"}),
    (Store, {"_commit": "commit"}),
)
# Jobs of the store that are not among the functions above, by the module that they come from.
JOBS = {"node.inbound": "raw_store", "node.outbound": "delivery", "node.flight": "block_sign"}


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


@contextmanager
def timed(steps: Steps) -> Iterator[None]:
    """Time all nodes of this process meanwhile."""
    before = [(owner, name, getattr(owner, name)) for owner, names in TIMED for name in names]
    before += [(Publisher, "_publish", Publisher._publish), (Store, "write", Store.write)]
    try:
        for owner, names in TIMED:
            for name, step in names.items():
                setattr(owner, name, steps.around(step, getattr(owner, name)))
        setattr(Publisher, "_publish", _waits(steps))  # noqa: B010 - a method is not assigned to otherwise
        setattr(Store, "write", _jobs(steps))  # noqa: B010 - the same
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


def _waits(steps: Steps) -> Callable[[Publisher, Flight], Awaitable[Flight | None]]:
    """`Publisher._publish`, timed by the clock."""
    publish = Publisher._publish

    async def timed_wait(publisher: Publisher, flight: Flight) -> Flight | None:
        began = time.perf_counter()
        following = await publish(publisher, flight)
        steps.waits.append(time.perf_counter() - began)
        return following

    return timed_wait


def _jobs(steps: Steps) -> Callable[[Store, Job[Result]], Awaitable[Result]]:
    """`Store.write` whose jobs are timed, where `JOBS` has a step for them."""
    write = Store.write

    def timed_write(store: Store, job: Job[Result]) -> Awaitable[Result]:
        function = job.func if isinstance(job, partial) else job
        step = JOBS.get(function.__module__)
        return write(store, steps.around(step, job) if step else job)

    return timed_write
