"""Contracts: pure functions that every entitled node runs on the same entries in the same order.

    apply(view, entry, rules, contract) -> Decision

`view` looks up records of the state by key, `rules` gives those of a trade date, `Decision.changes` says
which records are new: None deletes one. A version lives in a directory of its own and is never changed once
a network has used it; a later one may build on its modules, as its identity covers all of them.

    halves_of(view, submission) -> the sides of trades that an accepted submission speaks of
    forget(view, halves) -> changes

These take out of the state what both sides have destroyed. They too run at one place of the ledger at every
entitled node, so that the states stay equal. Which version judges an entry is decided on the ledger.

    Reminding.due(view, place, rules, now) -> Reminder

tells a node what it has to say once a deadline has passed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from canonical.base import Canonical
from canonical.contracts.matching.v1 import cards, lines, lists, messages, open_list, records, reminding
from canonical.contracts.matching.v1 import contract as matching_v1
from canonical.contracts.matching.v1 import forgetting as forgetting_v1
from canonical.contracts.matching.v2 import contract as matching_v2
from canonical.contracts.state import View
from canonical.message import Reminder
from canonical.rules import Rules

CONTRACTS = {"matching/1": matching_v1.apply, "matching/2": matching_v2.apply}
FORGET = {"matching/1": forgetting_v1.forget, "matching/2": matching_v2.forget}
HALVES_OF = {"matching/1": forgetting_v1.halves_of, "matching/2": matching_v2.halves_of}


@dataclass(frozen=True, slots=True)
class Reminding:
    """How a node finds what deadlines are about.

    days_from, days_end: the keys of the state between which the trade dates with something open stand, from
    a date on. day_of_key: a trade date, broker and investor. due: what is to be said about them at a time.
    """

    days_from: Callable[[date], str]
    days_end: str
    day_of_key: Callable[[str], tuple[date, str, str]]
    due: Callable[[View, tuple[date, str, str], Rules, datetime], Reminder | None]


_REMINDING_V1 = Reminding(open_list.days_from, open_list.DAYS_END, open_list.day_of_key, reminding.due)
REMINDING = {"matching/1": _REMINDING_V1, "matching/2": _REMINDING_V1}

is_list = lists.is_list
"""Whether the record at a key only lists others: it follows from those, and is no part of what sides attest.

A node that cannot read a destroyed day lacks its halves in lists, and must come to the same about all others.
"""

RECORDS: dict[str, type[Canonical]] = {
    record.__name__: record
    for record in (
        messages.Messages,
        messages.Mentions,
        records.Half,
        lines.Lines,
        cards.Index,
        records.Trade,
        open_list.OpenBucket,
        reminding.Reminded,
        records.Change,
    )
}
