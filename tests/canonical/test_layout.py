"""Every bad value is refused for its own rule, at its own place."""

from decimal import Decimal
from typing import Any

import pytest
from iso4217 import Currency
from layouts import DECIMALS
from pydantic import ValidationError
from trades import KINDS, message

from canonical.currencies import MINOR_UNITS
from canonical.message import CLASSES, MESSAGE, Kind
from canonical.problems import Problem, Rule, shortened
from canonical.rules import Rules
from canonical.trade import FUNDS_MAX


def document() -> dict[str, Any]:
    """A confirmation of two funds, made of lists and dictionaries that can be changed."""
    words = {"confirmation": "C1", "funds": ["F1 20000 stamp=7", "F2 10000"], "links": {"common": "T1"}}
    return lists(message(words).model_dump(exclude_none=True))


def lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: lists(each) for key, each in value.items()}
    return [lists(each) for each in value] if isinstance(value, tuple) else value


def changed(path: str, value: Any) -> dict[str, Any]:
    """The document with another value at the place; without it where the value is ...

    The net of the first fund is left out of the sum by leaving its gross out.
    """
    whole = document()
    del whole["funds"][0]["gross"]
    at: Any = whole
    *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    for step in steps:
        at = at[step]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return whole


def faults(whole: dict[str, Any]) -> list[tuple[str, str]]:
    """Place and rule of all that is refused."""
    try:
        MESSAGE.validate_python(whole)
    except ValidationError as error:
        return [(".".join(str(part) for part in e["loc"][1:]), e["type"]) for e in error.errors()]
    return []


BAD = [
    ("broker.lei", "529900BROKER00000104", "check_digit"),
    ("broker.lei", "529900BROKER0000010", "malformed"),
    ("broker.lei", "529900broker00000103", "malformed"),
    ("broker.lei", " 529900BROKER00000103", "malformed"),
    ("broker.bic", "BOTKJPJ", "malformed"),
    ("broker.bic", "botkjpjt", "malformed"),
    ("terms.instrument.isin", "JP3633400002", "check_digit"),
    ("terms.instrument.isin", "XX3633400001", "malformed"),
    ("terms.instrument.isin", "JP363340000", "malformed"),
    ("terms.instrument.japan_code", "130B", "malformed"),
    ("terms.instrument.japan_code", "130I", "malformed"),
    ("terms.instrument.japan_code", "A300", "malformed"),
    ("terms.instrument.japan_code", "0300", "malformed"),
    ("terms.instrument.japan_code", "720", "malformed"),
    ("terms.instrument.japan_code", "7203\n", "malformed"),
    ("terms.instrument.japan_code", "７２０３", "malformed"),  # full width
    ("terms.venue", "xtks", "string_pattern_mismatch"),
    ("terms.side", "long", "enum"),
    ("block.quantity", Decimal(0), "out_of_range"),
    ("block.quantity", Decimal("-1"), "out_of_range"),
    ("block.quantity", Decimal("NaN"), "malformed"),
    ("block.quantity", Decimal("sNaN"), "malformed"),
    ("block.quantity", Decimal("-Infinity"), "malformed"),
    ("block.quantity", Decimal("1E+18"), "out_of_range"),
    ("block.quantity", Decimal("1E+999999"), "out_of_range"),
    ("block.quantity", Decimal("1E-999999"), "decimals"),
    ("block.quantity", Decimal("0.0000001"), "decimals"),
    ("block.quantity", Decimal("1234567890123.000001"), "out_of_range"),
    ("block.quantity", 1.5, "is_instance_of"),
    ("block.quantity", 30000, "is_instance_of"),
    ("block.quantity", "30000", "is_instance_of"),
    ("block.quantity", True, "is_instance_of"),
    ("block.price.value", Decimal("0.00000000001"), "decimals"),
    ("block.price.value", Decimal("0.0000001"), "out_of_range"),
    ("block.price.currency", "YEN", "unknown_code"),
    ("block.price.currency", "XAU", "unknown_code"),
    ("block.price.currency", "jpy", "unknown_code"),
    ("block.price.decimals", 11, "less_than_equal"),
    ("funds.0.commission.amount", Decimal("-1"), "out_of_range"),
    ("funds.0.fees.0.kind", "bribe", "enum"),
    ("funds.0.account.code", "", "string_too_short"),
    ("funds.0.account.code", "F" * 35, "string_too_long"),
    ("reference", "", "string_too_short"),
    ("reference", "R" * 65, "string_too_long"),
    ("reference", "R\x001", "malformed"),
    ("reference", "R\n1", "malformed"),
    ("reference", "R\u202e1", "malformed"),
    ("remarks", "a\tb", "malformed"),
    ("remarks", "r" * 2001, "string_too_long"),
    ("funds", [], "too_short"),
    ("links", [{"kind": "common", "value": "T1"}] * 21, "too_long"),
    ("terms.trade_date", ..., "missing"),
    ("surprise", 1, "unexpected_keyword_argument"),
]


