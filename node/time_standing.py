"""How ledger time stands to this node's clock."""

import datetime
import sqlite3
from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from node.ledger_time import Clock, last_words, machine_clock, moment, stored_time

AHEAD_SECONDS_MAX = 10.0
STANDING_SECONDS_MAX = 60.0  # a member that is started anew is back before


class TimeStanding(BaseModel):
    """at: what hour it is by the ledger (node.ledger_time). lag_seconds: by which this node's clock is ahead.

    The lag grows while nothing is said. It is far below nothing where a clock is wrong. held_back_by: the
    members that have not reached what others have; needed: of those, how many must speak for time to go on.
    None of them where it does not stand still.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime.datetime
    lag_seconds: float
    held_back_by: tuple[str, ...] = ()
    needed: int = 0


def time_standing(
    connection: sqlite3.Connection, members: Sequence[str], clock: Clock = machine_clock
) -> TimeStanding | None:
    """How it stands now; None before the first block. members: the SPs that are."""
    told, words = stored_time(connection), last_words(connection)
    if not told:
        return None
    lag = round((clock() - told) / 1_000_000, 3)
    later = [sp for sp in members if words.get(sp, 0) > told]
    if max((words.get(sp, 0) for sp in members), default=0) - told <= STANDING_SECONDS_MAX * 1_000_000:
        return TimeStanding(at=moment(told), lag_seconds=lag)
    behind = tuple(sp for sp in members if sp not in later)
    needed = len(members) // 2 + 1 - len(later)
    return TimeStanding(at=moment(told), lag_seconds=lag, held_back_by=behind, needed=needed)


def time_findings(standing: TimeStanding | None) -> Iterator[str]:
    """What an operator must look at."""
    if standing is not None and standing.held_back_by:
        names = ", ".join(standing.held_back_by)
        which = f"{standing.needed} of {names}" if len(standing.held_back_by) > standing.needed else names
        since = standing.at.isoformat(" ", "seconds")
        yield (
            f"ledger time stands still since {since}: it waits for {which}, away or with a slow clock; "
            "no deadline passes until they speak, or are no members any more"
        )
    if standing is not None and standing.lag_seconds < -AHEAD_SECONDS_MAX:
        yield (
            f"ledger time is {-standing.lag_seconds:.0f} seconds ahead of this node's clock: either this one "
            "is slow, or most members' are fast. Look at its time synchronisation, and ask the others"
        )
