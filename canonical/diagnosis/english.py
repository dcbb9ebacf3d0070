"""What a cause is in English words."""

from canonical.amounts import FeeKind
from canonical.diagnosis.cause import Aspect, Cause, Choice, Kind, View
from canonical.diagnosis.written import Names, hundredths, named, parting, shown

_FIELDS = {
    "side": "side",
    "instrument": "security",
    "venue": "market",
    "order_format": "order format",
    "currency": "currency",
    "trade_date": "trade date",
    "settlement_date": "settlement date",
    "account": "fund",
    "quantity": "quantity",
    "price": "price",
    "gross": "gross amount",
    "commission": "commission",
    "consumption_tax": "consumption tax",
    "fees": "fees",
    "accrued": "accrued interest",
    "net": "net amount",
}
_FEES = {
    FeeKind.REGULATORY: "regulatory fee",
    FeeKind.EXCHANGE: "exchange fee",
    FeeKind.STAMP: "stamp duty",
    FeeKind.LEVY: "levy",
    FeeKind.TRANSACTION_TAX: "transaction tax",
    FeeKind.TRANSFER: "transfer fee",
    FeeKind.LOCAL_COMMISSION: "local commission",
    FeeKind.LOCAL_TAX: "local tax",
    FeeKind.OTHER: "other fee",
}
_PHRASES: dict[Aspect, dict[str, str]] = {
    Aspect.TIMES: {"1": "books it once", "2": "books it twice"},
    Aspect.UNIT: {"1": "gives it in full", "0.01": "leaves the decimal point out"},
    Aspect.CALENDAR: {
        "business_days": "observes holidays",
        "all_days": "counts calendar days",
    },
    Aspect.PRICE: {"rounded": "takes the rounded price", "unrounded": "takes the unrounded average price"},
    Aspect.CHARGED: {
        "yes": "charges it",
        "no": "charges none",
        "in_commission": "has it in the commission",
        "other_side": "charges it as for the other side",
    },
    Aspect.BASE: {
        "gross": "starts from the gross amount",
        "sum_of_funds": "starts from the sum of the funds",
        "unrounded": "starts from the unrounded gross amount",
        "commission": "taxes commission alone",
        "commission_and_fees": "taxes commission and fees",
        "unrounded_commission": "taxes the unrounded commission",
    },
    Aspect.BANDS: {
        "whole": "applies the band of the amount to all of it",
        "marginal": "applies each band to its part of the amount",
    },
    Aspect.BAND: {
        "own": "uses the band of the amount",
        "lower": "uses the next lower band",
        "higher": "uses the next higher band",
        "of_block": "uses the band of the block's amount",
        "on_border": "counts an amount on the border to the higher band",
    },
    Aspect.MINIMUM: {
        "applied": "applies the minimum",
        "none": "applies no minimum",
        "of_block": "applies the minimum to the block",
    },
    Aspect.MAXIMUM: {"applied": "applies the maximum", "none": "applies no maximum"},
    Aspect.DISCOUNT: {"applied": "takes off the discount", "none": "takes off no discount"},
    Aspect.DISCOUNTED: {
        "first": "takes off the discount before the minimum and maximum",
        "last": "takes off the discount after the minimum and maximum",
    },
    Aspect.TAX: {
        "added": "adds consumption tax to commission",
        "included": "includes consumption tax",
        "taken_out": "takes consumption tax out of commission",
    },
    Aspect.LEVEL: {"fund": "computes it fund by fund", "block": "computes it on the block and spreads it"},
    Aspect.ROUNDING: {
        "down": "truncates",
        "up": "rounds up",
        "half_up": "rounds half up",
        "half_even": "rounds half to even",
        "floor": "rounds down",
        "ceiling": "rounds up",
    },
    Aspect.SPREAD_BY: {"quantity": "spreads it by quantity", "gross": "spreads it by gross amount"},
    Aspect.REMAINDER: {
        "largest_fund": "gives the remainder to the largest fund",
        "larger_fraction": "gives the remainder to the larger fractions",
        "larger_order": "gives the remainder to the larger orders",
        "receipt": "gives the remainder in the order of the funds",
    },
    Aspect.PARTS: {
        "all": "counts all charges",
        "without_tax": "leaves out consumption tax",
        "without_fees": "leaves out fees",
        "without_commission": "leaves out commission and its tax",
        "without_accrued": "leaves out accrued interest",
        "gross_alone": "leaves out everything but the gross amount",
    },
    Aspect.SIGN: {
        "own": "counts charges as for this side",
        "reversed": "counts charges as for the other side",
    },
}


NAMES: Names = ("broker", "investor")


