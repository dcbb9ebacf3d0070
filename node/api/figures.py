"""Statistics and scorecards over the API: the figures of `yakujo stats --institution`."""

import csv
import datetime
import io
import sqlite3
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from adapters.http_call import refused
from canonical.base import WHOLE_NUMBER_MAX
from canonical.problems import Rule, violation
from node.figure_counting import FiguresError
from node.figure_report import BY, Asked, assert_served, report
from node.figure_tables import tables
from node.figures import Card, FiguresReport
from node.inspection import Shown, View

CSV = "text/csv; charset=utf-8; header=present"
StatisticsTable = Literal["total", "days", "relationships", "funds", "fields", "causes", "rules", "ledger"]
ScorecardTable = Literal["cards", "card_fields", "ledger"]


def _by_the_networks_clock(by: datetime.time) -> datetime.time:
    if by.tzinfo is not None:
        raise violation(Rule.MALFORMED, "give the time by the network's clock, without a zone: 15:30")
    return by


class FiguresAsked(BaseModel):
    """by: until when a match is on time, by the network's clock. at: the position up to which to count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Annotated[datetime.time, AfterValidator(_by_the_networks_clock)] = BY
    at: Annotated[int, Field(ge=0, le=WHOLE_NUMBER_MAX)] | None = None
    format: Literal["json", "csv"] | None = None


class StatisticsAsked(FiguresAsked):
    """table: which one, as CSV."""

    table: StatisticsTable = "total"


class ScorecardsAsked(FiguresAsked):
    """The same of scorecards."""

    table: ScorecardTable = "cards"


class Scorecards(Shown):
    """How an institution and each counterparty work together. The first fields: as in statistics."""

    network: str
    network_id: str
    position: int
    root: str
    time: datetime.datetime | None
    time_zone: str
    by: datetime.time
    institution: str
    cards: tuple[Card, ...]


def figures_of(view: View, institution: str, asked: FiguresAsked) -> FiguresReport:
    """All figures of an institution. Raises RefusedError."""
    try:
        assert_served(view.connection, view.network, view.settings.sp, institution)
        return report(view.connection, view.network, Asked(asked.by, asked.at, institution))
    except FiguresError as error:
        if isinstance(error.__cause__, sqlite3.OperationalError):  # it took too long: see node.api.questions
            raise error.__cause__ from None
        raise refused(409, str(error)) from None


def scorecards(found: FiguresReport) -> Scorecards:
    """The scorecards of a report."""
    names = set(Scorecards.model_fields)
    return Scorecards.model_validate(found.model_dump(include=names))


def as_csv(found: FiguresReport, table: str) -> bytes:
    """One table of a report: as `yakujo stats --csv` writes it."""
    chosen = next(one for one in tables(found) if one.name == table)
    written = io.StringIO(newline="")
    csv.writer(written).writerows([chosen.columns, *chosen.rows])
    return written.getvalue().encode()
