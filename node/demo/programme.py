"""Which stories a day has: every kind of trouble in every format, among many trades that simply match."""

from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Final

from node.demo.book import Book
from node.demo.faults import CSV_FAULTS, FIX_FAULTS, ISO_FAULTS
from node.demo.market import MANAGER_A, MANAGER_B, MANAGER_C, MANAGERS, Firm
from node.demo.scenario import Block, Scenario
from node.demo.stories import MISMATCHES, Teller
from node.demo.words import Way

TROUBLES_SHARE_MAX: Final = 2  # at most one block in two has trouble, however few there are
WAYS: Final = (Way.REPORT, Way.REPORT, Way.EXECUTION, Way.CAPTURE, Way.RECAP)
UNREADABLE: Final = (
    (MANAGER_A, "empty file", b"", ("empty",)),
    (
        MANAGER_A,
        "another file's columns",
        "日付,摘要\r\n2026/11/20,メモ\r\n".encode("cp932"),
        ("no known column",),
    ),
    (MANAGER_B, "empty file", b"", ("empty",)),
    (MANAGER_B, "bytes that are no text", b"<Document>\xff\xfe</Document>", ("Document",)),
    (MANAGER_B, "file cut off", b"<Messages><AppHdr>", ("not well-formed",)),
)

Story = Callable[[Teller], None]
AGREEING: Final[dict[str, Story]] = {
    "central": Teller.matched,
    "affirmed": Teller.affirmed,
    "by the rules": Teller.calculated,
}
"""How a block comes to match; the second and third are asset manager C's."""
Act = tuple[str, str, Firm, Story]
"""A block to be: its story, what exactly, whose it is, and how it is told."""


def programme(blocks: int, seed: int) -> Scenario:
    """The scenario of a day with so many blocks."""
    random = Random(seed)  # noqa: S311 - for play, and the same each time
    book = Book(random)
    acts = _acts(blocks, random)
    return Scenario(tuple(_block(number, act, book, random) for number, act in enumerate(acts, start=1)))


def _block(number: int, act: Act, book: Book, random: Random) -> Block:
    story, detail, manager, tell = act
    block = Block(number, manager.client, story, detail)
    tell(Teller(book, block, manager, random.choice(WAYS)))
    return block


def _acts(blocks: int, random: Random) -> list[Act]:
    troubles = [*_mismatches(), *_repetitions(), *_changes(), *_refusals()]
    random.shuffle(troubles)
    acts = troubles[: blocks // TROUBLES_SHARE_MAX]
    while len(acts) < blocks:
        manager = random.choice(MANAGERS)
        detail = random.choice(tuple(AGREEING)) if manager is MANAGER_C else "central"
        acts.append(("matched", detail, manager, AGREEING[detail]))
    random.shuffle(acts)
    return acts


def _mismatches() -> Iterator[Act]:
    for manager in MANAGERS:
        for detail in MISMATCHES:
            yield "mismatched", detail, manager, partial(Teller.mismatched, detail=detail)
    yield "mismatched", "affirmation", MANAGER_C, Teller.not_affirmed


def _repetitions() -> Iterator[Act]:
    for manager in MANAGERS:
        for by_broker in (True, False):
            who = _who(by_broker=by_broker)
            yield "duplicate", f"by {who}", manager, partial(Teller.repeated, by_broker=by_broker)
            again = f"reference used twice by {who}"
            yield "refused", again, manager, partial(Teller.reused, by_broker=by_broker)


def _changes() -> Iterator[Act]:
    for manager in MANAGERS:
        # The ISO 20022 investor takes nothing back here: its setr.029 would have to wait for its setr.027.
        for by_broker in (True, False) if manager is not MANAGER_B else (True,):
            who = _who(by_broker=by_broker)
            yield "cancelled", f"by {who}", manager, partial(Teller.cancelled, by_broker=by_broker)
            yield "replaced", f"by {who}", manager, partial(Teller.replaced, by_broker=by_broker)


def _refusals() -> Iterator[Act]:
    """Each fault in each format; every second one is mended and sent again."""
    tell: Story
    for number, fault in enumerate(FIX_FAULTS):
        for by_broker, manager in ((True, MANAGERS[number % len(MANAGERS)]), (False, MANAGER_C)):
            tell = partial(Teller.refused_fix, fault=fault, by_broker=by_broker, mended=number % 2 == 0)
            yield "refused", fault.detail, manager, tell
    for number, csv_fault in enumerate(CSV_FAULTS):
        tell = partial(Teller.refused_csv, fault=csv_fault, mended=number % 2 == 0)
        yield "refused", csv_fault.detail, MANAGER_A, tell
    for number, iso_fault in enumerate(ISO_FAULTS):
        tell = partial(Teller.refused_iso, fault=iso_fault, mended=number % 2 == 0)
        yield "refused", iso_fault.detail, MANAGER_B, tell
    for manager, detail, raw, names in UNREADABLE:
        yield "refused", detail, manager, partial(Teller.unreadable, raw=raw, names=names)


def _who(*, by_broker: bool) -> str:
    return "the broker" if by_broker else "the investor"
