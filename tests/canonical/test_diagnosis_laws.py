"""What holds of a diagnosis whatever the trade: it is the same everywhere, for both sides, and bounded."""

import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from canonical.calculation.calculation import Calculation, calculate
from canonical.calculation.deal import Deal
from canonical.diagnosis import Cause, Diagnosis, FundSides, Kind, Sides, diagnose
from canonical.diagnosis.cause import ACCOUNTS_NAMED_MAX, CAUSES_MAX
from canonical.diagnosis.english import in_english
from canonical.diagnosis.japanese import in_japanese
from canonical.diagnosis.search import CANDIDATES_MAX, Made, Trials
from canonical.diagnosis.sides import FUNDS_LOOKED_AT_MAX
from canonical.encoding import canonical_bytes, from_canonical_bytes
from canonical.rules import Rules
from canonical.rules.charges import BANDS_MAX, TARIFFS_MAX
from node.bench.diagnosis_deals import REMAINDER, draw_deal
from node.bench.diagnosis_figures import stated
from node.bench.diagnosis_pairs import Pair, erroneous, planted, sides_of
from node.bench.diagnosis_verdict import believed, judged

SAMPLE = 400
SEEDS = st.integers(min_value=0, max_value=2**32)
ADAPTER = TypeAdapter(Diagnosis)


def pair_of(seed: int) -> Pair:
    """A pair with a convention or an error, alike often."""
    return (planted if seed % 2 else erroneous)(Random(seed))


def mirrored(sides: Sides) -> Sides:
    """The same trade, the sides exchanged."""
    funds = tuple(FundSides(fund.account, fund.investor, fund.broker) for fund in sides.funds)
    return replace(sides, broker=sides.investor, investor=sides.broker, funds=funds)


def mirror(cause: Cause) -> Cause:
    return cause.model_copy(update={"broker": cause.investor, "investor": cause.broker})


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_exchanged_sides_give_the_mirrored_diagnosis(seed: int):
    """It does not matter who asks."""
    sides = pair_of(seed).sides
    one, other = diagnose(sides), diagnose(mirrored(sides))
    assert one is not None
    assert other is not None
    assert [mirror(cause) for cause in other.causes] == list(one.causes)


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_equal_figures_have_no_cause(seed: int):
    deal = draw_deal(Random(seed))
    figures = stated(deal)
    assert diagnose(sides_of(deal, figures, figures)) is None


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_every_difference_has_one_cause_and_words(seed: int):
    """Who looks at one difference finds why it is there, and can read it."""
    pair = pair_of(seed)
    diagnosis = diagnose(pair.sides)
    assert diagnosis is not None
    for account, broker, investor in differing(pair.sides):
        for field in (name for name in broker if broker[name] != investor[name]):
            cause = diagnosis.cause_of(field, account)
            assert cause is not None, (field, account)
            assert "broker" in in_english(cause)
            assert "ブローカー" in in_japanese(cause)


def differing(sides: Sides):
    """Block and funds in which both sides say something."""
    levels = [(None, sides.broker, sides.investor), *((f.account, f.broker, f.investor) for f in sides.funds)]
    return [(account, one, other) for account, one, other in levels if one is not None and other is not None]


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_a_diagnosis_travels(seed: int):
    """It has one byte form, and is read back from it."""
    diagnosis = diagnose(pair_of(seed).sides)
    assert diagnosis is not None
    assert from_canonical_bytes(ADAPTER, canonical_bytes(diagnosis)) == diagnosis


def test_the_same_on_every_node():
    """No order of a set or of a hash decides anything."""
    script = (
        "import hashlib; from random import Random; from canonical.diagnosis import diagnose;"
        "from canonical.encoding import canonical_bytes; from node.bench.diagnosis_pairs import planted;"
        "draw = Random(7); found = [diagnose(planted(draw).sides) for _ in range(40)];"
        "print(hashlib.sha256(b''.join(canonical_bytes(each) for each in found)).hexdigest())"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    ]
    assert len(told[0].strip()) == 64
    assert len(set(told)) == 1


def test_planted_conventions_are_found():
    """Of some hundred pairs that part in one convention, nearly all are explained by it or by an equal one.

    `yakujo bench diagnosis` tells the figures of ten thousand.
    """
    random = Random(20261120)
    pairs = [planted(random) for _ in range(SAMPLE)]
    found = [(pair, diagnose(pair.sides)) for pair in pairs]
    for cause in (cause for _, diagnosis in found if diagnosis is not None for cause in diagnosis.causes):
        assert "broker" in in_english(cause)
        assert "ブローカー" in in_japanese(cause)
    missed = [pair.family for pair, diagnosis in found if not judged(pair, diagnosis).found]
    assert len(missed) <= SAMPLE / 100, missed


