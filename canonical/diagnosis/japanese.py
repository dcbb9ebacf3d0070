"""What a cause is in Japanese words, as back offices use them."""

from canonical.amounts import FeeKind
from canonical.diagnosis.cause import FIGURES, Aspect, Cause, Choice, Kind, View
from canonical.diagnosis.written import Names, hundredths, named, parting, shown
from canonical.trade import OrderFormat

FIELD_NAMES = {
    "side": "売買区分",
    "instrument": "銘柄",
    "venue": "市場",
    "order_format": "執行区分",
    "currency": "通貨",
    "trade_date": "約定日",
    "settlement_date": "受渡日",
    "account": "ファンド",
    "quantity": "数量",
    "price": "約定単価",
    "gross": "約定代金",
    "commission": "手数料",
    "consumption_tax": "消費税",
    "fees": "諸費用",
    "accrued": "経過利子",
    "net": "受渡金額",
}
_FEES = {
    FeeKind.REGULATORY: "規制手数料",
    FeeKind.EXCHANGE: "取引所手数料",
    FeeKind.STAMP: "印紙税",
    FeeKind.LEVY: "賦課金",
    FeeKind.TRANSACTION_TAX: "取引税",
    FeeKind.TRANSFER: "振替手数料",
    FeeKind.LOCAL_COMMISSION: "現地手数料",
    FeeKind.LOCAL_TAX: "現地税",
    FeeKind.OTHER: "その他費用",
}
_FORMATS = {
    OrderFormat.BASIC.value: "通常注文",
    OrderFormat.DISCRETIONARY.value: "計らい注文",
    OrderFormat.ALGORITHMIC.value: "アルゴリズム注文",
    OrderFormat.PRINCIPAL.value: "自己勘定取引",
}
VALUE_NAMES = {"buy": "買", "sell": "売", **_FORMATS}
_PHRASES: dict[Aspect, dict[str, str]] = {
    Aspect.TIMES: {"1": "一回計上", "2": "二重計上"},
    Aspect.UNIT: {"1": "そのままの単位", "0.01": "小数点なしで表示"},
    Aspect.CALENDAR: {
        "business_days": "祝日を除く営業日で計算",
        "all_days": "暦日で計算",
    },
    Aspect.PRICE: {"rounded": "端数処理後の単価で計算", "unrounded": "端数処理前の平均単価で計算"},
    Aspect.CHARGED: {
        "yes": "計上",
        "no": "計上なし",
        "in_commission": "手数料に込み",
        "other_side": "売買が逆の場合の料率で計上",
    },
    Aspect.BASE: {
        "gross": "約定代金を基準",
        "sum_of_funds": "ファンド合計額を基準",
        "unrounded": "端数処理前の約定代金を基準",
        "commission": "手数料のみに課税",
        "commission_and_fees": "手数料と諸費用に課税",
        "unrounded_commission": "端数処理前の手数料に課税",
    },
    Aspect.BANDS: {"whole": "該当料率を全額に適用", "marginal": "料率を段階ごとに適用"},
    Aspect.BAND: {
        "own": "該当する金額帯の料率",
        "lower": "一つ下の金額帯の料率",
        "higher": "一つ上の金額帯の料率",
        "of_block": "ブロック合計額の金額帯の料率",
        "on_border": "境界額を一つ上の金額帯に含めた料率",
    },
    Aspect.MINIMUM: {
        "applied": "最低手数料を適用",
        "none": "最低手数料なし",
        "of_block": "最低手数料をブロック単位で適用",
    },
    Aspect.MAXIMUM: {"applied": "上限を適用", "none": "上限なし"},
    Aspect.DISCOUNT: {"applied": "割引を適用", "none": "割引なし"},
    Aspect.DISCOUNTED: {"first": "割引後に下限・上限を適用", "last": "下限・上限の適用後に割引"},
    Aspect.TAX: {"added": "外税", "included": "税込み", "taken_out": "内税として手数料から分離"},
    Aspect.LEVEL: {"fund": "ファンドごとに計算", "block": "ブロックで計算して按分"},
    Aspect.ROUNDING: {
        "down": "切り捨て",
        "up": "切り上げ",
        "half_up": "四捨五入",
        "half_even": "偶数丸め",
        "floor": "切り下げ",
        "ceiling": "切り上げ",
    },
    Aspect.SPREAD_BY: {"quantity": "数量で按分", "gross": "約定代金で按分"},
    Aspect.REMAINDER: {
        "largest_fund": "残額を最大のファンドに配分",
        "larger_fraction": "残額を端数の大きい順に配分",
        "larger_order": "残額を注文数量の大きい順に配分",
        "receipt": "残額をファンドの記載順に配分",
    },
    Aspect.PARTS: {
        "all": "すべての費用を含む",
        "without_tax": "消費税を含まない",
        "without_fees": "諸費用を含まない",
        "without_commission": "手数料と消費税を含まない",
        "without_accrued": "経過利子を含まない",
        "gross_alone": "約定代金のみ",
    },
    Aspect.SIGN: {"own": "費用の加減が売買区分どおり", "reversed": "費用の加減が逆"},
}


NAMES: Names = ("ブローカー", "投資家")


