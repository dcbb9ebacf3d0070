"""Trades that a drill chooses, told by the demo's stories."""

from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Final

from node.demo.book import Book
from node.demo.market import MANAGER_B, MANAGERS, Firm
from node.demo.scenario import Block, Scenario
from node.demo.stories import Teller
from node.demo.words import Way

Told = tuple[Firm, str, Callable[[Teller], None]]
"""Whose trade it is, what becomes of it, and how it is told."""

IN_ONE_MESSAGE: Final = (Way.REPORT,)


def trades(told: Iterable[Told], seed: int, ways: tuple[Way, ...] = IN_ONE_MESSAGE) -> Scenario:
    """A scenario of these trades, in this order. ways: in which the broker tells of them."""
    random = Random(seed)  # noqa: S311 - for play, and the same each time
    book = Book(random)
    blocks = []
    for number, (manager, story, tell) in enumerate(told, start=1):
        block = Block(number, manager.client, story)
        tell(Teller(book, block, manager, random.choice(ways)))
        blocks.append(block)
    return Scenario(tuple(blocks))


def matched(manager: Firm, count: int) -> list[Told]:
    """Trades that match."""
    return [(manager, "matched", Teller.matched)] * count


def mismatched(manager: Firm, detail: str) -> Told:
    """A trade whose two sides differ in one thing."""
    return manager, "mismatched", partial(Teller.mismatched, detail=detail)


def mixed(rounds: int) -> list[Told]:
    """Of each asset manager some that match, some that do not, some taken back, some replaced."""
    found: list[Told] = []
    for _ in range(rounds):
        for manager in MANAGERS:
            found += [*matched(manager, 3), mismatched(manager, "price")]
            # An ISO 20022 investor has no words for it.
            for by_broker in (True, False) if manager is not MANAGER_B else (True,):
                found.append((manager, "cancelled", partial(Teller.cancelled, by_broker=by_broker)))
                found.append((manager, "replaced", partial(Teller.replaced, by_broker=by_broker)))
    return found