def test_errors_are_no_conventions():
    """An amount that is off by more than the smallest unit is hardly ever taken for a convention."""
    random = Random(20261120)
    pairs = [pair for pair in (erroneous(random) for _ in range(SAMPLE)) if pair.off > 1]
    taken = [pair.family for pair in pairs if believed(pair, diagnose(pair.sides)) is not None]
    assert len(taken) <= SAMPLE / 50, taken


def test_two_currencies_are_not_computed_with():
    """A hundred dollars are not a hundred yen: what each side says is told, and no convention is made up."""
    deal = draw_deal(Random(2), 2)
    block, funds = stated(deal)
    foreign = [{**fund, "commission": f"{fund['commission']} EUR", "fees": "stamp 5 EUR"} for fund in funds]
    diagnosis = diagnose(sides_of(deal, (block, foreign), (block, funds)))
    assert diagnosis is not None
    assert [(cause.field, cause.kind, cause.broker.figure) for cause in diagnosis.causes] == [
        ("commission", Kind.STATED, foreign[0]["commission"]),
        ("fees", Kind.STATED, "stamp 5 EUR"),
    ]


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_the_pairs_rest_on_the_shared_calculation(seed: int):
    """What the measurement takes for the rules is what the shared calculation takes for them."""
    deal = draw_deal(Random(seed))
    block, funds = stated(deal)
    portions = [
        {"account": {"code": f"F{number}", "scheme": "jasdec"}, "quantity": Decimal(quantity)}
        for number, quantity in enumerate(deal.quantities, 1)
    ]
    words = {
        **{"side": deal.side, "trade_date": deal.trade_date, "currency": deal.currency, "venue": deal.venue},
        **{"order_format": deal.order_format, "quantity": Decimal(deal.quantity)},
        **{"price": Decimal(block["price"]), "portions": portions},
    }
    found = calculate(Deal.model_validate(words), deal.rules, REMAINDER)
    assert isinstance(found, Calculation)
    told = [(str(f.commission.amount), str(f.consumption_tax.amount), str(f.net.amount)) for f in found.funds]
    assert told == [(fund["commission"], fund["consumption_tax"], fund["net"]) for fund in funds]


def test_a_large_block_is_looked_at_in_part():
    """The work is bounded, and what was not looked at is told."""
    deal = draw_deal(Random(1), FUNDS_LOOKED_AT_MAX + 50)
    block, funds = stated(deal)
    wrong = [{**fund, "net": "1"} for fund in funds]
    diagnosis = diagnose(sides_of(deal, (block, wrong), (block, funds)))
    assert diagnosis is not None
    assert (diagnosis.funds, diagnosis.funds_looked_at) == (FUNDS_LOOKED_AT_MAX + 50, FUNDS_LOOKED_AT_MAX)
    [cause] = diagnosis.causes
    assert cause.kind is Kind.UNEXPLAINED
    assert (len(cause.accounts), cause.more_accounts) == (ACCOUNTS_NAMED_MAX, 100)


def test_causes_are_bounded():
    """Two hundred funds that each part for a reason of their own do not make a message without end."""
    random = Random(3)
    deal = draw_deal(random, 150)
    block, funds = stated(deal)
    wrong = [{**fund, "isin": f"JP{number:010}"} for number, fund in enumerate(funds)]
    diagnosis = diagnose(sides_of(deal, (block, wrong), (block, funds)))
    assert diagnosis is not None
    assert (len(diagnosis.causes), diagnosis.more_causes) == (CAUSES_MAX, 150 - CAUSES_MAX)


def test_candidates_are_bounded(monkeypatch: pytest.MonkeyPatch):
    """However much the rules allow, so many conventions are tried for one field of one side."""
    tried: dict[int, tuple[Trials, set[object]]] = {}
    usual = Trials._under

    def counted(self: Trials, made: Made) -> object:
        tried.setdefault(id(self), (self, set()))[1].add(made)
        return usual(self, made)

    monkeypatch.setattr(Trials, "_under", counted)
    deal = draw_deal(Random(11), 5)
    bands = tuple({"above": 1_000_000 * number, "rate": "0.001"} for number in range(BANDS_MAX))
    tariff = {"bands": bands, "minimum": 1000, "maximum": 900_000, "discount_percent": 5}
    venues = (f"X{number:03}" for number in range(TARIFFS_MAX - 1))
    tariffs = [*({"venue": venue, **tariff} for venue in venues), tariff]
    block, funds = stated(deal)
    wrong = [{**fund, "commission": str(100_003 + 7 * number)} for number, fund in enumerate(funds)]
    rules = Rules.model_validate({"commission": {"tariffs": tariffs}})
    diagnose(replace(sides_of(deal, (block, wrong), (block, funds)), rules=rules))
    assert 100 < max(len(made) for _, made in tried.values()) <= CANDIDATES_MAX + 10
