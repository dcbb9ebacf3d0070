"""How ledger time stands to this node's clock."""

import datetime
import sqlite3
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from node.ledger_time import Clock, machine_clock, moment, stored_time

AHEAD_SECONDS_MAX = 10.0


class TimeStanding(BaseModel):
    """at: what hour it is by the ledger (node.ledger_time). lag_seconds: by which this node's clock is ahead.

    The lag grows while nothing is said. It is far below nothing where a clock is wrong.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime.datetime
    lag_seconds: float


def time_standing(connection: sqlite3.Connection, clock: Clock = machine_clock) -> TimeStanding | None:
    """How it stands now; None before the first block."""
    told = stored_time(connection)
    lag = round((clock() - told) / 1_000_000, 3)
    return TimeStanding(at=moment(told), lag_seconds=lag) if told else None


def time_findings(standing: TimeStanding | None) -> Iterator[str]:
    """What an operator must look at."""
    if standing is not None and standing.lag_seconds < -AHEAD_SECONDS_MAX:
        yield (
            f"ledger time is {-standing.lag_seconds:.0f} seconds ahead of this node's clock: either this one "
            "is slow, or most members' are fast. Look at its time synchronisation, and ask the others"
        )
