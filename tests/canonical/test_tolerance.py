"""Figures within tolerance match; whose is whose, and which tolerance is the wider, changes nothing else."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from trades import BROKER, INVESTOR, Replica, message, submission

from canonical.contracts.matching.v1.tolerance import difference
from canonical.result import Result, TradeStatus
from canonical.rules import Rules, Tolerance

FIGURES = st.decimals(min_value=-(10**9), max_value=10**9, places=2)
LIMITS = st.decimals(min_value=0, max_value=10**6, places=2)
PERCENTAGES = st.decimals(min_value=0, max_value=20, places=3)


def mnmx(below: Decimal, above: Decimal) -> Tolerance:
    return Tolerance.model_validate({"code": "MNMX", "below": below, "above": above})


@st.composite
def tolerances(draw: Callable[[Any], Any]) -> Tolerance:
    """Any that allows a deviation."""
    code = draw(st.sampled_from(["PTOL", "PTMX", "MNMX"]))
    limits = {
        "PTOL": {"percent": draw(PERCENTAGES)},
        "PTMX": {"percent": draw(PERCENTAGES), "maximum": draw(LIMITS)},
        "MNMX": {"below": draw(LIMITS), "above": draw(LIMITS)},
    }
    return Tolerance.model_validate({"code": code, **limits[code]})


def mirrored(tolerance: Tolerance) -> Tolerance:
    return tolerance.model_copy(update={"below": tolerance.above, "above": tolerance.below})


def matches(tolerance: Tolerance, broker: Decimal, investor: Decimal) -> bool:
    found = difference("net", tolerance, str(broker), str(investor), {})
    return found is None or found.within


@given(tolerances(), FIGURES, FIGURES)
def test_it_does_not_matter_whose_is_whose(tolerance: Tolerance, one: Decimal, other: Decimal):
    """With the sides exchanged, and what a broker may be below and above too, the verdict is the same."""
    assert matches(tolerance, one, other) == matches(mirrored(tolerance), other, one)


@given(tolerances(), FIGURES, FIGURES, PERCENTAGES, LIMITS)
def test_a_wider_tolerance_parts_nobody(
    tolerance: Tolerance, one: Decimal, other: Decimal, percent: Decimal, limit: Decimal
):
    wider = tolerance.model_copy(
        update={
            name: value + (percent if name == "percent" else limit)
            for name in ("percent", "maximum", "below", "above")
            if (value := getattr(tolerance, name)) is not None
        }
    )
    assert matches(wider, one, other) or not matches(tolerance, one, other)


@given(FIGURES, LIMITS)
def test_the_limit_matches_and_a_cent_more_does_not(figure: Decimal, limit: Decimal):
    cent = Decimal("0.01")
    for sign in (1, -1):
        assert matches(mnmx(limit, limit), figure + sign * limit, figure)
        assert not matches(mnmx(limit, limit), figure + sign * (limit + cent), figure)


def test_other_currencies_never_match():
    """A hundred yen are not a hundred dollars, however much is allowed."""
    found = difference("net", mnmx(Decimal(10**9), Decimal(10**9)), "100 USD", "100", {})
    assert found is not None
    assert not found.within


@pytest.mark.parametrize(
    ("holds", "figure"), [("investor", "101"), ("broker", "100"), ("calculation", "102")]
)
def test_one_figure_holds(holds: str, figure: str):
    """The one that the rules name; without a shared calculation, the investor's in its place."""
    wide = Tolerance.model_validate({"code": "PTOL", "percent": Decimal(5), "holds": holds})
    for calculated, expected in ({"net": "102"}, figure), ({}, "101" if holds == "calculation" else figure):
        found = difference("net", wide, "100", "101", calculated)
        assert found is not None
        assert (found.within, found.holds) == (True, expected)


@pytest.mark.parametrize(
    "document",
    [
        {"code": "PTOL"},
        {"code": "EXCT", "percent": 1},
        {"code": "MNMX", "below": 1},
        {"code": "PTMX", "percent": 1},
        {"code": "PTOL", "percent": -1},
        "SOON",
    ],
)
def test_a_tolerance_without_its_limits_is_refused(document: Any):
    with pytest.raises(ValidationError):
        Tolerance.model_validate(document)


@pytest.mark.parametrize(
    "fund",
    [
        {"settlement_date": {"code": "PTOL", "percent": 1}},
        {
            "net": {"code": "PTOL", "percent": 1},
            "commission": {"code": "PTOL", "percent": 1, "holds": "broker"},
        },
    ],
    ids=["a date has no percentage", "amounts of two sides do not add up"],
)
def test_rules_that_make_no_sense_are_refused(fund: dict[str, Any]):
    with pytest.raises(ValidationError):
        Rules.model_validate({"compare": {"fund": fund}})


@given(st.integers(-150, 150), st.booleans())
def test_the_order_of_arrival_does_not_matter(apart: int, investor_first: bool):  # noqa: FBT001 - drawn
    """A fund's net amounts so many yen apart, 100 being allowed."""
    replica = Replica(
        rules=Rules.model_validate({"compare": {"fund": {"net": mnmx(Decimal(100), Decimal(100))}}})
    )
    links = {"client_order": "O1"}
    said = [
        submission(
            BROKER,
            message({"notice": "R1", "links": links}),
            message({"confirmation": "R1", "links": links, "funds": ["F1 30000 net=85458901"]}),
        ),
        submission(
            INVESTOR,
            message({"calculation": "K1", "links": links, "funds": [f"F1 30000 net={85458901 - apart}"]}),
        ),
    ]
    results = [o for s in (reversed(said) if investor_first else said) for o in replica.apply(s)]
    last = next(r for r in reversed(results) if isinstance(r, Result))
    expected = TradeStatus.MATCH_AGREED if abs(apart) <= 100 else TradeStatus.MISMATCHED
    assert last.status is expected
