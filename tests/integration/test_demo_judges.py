"""The demo finds what is wrong: were it blind, its "as expected" would be worth nothing."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from node.demo.answers import MATCHED, MISMATCHED, PENDING, RECEIVED, REFUSED, Heard, differences_in
from node.demo.book import Book
from node.demo.figures import differences, with_price, with_share
from node.demo.market import MANAGER_A
from node.demo.programme import programme
from node.demo.scenario import Expected
from node.demo.secrecy import found_in
from node.demo.verdict import Verdict

KEY = ("broker", "R1")
DIFFERENCE = {("F1", "net"): ("100", "101")}
NAMED = ("48", "check digit")


def deviations(expected: Expected, *answers: Heard) -> list[str]:
    verdict = Verdict({(expected.client, expected.reference): expected})
    for answer in answers:
        verdict.heard.setdefault((expected.client, answer.reference), []).append(answer)
    return [text for texts in verdict.deviations().values() for text in texts]


def heard(status: str, **more: object) -> Heard:
    return replace(Heard("d1", "R1", status), **more)


MATCH = Expected(*KEY, final=MATCHED)
MISMATCH = Expected(*KEY, final=MISMATCHED, differences=DIFFERENCE)
REFUSAL = Expected(*KEY, received=0, refusals=(NAMED,))
TOLD = heard(MISMATCHED, differences=DIFFERENCE)
REFUSED_SO = heard(REFUSED, problems=("48: ISIN has a wrong check digit",))


@pytest.mark.parametrize(
    ("expected", "answers"),
    [
        (MATCH, [heard(RECEIVED), heard(PENDING), heard(MATCHED)]),
        (MISMATCH, [heard(RECEIVED), TOLD]),
        (REFUSAL, [REFUSED_SO]),
        (replace(MATCH, passing=True), [heard(RECEIVED), TOLD, heard(MATCHED)]),
        (replace(MATCH, refusals=(NAMED,)), [REFUSED_SO, heard(RECEIVED), heard(MATCHED)]),
    ],
)
def test_what_is_due_is_no_deviation(expected: Expected, answers: list[Heard]):
    assert deviations(expected, *answers) == []


@pytest.mark.parametrize(
    ("expected", "answers"),
    [
        (MATCH, []),
        (MATCH, [heard(RECEIVED)]),
        (MATCH, [heard(MATCHED), heard(RECEIVED)]),
        (MATCH, [heard(RECEIVED), heard(RECEIVED), heard(MATCHED)]),
        (MATCH, [heard(RECEIVED), heard(MATCHED), heard(PENDING)]),
        (MATCH, [heard(RECEIVED), TOLD, heard(MATCHED)]),
        (MATCH, [REFUSED_SO]),
        (MISMATCH, [heard(RECEIVED), heard(MISMATCHED)]),
        (MISMATCH, [heard(RECEIVED), heard(MISMATCHED, differences={("F1", "net"): ("100", "102")})]),
        (
            MISMATCH,
            [heard(RECEIVED), heard(MISMATCHED, differences=DIFFERENCE | {("", "price"): ("1", "2")})],
        ),
        (MISMATCH, [heard(RECEIVED), heard(MATCHED)]),
        (REFUSAL, [heard(REFUSED, problems=("54: no side",))]),
        (REFUSAL, [REFUSED_SO, REFUSED_SO]),
        (MATCH, [heard(RECEIVED), heard(MATCHED), replace(heard(RECEIVED), reference="R2")]),
    ],
)
def test_what_is_not_due_is_found(expected: Expected, answers: list[Heard]):
    assert deviations(expected, *answers)


def test_a_seed_gives_the_same_day():
    """What one reports about a seed, another can look at."""
    first, second = programme(30, 3), programme(30, 3)
    assert first == second
    assert first != programme(30, 4)


def test_figures_are_compared_in_every_field():
    figures = Book(Random(1)).figures(MANAGER_A)
    last = figures.shares[-1].fund.code
    fee = differences(figures, with_share(figures, fee=500), block_gross=True, fund_gross=True)
    assert {name for scope, name in fee if scope == last} == {"fees", "net"}
    price = differences(figures, with_price(figures, figures.price), block_gross=True, fund_gross=True)
    assert {name for scope, name in price if not scope} == {"price", "gross"}
    assert differences(figures, figures, block_gross=True, fund_gross=True) == {}


def test_differences_are_read_from_words():
    text = (
        "trade a1 MISM; 0 of 2 funds matched; block: price: broker 1, investor 2; gross: broker 3, investor 4"
    )
    found = differences_in(
        f"{text}; fund F1: fees: broker none, investor exchange 500; net: broker 7, investor 8…"
    )
    assert found == {
        ("", "price"): ("1", "2"),
        ("", "gross"): ("3", "4"),
        ("F1", "fees"): ("none", "exchange 500"),
    }


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "utf-16-le", "utf-16-be"])
def test_plaintext_is_found_wherever_it_lies(encoding: str, tmp_path: Path):
    """A search that finds nothing because it cannot find would prove nothing."""
    words = {"56910000", "日本株式A01号", "XA-B00001"}
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "data").write_bytes(
        b"\0\0" + "net=56910000;日本株式A01号;XA-B00001".encode(encoding)
    )
    assert found_in(tmp_path, words | {"99999999"}) == words
    assert found_in(tmp_path, {"5691000", "XA-B00002"}) == set()
