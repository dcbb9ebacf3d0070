"""What became of a damaged store: what was kept, what was lost, as exactly as can be told."""

from pydantic import BaseModel, ConfigDict

SPANS_MAX = 1_000
NAMED_MAX = 1_000


class Told(BaseModel):
    """Base of what is told: plain data."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(Told):
    """Rows by their numbers, both included."""

    first: int
    last: int


class TableReport(Told):
    """What became of one table.

    kept: rows. broken: rows that were found and could not be read. lost: numbers of rows that are missing, at
    most 1,000 spans; lost_rows: how many in all. may_lack_newest: rows after the last known number may be
    lost too. gaps: places where rows of a table may be missing whose numbers do not tell.
    """

    table: str
    kept: int
    broken: int = 0
    lost: tuple[Span, ...] = ()
    lost_rows: int = 0
    may_lack_newest: bool = False
    gaps: int = 0


class LostArrival(Told):
    """A client's message that is lost: ask for it again. origin: as its link named it."""

    client: str
    origin: str


class SalvageReport(Told):
    """What was kept of a damaged store, and what was not.

    lost_arrivals: as far as an index still names them, at most 1,000. altered: raw messages that are not what
    arrived, by number; they were kept. parts_dropped: parts of messages whose bytes are lost.
    submissions_without_raw: answers to them can still be given. settings: names of those kept.
    """

    tables: tuple[TableReport, ...]
    lost_arrivals: tuple[LostArrival, ...] = ()
    altered: tuple[int, ...] = ()
    parts_dropped: int = 0
    submissions_without_raw: int = 0
    settings: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing was lost."""
        lacking = any(t.broken or t.lost_rows or t.may_lack_newest or t.gaps for t in self.tables)
        return not (lacking or self.altered or self.parts_dropped or self.submissions_without_raw)
