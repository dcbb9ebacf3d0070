"""However much differs, no format loses any of it in silence: it goes on elsewhere, or it is counted."""

import csv
import re
from functools import cache

import pytest
from lxml import etree
from mapping_scene import mapping, written_bytes
from test_mappings_golden import BESIDE
from trades import BROKER, INVESTOR, Replica, message, submission

from adapters.mapping import write
from canonical.answer import Answer, Finality, answers
from canonical.answer_text import TEXT_CHARACTERS_MAX
from canonical.finality import with_finality
from canonical.message import Role
from canonical.result import Result
from canonical.rules import Rules

LINKS = {"links": {"client_order": "O1"}}


def fund(number: int, more: int) -> str:
    """A fund of 300 shares; `more` yen on each of its charges."""
    commission, tax = 1_000 + number + more, 100 + number + more
    fees = f"exchange={50 + number + more} stamp={200 + number + more}"
    return f"FUND{number:04} 300 commission={commission} tax={tax} {fees}"


@cache
def heard(funds: int, role: Role) -> Answer:
    """What a side hears where commission, tax, fees and net amount of all funds differ."""
    replica = Replica(rules=Rules())
    quantity = str(300 * funds)
    said = [
        (BROKER, {"notice": "R1", "quantity": quantity}, {"confirmation": "R1", "quantity": quantity}),
        (INVESTOR, {"instruction": "A1", "quantity": quantity}, {"calculation": "A1", "quantity": quantity}),
    ]
    results: list[Result] = []
    for sender, first, second in said:
        more = 7 if sender == BROKER else 0
        named = {"funds": [fund(number, more) for number in range(funds)]}
        spoken = (
            message({**LINKS, **first} if "notice" in first else {**LINKS, **first, **named}),
            message({**LINKS, **second, **named}),
        )
        results += [one for one in replica.apply(submission(sender, *spoken)) if isinstance(one, Result)]
    return answers(results[-1], role)[0]


def figures(answer: Answer) -> set[tuple[str, str, str]]:
    """Each field that differs, with both values."""
    return {(d.field, d.broker, d.investor) for fund in answer.funds for d in fund.differences}


def told(text: str) -> set[tuple[str, str, str]]:
    """The same as a text tells it."""
    fields = "commission|consumption_tax|fees|net"
    return set(re.findall(rf"\b({fields}): broker ([^;(]+?), investor ([^;(]+?)(?= \(|;|$)", text))


def written(name: str, answer: Answer) -> bytes:
    return b"".join(written_bytes(name, write(mapping(name), answer, BESIDE)))


def test_all_funds_differ() -> None:
    assert len(figures(heard(100, Role.INVESTOR))) == 400


@pytest.mark.parametrize(("name", "role"), [("fix44/P", Role.INVESTOR), ("fix44/AT", Role.BROKER)])
def test_fix_tells_each_account_and_the_whole(name: str, role: Role) -> None:
    """58 has no limit: it is whole, and 161 of each account is too; also where only 58 may tell them."""
    answer = heard(100, role)
    fields = written(name, answer).decode().split("\x01")
    whole = next(field[3:] for field in fields if field.startswith("58="))
    accounts = [field[4:] for field in fields if field.startswith("161=")]
    assert len(accounts) == 100
    assert told(whole) == told("; ".join(accounts)) == figures(answer)
    unsure = written(name, with_finality(answer, Finality.PROVISIONAL)).decode()
    assert told(unsure.split("\x0158=")[1].split("\x01")[0]) == figures(answer)


def test_iso20022_goes_on_in_further_reasons() -> None:
    """A reason holds 210 characters: what is longer goes on in another one. The block's stays short."""
    answer = heard(100, Role.INVESTOR)
    funds = etree.fromstring(written("iso20022/setr.044.fund", answer))
    texts, found = list[str](), set[tuple[str, str, str]]()
    for document in funds.iter("{*}Document"):
        reasons = [node.text or "" for node in document.iter("{*}AddtlRsnInf")]
        assert all(len(reason) <= 210 for reason in reasons)
        texts.append(" ".join(reasons))
        found |= told("; ".join(reasons))
    assert found == figures(answer)
    explained = [d.explanation for fund in answer.funds for d in fund.differences]
    assert all(any(why in text for text in texts) for why in explained)
    block = etree.fromstring(written("iso20022/setr.044", answer))
    assert [node.text for node in block.iter("{*}AddtlRsnInf")] == [answer.summary]


def test_csv_has_a_row_per_fund() -> None:
    answer = heard(100, Role.INVESTOR)
    rows = list(csv.reader(written("delimited/result_fund", answer).decode("cp932").splitlines()))[1:]
    assert len(rows) == 100
    assert told("; ".join(row[8] for row in rows)) == figures(answer)
    [_, block] = csv.reader(written("delimited/result", answer).decode("cp932").splitlines())
    assert len(block[8]) < 200  # what stands in the rows of the funds is not said again


def test_what_has_no_room_is_counted() -> None:
    """A thousand funds in one text: what is said first is whole, and the number of the rest is told."""
    answer = heard(1000, Role.INVESTOR)
    assert len(answer.text) <= TEXT_CHARACTERS_MAX
    found = re.fullmatch(r"(.*) … ([0-9]+) more: see yakujo trace", answer.text)
    assert found is not None
    kept = told(found[1])
    assert kept < figures(answer)
    assert len(kept) + int(found[2]) == len(figures(answer))
    accounts = written("fix44/P", answer).decode().split("\x01161=")[1:]
    assert told("; ".join(one.split("\x01")[0] for one in accounts)) == figures(answer)
