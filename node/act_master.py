"""Acts on master data: what members vote on, and what institutions say of what is their own."""

from typing import Annotated, Literal

from pydantic import Field

from canonical.calendar import Calendar
from canonical.identifiers import Bic, FundAccount, LocalCode
from node.act_statements import Agreement, Joint, Statement
from node.act_votes import Position, Vote
from node.network import FundEntry, Institution, Name, NetworkDeadlines, Relationship, Security

LISTED_MAX = 200  # in one act


class AdmitInstitution(Vote):
    """This institution is in the network, with its relationships; who acts for it, it says itself."""

    act: Literal["admit_institution"] = "admit_institution"
    institution: Institution
    relationships: Annotated[tuple[Relationship, ...], Field(max_length=LISTED_MAX)] = ()


class ListSecurities(Vote):
    """These securities are traded; one that is listed already has these names and codes from now on."""

    act: Literal["list_securities"] = "list_securities"
    securities: Annotated[tuple[Security, ...], Field(min_length=1, max_length=LISTED_MAX)]


class SetCalendar(Vote):
    """The business days of a market; they take the place of those of the same name."""

    act: Literal["set_calendar"] = "set_calendar"
    calendar: Calendar


class SetDeadlines(Vote):
    """At these times what is open is told, for trade dates that lie ahead when the vote is complete."""

    act: Literal["set_deadlines"] = "set_deadlines"
    deadlines: NetworkDeadlines


class StateCodes(Statement):
    """The institution is called so in messages, besides by its LEI."""

    act: Literal["state_codes"] = "state_codes"
    name: Name
    bic: Bic | None = None
    codes: Annotated[tuple[LocalCode, ...], Field(max_length=LISTED_MAX)] = ()


class StateFunds(Statement):
    """The investor has these funds, or other aliases for them; those that are closed it has no more."""

    act: Literal["state_funds"] = "state_funds"
    funds: Annotated[tuple[FundEntry, ...], Field(max_length=LISTED_MAX)] = ()
    closed: Annotated[tuple[FundAccount, ...], Field(max_length=LISTED_MAX)] = ()


class Relate(Joint):
    """The two confirm trades with one another; by what rules, they agree on afterwards."""

    act: Literal["relate"] = "relate"


class Correct(Agreement):
    """What stands at a position is corrected, as both sides have agreed; the entry itself stays."""

    act: Literal["correct"] = "correct"
    position: Position