@pytest.mark.parametrize(("path", "value", "rule"), BAD)
def test_bad_value(path: str, value: Any, rule: str):
    """A bad value is refused where it stands, for the rule it breaks."""
    assert faults(changed(path, value)) == [(path, rule)]


@pytest.mark.parametrize(
    ("path", "value", "place", "rule"),
    [
        ("funds.0.net.amount", Decimal("56972601.5"), "funds.0.net", "decimals"),
        ("funds.0.commission.amount", Decimal("0.1"), "funds.0.commission", "decimals"),
        ("funds.0.net.currency", "USD", "funds.0", "unsupported"),
        ("terms.settlement_date", "2026-11-19", "terms", "date_order"),
        ("block.quantity", Decimal(30001), "", "sum"),
        ("funds.1.net.amount", Decimal(28486301), "", "sum"),
        ("funds.1.account.code", "F1", "", "duplicate"),
        ("broker.lei", ..., "broker", "required"),
        ("terms.instrument.isin", ..., "terms.instrument", "required"),
    ],
)
def test_values_that_do_not_fit(path: str, value: Any, place: str, rule: str):
    """Values that are good by themselves and do not fit together are refused for that rule."""
    assert faults(changed(path, value)) == [(place, rule)]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("terms.instrument.japan_code", "7203"),
        ("terms.instrument.japan_code", "130A"),
        ("terms.instrument.japan_code", "9A0X"),
        ("terms.instrument.japan_code", "25935"),
        ("terms.settlement_date", "2026-11-20"),
        ("remarks", "約定　確認\n①〜"),
        ("broker.bic", "BOTKJPJTXXX"),
        ("funds.0.net.amount", Decimal("-12")),
        ("funds.0.account.code", "\ue000外字"),
    ],
)
def test_good_value(path: str, value: Any):
    assert faults(changed(path, value)) == []


def test_all_problems_at_once():
    """A message hears all that is wrong with it, not the first alone."""
    whole = changed("broker.lei", "529900BROKER00000104")
    whole["terms"]["side"] = "long"
    whole["funds"][1]["net"]["amount"] = Decimal("0.5")
    del whole["reference"]
    assert {place for place, _ in faults(whole)} == {"broker.lei", "terms.side", "funds.1.net", "reference"}


def test_too_many_funds():
    whole = document()
    whole["funds"] = whole["funds"] * (FUNDS_MAX // 2 + 1)
    assert faults(whole) == [("funds", "too_long")]


def test_response_that_agrees_and_refuses():
    said = {"allocation_response": "P1", "answers": "A1", "agreed": True, "refused": ["F1"]}
    with pytest.raises(ValidationError, match="say one of the two"):
        message(said)


def test_currencies_are_those_of_iso_4217():
    """The table is that of the standard, but for what has no minor unit and is no money."""
    listed = {c.code: c.exponent for c in Currency if c.exponent is not None}
    assert listed == MINOR_UNITS
    assert {code: MINOR_UNITS[code] for code in DECIMALS} == DECIMALS


def test_every_kind_has_a_class():
    assert set(CLASSES) == set(Kind) == set(KINDS.values())
    assert {c.model_fields["kind"].default for c in CLASSES.values()} == set(Kind)


def test_shortened_values_fit():
    """What stood in a field is shown as far as a problem has room."""
    for length in (0, 63, 64, 65, 5000):
        assert Problem(field="f", value=shortened("x" * length), rule=Rule.SUM, text="t")


def test_rules_name_fields_that_there_are():
    """A relationship's rules with a misspelt field are refused: it would never be compared."""
    assert Rules.model_validate({"compare": {"block": {"quantity": "EXCT"}}}) == Rules()
    with pytest.raises(ValidationError, match="nett"):
        Rules.model_validate({"compare": {"fund": {"nett": "EXCT"}}})
