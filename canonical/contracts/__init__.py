"""Contracts: pure functions that every entitled node runs on the same entries in the same order.

    apply(view, entry, rules, contract) -> Decision

`view` looks up records of the state by key, `rules` gives those of a trade date, `Decision.changes` says
which records are new: None deletes one. A version lives in a directory of its own and is never changed once
a network has used it; a later one may build on its modules, as its identity covers all of them.

    halves_of(view, submission) -> the sides of trades that an accepted submission speaks of
    forget(view, halves) -> changes

These take out of the state what both sides have destroyed. They too run at one place of the ledger at every
entitled node, so that the states stay equal. Which version judges an entry is decided on the ledger.
"""

from canonical.base import Canonical
from canonical.contracts.matching.v1 import contract as matching_v1
from canonical.contracts.matching.v1 import forgetting as forgetting_v1
from canonical.contracts.matching.v1 import records
from canonical.contracts.matching.v2 import contract as matching_v2

CONTRACTS = {"matching/1": matching_v1.apply, "matching/2": matching_v2.apply}
FORGET = {"matching/1": forgetting_v1.forget, "matching/2": matching_v2.forget}
HALVES_OF = {"matching/1": forgetting_v1.halves_of, "matching/2": matching_v2.halves_of}

RECORDS: dict[str, type[Canonical]] = {
    record.__name__: record
    for record in (
        records.MessageRecord,
        records.Mentions,
        records.Half,
        records.Index,
        records.Trade,
        records.Change,
    )
}
