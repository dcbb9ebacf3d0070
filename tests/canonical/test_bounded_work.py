"""What one message reads and writes does not grow with what is open."""

from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from trades import BROKER, INVESTOR, Replica, message, submission

from canonical.base import Canonical
from canonical.contracts.matching.v1 import pairing
from canonical.contracts.matching.v1.cards import Named
from canonical.contracts.matching.v1.lists import NEAR_MAX
from canonical.contracts.matching.v1.pairing import contradict
from canonical.identifiers import LINKS_MAX, Link, LinkKind
from canonical.result import Result, Source, TradeStatus
from canonical.submission import Submission

EQUAL_BLOCKS = 600
LINKED_BLOCKS, LINK_VALUES = 240, 200
SINGLE_FUNDS = 100
FUNDS = ["F1 600", "F2 400"]


@dataclass
class Counting(Replica):
    """A replica that counts the characters of the records that it looks at."""

    read: int = 0

    def view(self, key: str) -> Canonical | None:
        """The record at a key."""
        found = super().view(key)
        self.read += len(found.model_dump_json()) if found is not None else 0
        return found

    def costs(self, said: Submission) -> tuple[int, int, int]:
        """What an entry reads and writes: characters of records, and how many records it changes."""
        self.read = 0
        changed = self.decide(said).changes
        written = sum(len(record.model_dump_json()) for record in changed.values() if record is not None)
        return self.read, written, len(changed)


def block(number: int) -> Submission:
    """A broker's block, equal to all others but for its references."""
    words = {"quantity": "1000", "price": "100", "links": {"client_order": f"O{number:06}"}}
    notice = message({"notice": f"B{number:06}", **words})
    return submission(BROKER, notice, message({"confirmation": f"B{number:06}", **words, "funds": FUNDS}))


def answer(number: int) -> Submission:
    """What the investor says of it."""
    words = {"quantity": "1000", "price": "100", "links": {"client_order": f"O{number:06}"}}
    instruction = message({"instruction": f"I{number:06}", **words, "funds": FUNDS})
    return submission(
        INVESTOR, instruction, message({"calculation": f"I{number:06}", **words, "funds": FUNDS})
    )


@pytest.fixture(scope="module")
def crowded() -> tuple[Counting, list[tuple[int, int, int]]]:
    """Very many equal blocks, and what each of them has cost."""
    replica, costs = Counting(), []
    for number in range(EQUAL_BLOCKS):
        said = block(number)
        costs.append(replica.costs(said))
        replica.apply(said)
    return replica, costs


def test_a_block_among_very_many_equal_ones(crowded: tuple[Counting, list[tuple[int, int, int]]]):
    _, costs = crowded
    some, many = costs[100:200], costs[-100:]
    for before, after in zip(zip(*some, strict=True), zip(*many, strict=True), strict=True):
        assert max(after) <= 1.5 * max(before)


def test_a_match_among_very_many_equal_ones(crowded: tuple[Counting, list[tuple[int, int, int]]]):
    """Of all others only what lists say is read, a hundred characters of each of the last."""
    replica, _ = crowded
    read, written, changed = replica.costs(answer(EQUAL_BLOCKS - 1))
    outcomes = replica.decide(answer(EQUAL_BLOCKS - 1)).outcomes
    assert [each.status for each in outcomes if isinstance(each, Result)] == [TradeStatus.MATCH_AGREED]
    assert read < 6_000
    assert written < 10_000
    assert changed < 16


def linked(number: int, draw: Random) -> Submission:
    """What one side says of a trade of its own, with as many links as it may give, of some that all use."""
    names = [f"E{each:03}" for each in draw.sample(range(LINK_VALUES), LINKS_MAX)]
    links = tuple(Link(kind=LinkKind.EXECUTION, value=name) for name in names)
    words = {"quantity": str(1000 + number)}
    if number % 2:
        notice = message({"notice": f"B{number:06}", **words})
        return submission(BROKER, notice.model_copy(update={"links": links}))
    instruction = message({"instruction": f"I{number:06}", **words, "funds": [f"F1 {1000 + number}"]})
    return submission(INVESTOR, instruction.model_copy(update={"links": links}))


def test_a_message_that_names_very_many_things(monkeypatch: pytest.MonkeyPatch):
    """However many blocks share some link with each other: each is compared with so many of them at most."""
    compared = 0

    def counted(ours: Named, theirs: Named) -> bool:
        nonlocal compared
        compared += 1
        return contradict(ours, theirs)

    monkeypatch.setattr(pairing, "contradict", counted)
    replica, draw, most = Replica(), Random(1), 0
    for number in range(LINKED_BLOCKS):
        compared = 0
        replica.apply(linked(number, draw))
        most = max(most, compared)
    assert 500 < most <= NEAR_MAX**2


def test_confirmations_of_single_funds(monkeypatch: pytest.MonkeyPatch):
    """What is stated already is not compared with all else that is, once more with each that comes."""
    compared, equal = 0, Source.__eq__

    def counted(ours: Source, theirs: object) -> bool:
        nonlocal compared
        compared += 1
        return equal(ours, theirs)

    funds, links = [f"F{number} 100" for number in range(SINGLE_FUNDS)], {"client_order": "O1"}
    words: dict[str, Any] = {"quantity": str(100 * SINGLE_FUNDS), "links": links}
    replica = Replica()
    replica.apply(submission(BROKER, message({"notice": "N1", **words})))
    replica.apply(submission(INVESTOR, message({"instruction": "A1", **words, "funds": funds})))
    monkeypatch.setattr(Source, "__eq__", counted)
    for number, fund in enumerate(funds):
        said = message({"confirmation": f"C{number}", "funds": [fund], "block": False, "links": links})
        compared = 0
        replica.apply(submission(BROKER, said))
        assert compared <= 10 * SINGLE_FUNDS
