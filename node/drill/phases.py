"""How long clients have waited, phase by phase of a drill: read from the nodes' stores when it is over.

phases = Phases(account)
phases.begin("before the vote") ... phases.begin("afterwards")
told_by_phase(phases, "first answers at sp1", first_answers(provider))
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from node.demo.providers import Provider
from node.drill.account import Account
from node.drill.holding import rows

MICROSECONDS = 1_000_000


@dataclass(slots=True)
class Phases:
    """The phases of a drill, each with the moment at which it began, in seconds since 1970."""

    account: Account
    began: list[tuple[str, float]] = field(default_factory=list)

    def begin(self, name: str) -> None:
        """The next phase begins now, and the one before is over."""
        self.began.append((name, time.time()))
        self.account.tell(f"-- {name}")

    def of(self, moment: float) -> str:
        """The phase of a moment; the first one for what was before all."""
        return next((name for name, since in reversed(self.began) if since <= moment), self.began[0][0])


class Wait(NamedTuple):
    """What a client waited for. began: when its node took the message, in seconds since 1970."""

    began: float
    seconds: float


def first_answers(provider: Provider) -> list[Wait]:
    """For each message that this node has taken: until its client had been handed the first answer to it."""
    query = (
        "SELECT raw.received, MIN(delivery.delivered) - raw.received FROM raw"
        " JOIN submission ON submission.raw = raw.id JOIN delivery USING (source, client)"
        " WHERE delivery.kind <> 'copy' AND delivery.delivered IS NOT NULL GROUP BY raw.id"
    )
    return [_wait(*row) for row in rows(provider, query)]


def waiting_longer_than(seconds: float, provider: Provider) -> bool:
    """Whether a client waits now, for so long, for a first answer or for anything else that is due to it."""
    query = (
        "SELECT EXISTS (SELECT 1 FROM delivery WHERE delivered IS NULL AND queued < ?1)"
        " OR EXISTS (SELECT 1 FROM raw JOIN submission ON submission.raw = raw.id WHERE raw.received < ?1"
        " AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.source = submission.source"
        " AND delivery.client = submission.client AND delivered IS NOT NULL))"
    )
    [(waits,)] = rows(provider, query, round((time.time() - seconds) * MICROSECONDS))
    return bool(waits)


def results_between(one: Provider, other: Provider) -> list[Wait]:
    """For each message on a trade of both nodes that has had a result: until both clients had been told."""
    found = []
    for provider in (one, other):
        query = (
            "SELECT said.position, raw.received FROM raw JOIN submission ON submission.raw = raw.id"
            " JOIN said ON said.source = submission.source AND said.sp = ?"
        )
        caused = dict(rows(provider, query, provider.sp))
        told = [_told(each) for each in (one, other)]
        for position in sorted(caused.keys() & told[0].keys() & told[1].keys()):
            last = max(each[position] for each in told)
            found.append(_wait(caused[position], last - caused[position]))
    return found


def _told(provider: Provider) -> dict[int, int]:
    """When the clients of a node had been handed all results of a position, in microseconds since 1970."""
    query = (
        "SELECT outcome.position, MAX(delivery.delivered) FROM outcome JOIN delivery"
        " ON delivery.outcome = outcome.id WHERE outcome.kind = 'result' GROUP BY outcome.position"
        " HAVING COUNT(*) = COUNT(delivery.delivered)"
    )
    return dict(rows(provider, query))


def told_by_phase(phases: Phases, whose: str, waits: Iterable[Wait]) -> None:
    """Tell of each phase how many were answered, and the longest wait."""
    found: dict[str, list[float]] = {name: [] for name, _ in phases.began}
    for wait in waits:
        found[phases.of(wait.began)].append(wait.seconds)
    for name, seconds in found.items():
        phases.account.tell(f"{whose}, {name}: {summary(seconds)}")


def summary(seconds: Iterable[float]) -> str:
    """How many, the median and the longest, for people."""
    ordered = sorted(seconds)
    if not ordered:
        return "none"
    return f"{len(ordered)}, median {ordered[len(ordered) // 2]:.2f} s, longest {ordered[-1]:.2f} s"


def longer_than(seconds_max: float, whose: str, waits: Iterable[Wait], phases: Phases) -> Iterator[str]:
    """Who has waited too long, and when."""
    for wait in waits:
        if wait.seconds > seconds_max:
            yield f"{whose}: {wait.seconds:.2f} s, {phases.of(wait.began)}"


def _wait(received: int, waited: int) -> Wait:
    return Wait(received / MICROSECONDS, waited / MICROSECONDS)
