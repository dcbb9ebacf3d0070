"""What clients have heard of results, other contracts, and a clock that waits for the test."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from scene import Node, until

from canonical.contracts.state import Decision
from canonical.result import Result, TradeStatus
from node.application import Parts
from node.compose import MakeParts, application_parts
from node.contract_versions import Contract, installed_contracts
from node.deliveries import Deliveries
from node.keyring import KeyRing
from node.register import Register


@dataclass
class Clock:
    """Seconds as the test has them. looks: how often a node has asked."""

    now: float = 0.0
    looks: int = 0

    def __call__(self) -> float:
        """See time.monotonic."""
        self.looks += 1
        return self.now

    async def looked_at(self) -> None:
        """Wait until what was due by now has been done."""
        seen = self.looks
        await until(lambda: self.looks >= seen + 2)


def other_contract(change: Callable[[Decision], Decision] = lambda same: same, name: str = "") -> MakeParts:
    """A node's parts with another contract: that says something else, or the same by another name."""
    [true] = [one for one in installed_contracts().values() if one.name == "matching/1"]
    other = replace(true, id=name or true.id, apply=lambda *given: change(true.apply(*given)))
    return with_contracts(other)


def with_contracts(*contracts: Contract) -> MakeParts:
    """A node's parts with these contracts alone."""

    def make(sp: str, register: Register, ring: KeyRing, deliveries: Deliveries) -> Parts:
        return application_parts(sp, register, ring, deliveries, {one.id: one for one in contracts})

    return make


def worse(decision: Decision) -> Decision:
    """Whatever the true contract has found, the trade does not match."""
    wrong = {"status": TradeStatus.MISMATCHED}
    told = [one.model_copy(update=wrong) if isinstance(one, Result) else one for one in decision.outcomes]
    return replace(decision, outcomes=tuple(told))


def finality(node: Node) -> list[str]:
    """How far each submission's results are, in order."""
    return [found for (found,) in node.rows("SELECT finality FROM decided ORDER BY position")]


def told(node: Node, name: str) -> list[str]:
    """What a client has heard, but for copies of the other side's messages."""
    return [one.raw.decode("cp932") for one in node.link.to(name) if one.kind == "result"]


def _is_receipt(text: str) -> bool:
    return ",受付," in text or "\x0187=3\x01" in text


def _is_agreed(text: str) -> bool:
    return ",一致," in text or "\x0187=0\x01" in text


def kinds(node: Node, name: str) -> list[str]:
    """What a client has heard, in a word each."""
    return [_kind(text) for text in told(node, name)]


def _kind(text: str) -> str:
    for word in ("provisional", "withdrawn"):
        if word in text:
            return word
    return "receipt" if _is_receipt(text) else "agreed" if _is_agreed(text) else "other"