def in_english(cause: Cause, names: Names = NAMES, *, beside_figures: bool = False) -> str:
    """One cause as one line: "consumption tax of F2: broker truncates (2,845), investor ...".

    names: what the two are called whose figures these are. beside_figures: both stand there already, so what
    says nothing of each alone is said without them.
    """
    broker, investor = shown(cause)
    if cause.field == "account":
        return _of_fund(cause, names)
    head, both = _head(cause), f"{names[0]} {broker}, {names[1]} {investor}"
    if cause.kind is Kind.EXCHANGED:
        return f"{head}: exchanged between the funds ({both})"
    if cause.kind is Kind.FOLLOWS:
        fields = _listed(tuple(_FIELDS[name] for name in cause.follows))
        why = f"follows from {fields}" if fields else "computed alike"
        return f"{head}: {why}" if beside_figures else f"{head}: {both}: {why}"
    if cause.kind is Kind.STATED:
        return f"{head}: {both}"
    if cause.kind is Kind.NOT_COMPUTED:
        if cause.field == "settlement_date":
            return f"{head}: {both}: no calendar is known to count business days by"
        return f"{head}: {both}: what is agreed and given is not enough to compute it"
    if cause.kind is Kind.UNEXPLAINED:
        if not (cause.broker.conventions or cause.investor.conventions):
            return f"{head}: no convention explains it{'' if beside_figures else f' ({both})'}"
        return f"{head}: {_unexplained(cause, (broker, investor), names)}"
    if cause.parts_at is None and _is_transposed(cause):
        return f"{head}: two digits are transposed ({both})"
    ours, theirs = _ways(cause, cause.broker), _ways(cause, cause.investor)
    return f"{head}: {names[0]} {ours} ({broker}), {names[1]} {theirs} ({investor})"


def _head(cause: Cause) -> str:
    field = _FEES[cause.fee] if cause.fee is not None else _FIELDS[cause.field]
    accounts, more = named(cause)
    whose = (*(("the block",) if cause.block and (accounts or cause.field in _OF_BLOCK) else ()), *accounts)
    if more:
        return f"{field} of {', '.join(whose)} and {more} more"
    return f"{field} of {_listed(whose)}" if whose else field


_OF_BLOCK = ("quantity", "gross")


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _of_fund(cause: Cause, sides: Names) -> str:
    accounts, more = named(cause)
    names = f"{', '.join(accounts)} and {more} more" if more else _listed(accounts)
    naming, other = sides if cause.broker.figure else (sides[1], sides[0])
    one = len(accounts) + more == 1
    return f"{'fund' if one else 'funds'} {names}: {naming} names {'it' if one else 'them'}, {other} does not"


def _unexplained(cause: Cause, figures: tuple[str, str], names: Names) -> str:
    """Where the figure of one side is explained, and that of the other is not."""
    views = (cause.broker, cause.investor)
    place = 0 if cause.broker.conventions else 1
    name, view, figure = names[place], views[place], figures[place]
    other, unexplained = names[1 - place], figures[1 - place]
    return f"{name} {_ways(cause, view)} ({figure}), no convention explains {other}'s {unexplained}"


def _is_transposed(cause: Cause) -> bool:
    choices = cause.broker.conventions[0].choices
    return bool(choices) and choices[0].aspect is Aspect.ENTRY


def _ways(cause: Cause, view: View) -> str:
    choices = parting(cause, view)
    return " and ".join(_phrase(cause, choice) for choice in choices) or "computes it as agreed"


def _phrase(cause: Cause, choice: Choice) -> str:
    phrases = _PHRASES.get(choice.aspect, {})
    if choice.aspect is Aspect.TARIFF:
        return f"uses the {_tariff(choice.value)}"
    if choice.aspect is Aspect.RATE:
        return _rate(cause, choice)
    if choice.aspect is Aspect.DAYS:
        return f"settles on T+{choice.value}"
    if choice.aspect is Aspect.CALENDAR and choice.value == "weekdays":
        return _holidays(cause)
    if choice.aspect is Aspect.DECIMALS:
        return f"keeps {_NUMBERS.get(choice.value, f'{choice.value} decimals')}"
    if choice.aspect is Aspect.UNIT and (cause.field == "quantity" or choice.value not in phrases):
        return f"gives {_units(cause, choice.value)}"
    return phrases[choice.value]


def _holidays(cause: Cause) -> str:
    days = _listed(tuple(f"{_WEEKDAYS[day.weekday()]} {day.isoformat()}" for day in cause.closed))
    if len(cause.closed) == 1:
        return f"counts the holiday {days} as a business day"
    return f"counts the holidays {days} as business days"


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_NUMBERS = {"0": "no decimals", "1": "1 decimal"}


def _units(cause: Cause, unit: str) -> str:
    if cause.field == "quantity":
        return "units" if unit == "1" else f"lots of {int(unit):,}"
    return "hundredths of the currency" if cause.field == "price" else "thousands"


def _tariff(value: str) -> str:
    order_format, venue = value.split(" ")
    orders = "" if order_format == "any" else f" for {order_format} orders"
    market = "" if venue == "any" else f" {'on' if orders else 'of'} {venue}"
    return f"tariff{orders}{market}" if orders or market else "tariff for all other orders"


def _rate(cause: Cause, choice: Choice) -> str:
    if choice.value == "table":
        return "uses the agreed table"
    if cause.field == "commission":
        return f"charges {hundredths(choice, 10_000)} bp"
    return f"takes {hundredths(choice, 100)} %"
