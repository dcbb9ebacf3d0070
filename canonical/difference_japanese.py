"""What a difference is in Japanese words, where there is no more to say of it than the two values."""

from typing import NamedTuple

from canonical.diagnosis.cause import FIGURES
from canonical.diagnosis.english import NAMES as ENGLISH
from canonical.diagnosis.japanese import FIELD_NAMES, VALUE_NAMES
from canonical.diagnosis.japanese import NAMES as JAPANESE
from canonical.diagnosis.written import Names, grouped
from canonical.message import Role
from canonical.result import Difference


class SideNames(NamedTuple):
    """What the two are called whose figures differ, the broker's side first."""

    english: Names
    japanese: Names


_NAMES = {
    None: SideNames(ENGLISH, JAPANESE),
    Role.BROKER: SideNames(("calculation", "investor"), ("規則計算", "投資家")),
    Role.INVESTOR: SideNames(("broker", "calculation"), ("ブローカー", "規則計算")),
}


def names_of(difference: Difference) -> SideNames:
    """Who has stated the figures, or is spoken for by the shared calculation."""
    return _NAMES[difference.calculated_for]


_TOTAL = "total_"
_OF_FUNDS = "funds_quantity"
_REFUSED = {"affirmation": "承認せず", "response": "拒否"}


def difference_in_japanese(difference: Difference, account: str | None) -> str:
    """As 「F1の受渡金額: ブローカー101、投資家100(許容内、100を採用)」. account: None for the block."""
    if difference.field in _REFUSED:
        who, why = ("ブローカー", difference.broker) if difference.broker else ("投資家", difference.investor)
        whose = f"{account}: " if account is not None else ""
        return f"{whose}{who}は{_REFUSED[difference.field]}({why})"
    broker, investor = names_of(difference).japanese
    ours, theirs = _value(difference, difference.broker), _value(difference, difference.investor)
    whose = f"{account}の" if account is not None else ""
    text = f"{whose}{_name(difference.field)}: {broker}{ours}、{investor}{theirs}"
    return f"{text}(許容内、{_value(difference, difference.holds)}を採用)" if difference.within else text


def _name(field: str) -> str:
    if field == _OF_FUNDS:
        return f"ファンドの{FIELD_NAMES['quantity']}合計"
    name = FIELD_NAMES[field.removeprefix(_TOTAL)]
    return f"{name}合計" if field.startswith(_TOTAL) else name


def _value(difference: Difference, value: str) -> str:
    if difference.field.removeprefix(_TOTAL) in (*FIGURES, _OF_FUNDS):
        value = grouped(value)
    return VALUE_NAMES.get(value, value) or "なし"
