"""Who and what the demo is about: made-up firms and funds, true securities, all of one business day."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Final

from stdnum.iso7064 import mod_97_10

from canonical.identifiers import AccountScheme

TRADE_DATE: Final = date(2026, 11, 20)
SETTLEMENT_DATE: Final = date(2026, 11, 25)  # the Monday between is a holiday in Japan
MARKET: Final = "XTKS"
FUNDS_PER_MANAGER: Final = 24


def _lei(base: str) -> str:
    """`base` with the check digits of an LEI (ISO 17442)."""
    return base + str(mod_97_10.calc_check_digits(base))


@dataclass(frozen=True, slots=True)
class Security:
    """A listed share. tick: the price's last digit, in hundredths of a yen. price: about today's, in yen."""

    isin: str
    code: str
    name: str
    price: int


@dataclass(frozen=True, slots=True)
class Fund:
    """A fund: the code on the ledger, and the name by which its manager's own system calls it."""

    code: str
    name: str


@dataclass(frozen=True)
class Firm:
    """A broker or an asset manager. sp: the provider that it uses. client: its name there."""

    name: str
    lei: str
    bic: str
    sp: str
    client: str
    letter: str = ""

    @cached_property
    def funds(self) -> tuple[Fund, ...]:
        """The funds that it manages."""
        return tuple(
            Fund(f"{self.letter}JP{number:03}", f"日本株式{self.letter}{number:02}号")
            for number in range(1, FUNDS_PER_MANAGER + 1)
        )


BROKER: Final = Firm("約定デモ証券", _lei("9999DEMOBROKER0000"), "DEMOJPJT", "sp1", "broker")
MANAGER_A: Final = Firm("デモ投信エー", _lei("9999DEMOMANAGERA00"), "DEMAJPJT", "sp2", "manager-a", "A")
MANAGER_B: Final = Firm("デモ投信ビー", _lei("9999DEMOMANAGERB00"), "DEMBJPJT", "sp3", "manager-b", "B")
MANAGER_C: Final = Firm("デモ投信シー", _lei("9999DEMOMANAGERC00"), "DEMCJPJT", "sp3", "manager-c", "C")
MANAGERS: Final = (MANAGER_A, MANAGER_B, MANAGER_C)
FIRMS: Final = (BROKER, *MANAGERS)
BROKER_CODE: Final = "99901"  # how the CSV files of asset manager A call the broker

SECURITIES: Final = (
    Security("JP3633400001", "7203", "トヨタ自動車", 2845),
    Security("JP3435000009", "6758", "ソニーグループ", 3120),
    Security("JP3902900004", "8306", "三菱UFJフィナンシャル・グループ", 1874),
    Security("JP3756600007", "7974", "任天堂", 8460),
    Security("JP3735400008", "9432", "日本電信電話", 151),
    Security("JP3236200006", "6861", "キーエンス", 63210),
    Security("JP3788600009", "6501", "日立製作所", 3975),
    Security("JP399999A008", "999A", "架空ゲノム", 733),  # made up: a code of the kind that has letters
)

PROVIDERS: Final[tuple[str, ...]] = ("sp1", "sp2", "sp3")
PROVIDER_BICS: Final = {"sp1": "YKJAJPJT", "sp2": "YKJBJPJT", "sp3": "YKJCJPJT"}


RULES: Final = {"commission": {"tariffs": [{"bands": [{"rate": "0.0010"}]}]}}
"""What the broker has agreed on with each manager; all else is compared exactly (node.demo.figures)."""


def plan() -> dict[str, Any]:
    """The network as its founders plan it, without their keys."""
    return {
        "name": "demo",
        "replicas": len(PROVIDERS),
        "institutions": [_institution(firm) for firm in FIRMS],
        "relationships": [
            {"broker": BROKER.lei, "investor": manager.lei, "rules": RULES} for manager in MANAGERS
        ],
        "securities": [{"isin": s.isin, "japan_code": s.code, "name": s.name} for s in SECURITIES],
        "funds": [_fund(manager, fund) for manager in MANAGERS for fund in manager.funds],
    }


def _institution(firm: Firm) -> dict[str, Any]:
    role = "broker" if firm is BROKER else "investor"
    codes = [{"code": BROKER_CODE, "issuer": "TSE"}] if firm is BROKER else []
    return {"lei": firm.lei, "name": firm.name, "role": role, "bic": firm.bic, "codes": codes}


def _fund(manager: Firm, fund: Fund) -> dict[str, Any]:
    scheme = AccountScheme.PROPRIETARY.value
    alias = {"code": fund.name, "scheme": scheme}
    return {
        "investor": manager.lei,
        "account": {"code": fund.code, "scheme": scheme},
        "aliases": [alias],
    }