def in_japanese(cause: Cause, names: Names = NAMES) -> str:
    """One cause as one line: 「F2の消費税: ブローカーは切り捨て(2,845円)、投資家は…」.

    names: as in English.
    """
    broker, investor = (_amount(cause, figure) for figure in shown(cause))
    if cause.field == "account":
        return _of_fund(cause, names)
    head, both = _head(cause), f"{names[0]}{broker}、{names[1]}{investor}"
    if cause.kind is Kind.EXCHANGED:
        return f"{head}: ファンド間で入れ替わり({both})"
    if cause.kind is Kind.FOLLOWS:
        fields = "・".join(FIELD_NAMES[name] for name in cause.follows)
        return f"{head}: {both}({f'{fields}の差による' if fields else '計算方法は同じ'})"
    if cause.kind is Kind.STATED:
        return f"{head}: {both}"
    if cause.kind is Kind.NOT_COMPUTED:
        if cause.field == "settlement_date":
            return f"{head}: {both}(営業日カレンダーがないため計算できない)"
        return f"{head}: {both}(合意済みの規則と通知内容からは計算できない)"
    if cause.kind is Kind.UNEXPLAINED:
        return f"{head}: {_unexplained(cause, (broker, investor), names)}"
    if cause.parts_at is None and _is_transposed(cause):
        return f"{head}: 隣り合う数字の入れ替わり({both})"
    return (
        f"{head}: {names[0]}は{_ways(cause, cause.broker)}({broker})、"
        f"{names[1]}は{_ways(cause, cause.investor)}({investor})"
    )


def _amount(cause: Cause, figure: str) -> str:
    if cause.field not in FIGURES or cause.currency is None or " " in figure:
        return VALUE_NAMES.get(figure, figure)
    return f"{figure}円" if cause.currency == "JPY" else f"{figure} {cause.currency}"


def _head(cause: Cause) -> str:
    field = _FEES[cause.fee] if cause.fee is not None else FIELD_NAMES[cause.field]
    accounts, more = named(cause)
    whose = [*(("ブロック",) if cause.block and (accounts or cause.field in _OF_BLOCK) else ()), *accounts]
    others = f"ほか{more}件" if more else ""
    return f"{'、'.join(whose)}{others}の{field}" if whose else field


_OF_BLOCK = ("quantity", "gross")


def _of_fund(cause: Cause, names: Names) -> str:
    accounts, more = named(cause)
    others = f"ほか{more}件" if more else ""
    naming, other = names if cause.broker.figure else (names[1], names[0])
    return f"ファンド{'、'.join(accounts)}{others}: {naming}のみ通知、{other}には無し"


def _unexplained(cause: Cause, figures: tuple[str, str], names: Names) -> str:
    views = (cause.broker, cause.investor)
    told = [place for place, view in enumerate(views) if view.conventions]
    if not told:
        return f"説明できる慣行なし({names[0]}{figures[0]}、{names[1]}{figures[1]})"
    place = told[0]
    name, view, figure = names[place], views[place], figures[place]
    other, unexplained = names[1 - place], figures[1 - place]
    return f"{name}は{_ways(cause, view)}({figure})、{other}の{unexplained}を説明できる慣行なし"


def _is_transposed(cause: Cause) -> bool:
    choices = cause.broker.conventions[0].choices
    return bool(choices) and choices[0].aspect is Aspect.ENTRY


def _ways(cause: Cause, view: View) -> str:
    choices = parting(cause, view)
    return "・".join(_phrase(cause, choice) for choice in choices) or "合意どおり"


def _phrase(cause: Cause, choice: Choice) -> str:
    phrases = _PHRASES.get(choice.aspect, {})
    if choice.aspect is Aspect.TARIFF:
        return f"{_tariff(choice.value)}の料率"
    if choice.aspect is Aspect.RATE:
        return _rate(cause, choice)
    if choice.aspect is Aspect.DAYS:
        return f"T+{choice.value}"
    if choice.aspect is Aspect.CALENDAR and choice.value == "weekdays":
        days = "・".join(f"{day.isoformat()}({_WEEKDAYS[day.weekday()]})" for day in cause.closed)
        return f"休業日{days}を営業日として計算"
    if choice.aspect is Aspect.DECIMALS:
        return "整数まで" if choice.value == "0" else f"小数{choice.value}桁まで"
    if choice.aspect is Aspect.UNIT and choice.value not in phrases:
        return _units(cause, choice.value)
    return phrases[choice.value]


_WEEKDAYS = "月火水木金"


def _units(cause: Cause, unit: str) -> str:
    if cause.field == "quantity":
        return f"{int(unit):,}単位で表示"
    return "通貨の100分の1単位で表示" if cause.field == "price" else "千単位で表示"


def _tariff(value: str) -> str:
    order_format, venue = value.split(" ")
    market = "" if venue == "any" else venue
    orders = "" if order_format == "any" else _FORMATS[order_format]
    return f"{market}{'の' if market and orders else ''}{orders}" or "その他の注文"


def _rate(cause: Cause, choice: Choice) -> str:
    if choice.value == "table":
        return "合意済みの料率表"
    if cause.field == "commission":
        return f"料率{hundredths(choice, 100)}%"
    return f"税率{hundredths(choice, 100)}%"
