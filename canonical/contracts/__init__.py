"""Contracts: pure functions that every entitled node runs on the same entries in the same order.

    apply(view, entry, rules, contract) -> Decision

`view` looks up records of the state by key, `Decision.changes` says which records are new: None deletes
one. A version lives in a directory of its own and is never changed once a network has used it.
"""

from canonical.base import Canonical
from canonical.contracts.matching.v1 import contract as matching_v1
from canonical.contracts.matching.v1 import records

CONTRACTS = {"matching/1": matching_v1.apply}

RECORDS: dict[str, type[Canonical]] = {
    record.__name__: record for record in (records.MessageRecord, records.Half, records.Index, records.Trade)
}
