"""The rules of each relationship, as its two sides have agreed on them: part of the register."""

import datetime
from bisect import bisect_left

from canonical.rules.versions import RulesVersions
from node.act_statements import AgreeRules
from node.network import Network
from node.proposals import ActRefusedError

FIRST_VERSION = 1


class RulesHistory:
    """All versions. The first of a relationship came with it, and is for whatever trade date."""

    def __init__(self) -> None:
        self._agreed: dict[tuple[str, str], list[tuple[int, AgreeRules]]] = {}

    def on(self, network: Network, broker: str, investor: str, position: int) -> RulesVersions:
        """The rules as the entry at a position is judged by, by trade date. network: as of now."""
        agreed = self._agreed.get((broker, investor), [])
        known = agreed[: bisect_left(agreed, position, key=lambda one: one[0])]
        later = tuple((act.from_trade_date, act.rules) for _, act in known)
        return RulesVersions(network.rules[broker, investor], later)

    def next_version(self, broker: str, investor: str) -> int:
        """The number that the next version has."""
        return len(self._agreed.get((broker, investor), ())) + FIRST_VERSION + 1

    def is_next(self, act: AgreeRules) -> bool:
        """Whether rules have the number that is due."""
        return act.version == self.next_version(act.broker, act.investor)

    def check(self, network: Network, act: AgreeRules, day: datetime.date) -> None:
        """Raise ActRefusedError where the rules cannot be agreed on any more, on a day of the ledger."""
        if (act.broker, act.investor) not in network.rules:
            raise ActRefusedError("this network has no such relationship")
        if act.institution not in (act.broker, act.investor):
            raise ActRefusedError("only the two sides agree on their rules")
        if act.version != (due := self.next_version(act.broker, act.investor)):
            raise ActRefusedError(f"these rules have version {act.version}; the next one is {due}")
        if act.from_trade_date <= day:
            text = f"they are for trades from {act.from_trade_date} on, and it is {day} already"
            raise ActRefusedError(f"{text}: rules hold for days to come")

    def agree(self, act: AgreeRules, position: int) -> None:
        """Have rules hold for the entries after a position."""
        self._agreed.setdefault((act.broker, act.investor), []).append((position, act))

    def versions(self, broker: str, investor: str) -> list[tuple[int, AgreeRules]]:
        """What was agreed after the first version, with the position that completed it."""
        return list(self._agreed.get((broker, investor), ()))

    def state(self) -> list[object]:
        """All of it, for the register's digest: who, version, from where."""
        return [
            [broker, investor, [[at, act.id] for at, act in agreed]]
            for (broker, investor), agreed in sorted(self._agreed.items())
        ]
