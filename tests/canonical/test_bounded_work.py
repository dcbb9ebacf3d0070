"""What one message reads and writes does not grow with what is open."""

from dataclasses import dataclass

import pytest
from trades import BROKER, INVESTOR, Replica, message, submission

from canonical.base import Canonical
from canonical.result import Result, TradeStatus
from canonical.submission import Submission

EQUAL_BLOCKS = 600
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
