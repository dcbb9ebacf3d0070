"""docs/sequence.md says which kinds there are, who may say them, and what they answer."""

import re
from pathlib import Path

from canonical.answer import AnswerStatus, Finality
from canonical.message import CLASSES
from canonical.result import Status, TradeStatus

PAGE = (Path(__file__).parent.parent.parent / "docs" / "sequence.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, but for its head."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def codes(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_kinds_and_authors():
    """The table has each kind once, in the order of the code, with the author that the contract accepts."""
    told = [(code, row[2]) for row in rows("Steps") for code in codes(row[1])]
    authors = [(kind.value, c.author.value if c.author else "either") for kind, c in CLASSES.items()]
    assert told == authors


def test_what_is_answered():
    """A kind that answers another names it in the field `answers` or `cancels`."""
    answering = {code for row in rows("Steps") if row[4] != "–" for code in codes(row[1])}
    fields = {"answers", "cancels"}
    assert answering == {k.value for k, c in CLASSES.items() if fields & set(c.model_fields)}


def test_steps_are_numbered():
    """The classes name the step that the table gives them."""
    for number, kinds, *_ in rows("Steps"):
        for code in codes(kinds):
            text = next(c.__doc__ for kind, c in CLASSES.items() if kind.value == code) or ""
            assert text.startswith(f"Step {number}:")


def test_statuses():
    assert [code for row in rows("Statuses of a trade") for code in codes(row[0])] == [
        s.value for s in TradeStatus
    ]
    parts = [code for row in rows("Statuses of block and fund") for code in codes(row[0])]
    assert parts == [status.value for status in Status]
    assert [code for row in rows("What a side hears") for code in codes(row[0])] == [
        s.value for s in AnswerStatus
    ]
    assert [code for row in rows("Final, provisional, withdrawn") for code in codes(row[0])] == [
        f.value for f in Finality
    ]
