"""The contracts that this node has, by id, and which of them judges the entry at a position."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from canonical.base import Canonical
from canonical.contracts import CONTRACTS, FORGET, HALVES_OF, REMINDING, Reminding
from canonical.contracts.state import Decision, Entry, View
from canonical.rules.versions import RulesOn
from canonical.submission import Submission
from node.contract_history import ContractHistory
from node.contract_identity import contract_id


@dataclass(frozen=True, slots=True)
class Contract:
    """A version of a contract: see canonical.contracts."""

    id: str
    apply: Callable[[View, Entry, RulesOn, str], Decision]
    forget: Callable[[View, tuple[str, ...]], dict[str, Canonical | None]]
    halves_of: Callable[[View, Submission], tuple[str, ...]]
    reminding: Reminding

    @property
    def name(self) -> str:
        """Its name, without the digest."""
        return self.id.partition(":")[0]


class Versions:
    """Which contract judges what. contracts: those that this node has, by id."""

    def __init__(self, history: ContractHistory, contracts: Mapping[str, Contract]) -> None:
        self._history = history
        self._contracts = contracts
        self._by_name = {one.name: one for one in contracts.values()}

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all that this node has, in order."""
        return tuple(sorted(self._contracts))

    def at(self, position: int) -> Contract | None:
        """What judges the entry at a position; None where contracts are stopped, or this node lacks it.

        The first one of a network is chosen by its name: votes alone name an id.
        """
        chosen = self._history.at(position).contract
        if chosen is None:
            return None
        return self._contracts.get(chosen) if ":" in chosen else self._by_name.get(chosen)


@cache
def installed_contracts() -> Mapping[str, Contract]:
    """The contracts of this release, by id."""
    found = (
        Contract(contract_id(name), apply, FORGET[name], HALVES_OF[name], REMINDING[name])
        for name, apply in CONTRACTS.items()
    )
    return {one.id: one for one in found}
