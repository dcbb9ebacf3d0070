"""Hypothesis strategies for documents of the layout: every kind, every optional part, Unicode."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from trades import BROKER, INVESTOR

from canonical.amounts import FeeKind
from canonical.identifiers import AccountScheme, LinkKind
from canonical.message import Kind
from canonical.trade import OrderFormat, Side

DECIMALS = {"JPY": 0, "USD": 2, "BHD": 3}

characters = st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp")) | st.sampled_from("約定〜①　é")
text = st.text(characters, min_size=1, max_size=20)
reference = text.map(lambda value: value[:20])
currencies = st.sampled_from(sorted(DECIMALS))


def decimals(places: int, most: int = 10**9, least: int = 0) -> st.SearchStrategy[Decimal]:
    """Decimals with up to `places` places, some of them with trailing zeros."""
    plain = st.integers(least, most * 10**places).map(lambda n: Decimal(n).scaleb(-places))
    ones = st.sampled_from([Decimal("1"), Decimal("1.0"), Decimal("1.000")])
    return st.tuples(plain, ones).map(lambda pair: pair[0] * pair[1])


def money(currency: str, least: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    amounts = decimals(DECIMALS[currency], least=least)
    return st.fixed_dictionaries({"amount": amounts, "currency": st.just(currency)})


def price(currency: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"value": decimals(6, 10**6, least=1), "currency": st.just(currency)},
        optional={"decimals": st.integers(0, 10)},
    )


parties = st.fixed_dictionaries(
    {"lei": st.sampled_from([BROKER, INVESTOR])},
    optional={
        "bic": st.sampled_from(["BOTKJPJT", "DEUTDEFF500"]),
        "local": st.fixed_dictionaries({"code": text, "issuer": text}),
    },
)
instruments = st.sampled_from(
    [{"isin": "JP3633400001"}, {"japan_code": "130A"}, {"isin": "US0378331005", "japan_code": "72030"}]
)
accounts = st.fixed_dictionaries(
    {"code": text, "scheme": st.sampled_from(list(AccountScheme))},
)
links = st.lists(
    st.fixed_dictionaries({"kind": st.sampled_from(list(LinkKind)), "value": reference}), max_size=4
)


@st.composite
def terms(draw: st.DrawFn) -> dict[str, Any]:
    day = draw(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
    optional = st.fixed_dictionaries(
        {}, optional={"venue": st.just("XTKS"), "order_format": st.sampled_from(list(OrderFormat))}
    )
    return {
        "side": draw(st.sampled_from(list(Side))),
        "instrument": draw(instruments),
        "trade_date": day,
        "settlement_date": day + timedelta(draw(st.integers(0, 10))),
        **draw(optional),
    }


@st.composite
def fund(draw: st.DrawFn, account: dict[str, Any], side: str, currency: str) -> dict[str, Any]:
    """Figures that add up; gross and net are left to each other."""
    found: dict[str, Any] = {
        "account": account,
        "quantity": draw(decimals(6, 10**6, least=1)),
        "price": draw(price(currency)),
        "commission": draw(money(currency)),
        "consumption_tax": draw(money(currency)),
        "fees": [
            {"kind": draw(st.sampled_from(list(FeeKind))), "charge": draw(money(currency))}
            for _ in range(draw(st.integers(0, 2)))
        ],
        "net": draw(money(currency, least=-(10**3))),
    }
    if draw(st.booleans()):
        charges = [found["commission"], found["consumption_tax"], *(f["charge"] for f in found["fees"])]
        gross = draw(money(currency))
        whole = sum(c["amount"] for c in charges)
        net = gross["amount"] + whole if side == "buy" else gross["amount"] - whole
        found |= {"gross": gross, "net": {"amount": net, "currency": currency}}
    return found


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A document that the layout takes."""
    kind = draw(st.sampled_from(list(Kind)))
    found: dict[str, Any] = {
        "kind": kind,
        "reference": draw(reference),
        "broker": draw(parties),
        "investor": draw(parties),
        "links": draw(links),
        **draw(st.fixed_dictionaries({}, optional={"remarks": text, "replaces": reference})),
    }
    match kind:
        case Kind.CANCELLATION:
            return found | {"cancels": draw(reference)}
        case Kind.CALCULATION_REQUEST:
            seen = draw(st.none() | money("JPY"))
            return found | {
                "about": draw(reference),
                "adopts": seen is not None or draw(st.booleans()),
                "net": seen,
            }
        case Kind.AFFIRMATION:
            return found | {"answers": draw(reference), "affirmed": draw(st.booleans())}
        case Kind.BLOCK_RESPONSE | Kind.CHANGE_RESPONSE:
            return found | {"answers": draw(reference), "agreed": draw(st.booleans())}
        case Kind.ALLOCATION_RESPONSE:
            refused = draw(st.lists(accounts, max_size=2))
            return found | {"answers": draw(reference), "agreed": False, "refused_accounts": refused}
        case Kind.REMINDER:
            after = draw(st.sampled_from(["", "0123456701234567" + "0123456789abcdef"]))
            return found | {"trade_date": draw(st.dates()), "deadline": draw(st.times()), "after": after}
    return found | draw(_stated(kind))


@st.composite
def _stated(draw: st.DrawFn, kind: Kind) -> dict[str, Any]:
    currency, said = draw(currencies), draw(terms())
    names = draw(st.lists(accounts, min_size=1, max_size=4, unique_by=lambda a: (a["code"], a["scheme"])))
    funds = [draw(fund(account, said["side"], currency)) for account in names]
    block = {"quantity": sum(f["quantity"] for f in funds), "price": draw(price(currency))}
    found: dict[str, Any] = {"terms": said, "block": block}
    if kind is Kind.ALLOCATION_INSTRUCTION:
        return found | {"allocations": [{"account": f["account"], "quantity": f["quantity"]} for f in funds]}
    if kind is Kind.EXECUTION_NOTICE:
        return found
    return {**found, "funds": funds} if draw(st.booleans()) else {"terms": said, "funds": funds}
