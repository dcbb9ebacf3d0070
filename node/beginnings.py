"""Which SPs have been able to read all of a relationship, from its first message on: part of the register."""

from collections.abc import Callable

from node.network import Delegation, Network

DelegationAt = Callable[[str, str, int], Delegation | None]
"""What an SP acted with for an institution at a position: LEI, SP, position."""


class Beginnings:
    """Who acted for institutions when they came into the network, and where relationships began since."""

    def __init__(self, genesis: Network, delegation: DelegationAt) -> None:
        self._genesis = genesis
        self._delegation = delegation
        self._first_sp: dict[str, str] = {}
        self._begun: dict[tuple[str, str], int] = {}

    def delegated(self, lei: str, sp: str) -> None:
        """Note that an institution has let an SP act for it: of one that came later, the first counts."""
        if lei not in self._genesis.by_lei:
            self._first_sp.setdefault(lei, sp)

    def related(self, broker: str, investor: str, position: int) -> None:
        """Note that two institutions have begun their relationship at a position."""
        self._begun[broker, investor] = position

    def was_founded_with(self, lei: str, sp: str) -> bool:
        """Whether the SP has acted for the institution since it is in the network."""
        founded = self._genesis.by_lei.get(lei)
        known = founded.delegations if founded is not None else ()
        return any(d.sp == sp for d in known) or self._first_sp.get(lei) == sp

    def knows_all(self, sp: str, broker: str, investor: str) -> bool:
        """Whether the SP has acted for one of the two since they confirm trades with one another."""
        if (begun := self._begun.get((broker, investor))) is not None:
            return any(self._delegation(lei, sp, begun) is not None for lei in (broker, investor))
        return any(self.was_founded_with(lei, sp) for lei in (broker, investor))
