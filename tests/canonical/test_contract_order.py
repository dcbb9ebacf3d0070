"""It does not matter in which order the two sides' messages come, nor which side is which."""

import itertools
import random
from collections import Counter
from typing import Any

import pytest
from trades import BROKER, INVESTOR, Replica, message, submission

from canonical.contracts.matching.v1.records import Half
from canonical.result import Result
from canonical.submission import Submission

FUNDS = ["F1 20000", "F2 10000"]


def said(name: str, reference: str, **words: Any) -> Submission:
    sender = BROKER if name in ("notice", "confirmation") else INVESTOR
    return submission(sender, message({name: reference, **words}))


def trade(number: int, links: dict[str, str], quantity: int = 30000) -> list[Submission]:
    """The six messages of a trade of which the second fund is confirmed by a message of its own."""
    funds = [f"F1 {quantity - 10000}", "F2 10000"]
    same: dict[str, Any] = {"links": links, "quantity": str(quantity)}
    return [
        said("notice", f"N{number}", **same),
        said("instruction", f"A{number}", funds=funds, **same),
        said("confirmation", f"C{number}a", funds=funds[:1], block=False, links=links),
        said("confirmation", f"C{number}b", funds=funds[1:], block=False, links=links),
        said("calculation", f"K{number}", funds=funds, **same),
    ]


def final(entries: list[Submission]) -> Counter[Any]:
    """The last status of each trade that is still there, with its figures; accepted messages alone."""
    replica = Replica()
    last: dict[str, Result] = {}
    for entry in entries:
        outcomes = replica.apply(entry)
        assert outcomes[0].kind == "receipt", outcomes[0]
        last |= {each.trade: each for each in outcomes if isinstance(each, Result)}
    halves = [record for record in replica.state.values() if isinstance(record, Half)]
    alive = {half.id for half in halves if half.other is None} | {
        min((h, replica.state[f"half/{h.other}"]), key=lambda x: (x.opened, x.id)).id
        for h in halves
        if h.other
    }
    found = [last[trade] for trade in sorted(alive) if trade in last]
    alone = len(alive) - len(found)
    return Counter(
        [(r.status, r.block.differences, r.funds_matched, r.funds_total) for r in found]
        + [alone] * bool(alone)
    )


@pytest.mark.parametrize(
    "links",
    [{"client_order": "O1"}, {"common": "T1", "execution": "E1"}],
    ids="+".join,
)
def test_any_order_of_one_trade(links: dict[str, str]):
    """One reference in common is enough to end in the same agreed trade in each of the 120 orders."""
    ends = {repr(final(list(order))) for order in itertools.permutations(trade(1, links))}
    assert len(ends) == 1
    assert "MATCH_AGREED" in ends.pop()


def test_any_order_by_economics():
    """Without any reference, a confirmation that states its block is enough."""
    messages = [
        said("notice", "N1"),
        said("confirmation", "C1", funds=FUNDS),
        said("instruction", "A1", funds=FUNDS),
        said("calculation", "K1", funds=FUNDS),
    ]
    ends = {repr(final(list(order))) for order in itertools.permutations(messages)}
    assert len(ends) == 1
    assert "MATCH_AGREED" in ends.pop()


@pytest.mark.parametrize("seed", range(20))
def test_any_order_of_equal_trades_told_apart_by_reference(seed: int):
    """Four trades, equal but for their references, never take each other's messages."""
    messages = [entry for n in range(4) for entry in trade(n, {"client_order": f"O{n}"})]
    random.Random(seed).shuffle(messages)
    ends = final(messages)
    assert [(key[0].value, count) for key, count in ends.items()] == [("MAGR", 4)]


@pytest.mark.parametrize("seed", range(20))
def test_any_order_of_one_order_done_in_blocks(seed: int):
    """Three blocks of one order, of other quantities: each ends with its own, whatever came first."""
    messages = []
    for number in range(3):
        links, quantity = {"client_order": "O1"}, str(10000 * (number + 1))
        funds = [f"F1 {quantity}"]
        messages += [
            said("confirmation", f"C{number}", funds=funds, links=links, quantity=quantity),
            said("calculation", f"K{number}", funds=funds, links=links, quantity=quantity),
        ]
    random.Random(seed).shuffle(messages)
    assert [(key[0].value, count) for key, count in final(messages).items()] == [("MAGR", 3)]


def test_roles_swapped():
    """A difference is told alike whichever side has which figure."""
    ours, theirs = ["F1 20000", "F2 10000"], ["F1 20000", "F2 10000 tax=2846"]
    found = []
    for broker, investor in ((ours, theirs), (theirs, ours)):
        replica = Replica()
        replica.apply(said("confirmation", "C1", funds=broker))
        found.append(replica.apply(said("calculation", "K1", funds=investor))[-1])
    one, other = found
    assert isinstance(one, Result)
    assert isinstance(other, Result)
    assert one.status is other.status
    swapped = [[(d.field, d.investor, d.broker) for d in fund.differences] for fund in other.funds]
    assert [[(d.field, d.broker, d.investor) for d in fund.differences] for fund in one.funds] == swapped
