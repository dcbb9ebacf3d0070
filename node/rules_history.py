"""The rules of each relationship, as its two sides have agreed on them: part of the register.

Which document they have agreed on, and from where and when it holds, every node knows. What it says, only
nodes of the two sides know: without it they judge nothing of the relationship.
"""

import datetime
from bisect import bisect_left

from canonical.rules.versions import RulesVersions
from node.act_statements import AgreeRules
from node.network import Network
from node.proposals import ActRefusedError
from node.rules_document import RulesDocument

FIRST_VERSION = 1


def rules_alarm(broker: str, investor: str) -> str:
    """What the alarm is called where a node cannot judge what it has judged before."""
    return f"rules/{broker}/{investor}"


class RulesHistory:
    """All versions. The first of a relationship came with it, and is for whatever trade date."""

    def __init__(self) -> None:
        self._agreed: dict[tuple[str, str], list[tuple[int, AgreeRules]]] = {}
        self._documents: dict[str, RulesDocument] = {}

    def learn(self, name: str, document: RulesDocument) -> None:
        """Know what the document of an id says."""
        self._documents[name] = document

    def document(self, name: str) -> RulesDocument | None:
        """What the document of an id says; None where this node does not know it. For any thread."""
        return self._documents.get(name)

    def missing(self, broker: str, investor: str) -> tuple[AgreeRules, ...]:
        """What the two have agreed on, and this node does not know what it says."""
        agreed = self._agreed.get((broker, investor), ())
        return tuple(act for _, act in agreed if not self.is_known(act))

    def is_known(self, act: AgreeRules) -> bool:
        """Whether this node has the document that an act names, and it is about the same."""
        return is_about(self._documents.get(act.document), act)

    def on(self, network: Network, broker: str, investor: str, position: int) -> RulesVersions:
        """The rules as the entry at a position is judged by, by trade date. network: as of now.

        Only where none of them is missing.
        """
        agreed = self._agreed.get((broker, investor), [])
        known = agreed[: bisect_left(agreed, position, key=lambda one: one[0])]
        later = tuple((act.from_trade_date, self._documents[act.document].rules) for _, act in known)
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


def is_about(document: RulesDocument | None, act: AgreeRules) -> bool:
    """Whether a document holds what an act names it for."""
    if document is None:
        return False
    said = (document.broker, document.investor, document.version, document.from_trade_date)
    return said == (act.broker, act.investor, act.version, act.from_trade_date)
