"""What is measured on: a trial network with one broker, one investor and their funds, and their FIX messages.

Each trade is a pair: the broker's AllocationReport (35=AS) with its figures for each fund, and the investor's
AllocationInstruction (35=J) with the same figures (626=1). Every pair matches.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stdnum.iso7064 import mod_97_10

from adapters.fix import FixFormat
from adapters.fix_dictionary import load
from adapters.fix_sessions import installed_dictionary
from adapters.format import Decoded, Fields
from adapters.link import Arrival
from node.clients import Client
from node.identity import create_identity
from node.key_files import load_keys
from node.keyring import KeyRing
from node.network import Network
from node.settings import ClientSettings, ExternalLedger, FixLinkSettings, NodeSettings
from node.setup import found_alone, make_member

SP = "sp1"
BROKER, INVESTOR = "broker", "investor"  # the clients' names
FUNDS = 10
ANSWERS_PER_MESSAGE = 2  # its receipt, and the result of its trade

_BICS = {BROKER: "NOMUJPJT", INVESTOR: "SMFGJPJT"}
_LEIS = {
    name: stem + mod_97_10.calc_check_digits(stem)
    for name, stem in ((BROKER, "353800BENCHBROKER0"), (INVESTOR, "353800BENCHINVEST0"))
}
_SECURITIES = {"7203": "JP3633400001", "6758": "JP3435000009", "9984": "JP3436100006", "8306": "JP3902900004"}


@dataclass(frozen=True, slots=True)
class Scene:
    """A network of `members` SPs, of which the first serves both institutions, with its keys."""

    network: Network
    ring: KeyRing
    clients: tuple[ClientSettings, ...]


def make_scene(folder: Path, members: int) -> Scene:
    """Make the members' keys below `folder`, and the network."""
    names = [f"sp{number + 1}" for number in range(members)]
    served = {SP: list(_LEIS.values())}
    cards = [make_member(folder / name, name, served.get(name, []), None) for name in names]
    identities = [create_identity(folder / lei, lei, None) for lei in _LEIS.values()]
    keys = {name: load_keys(folder / name / "keys", None) for name in names}
    founders = {name: own.signing for name, own in keys.items()}
    network = found_alone(_plan(members), cards, identities, founders)
    return Scene(network, KeyRing(keys[SP]), (_client(BROKER), _client(INVESTOR)))


def settings_of(scene: Scene, folder: Path) -> NodeSettings:
    """What the node.toml of the measured node would say; the bench opens the ledger itself."""
    unused = ExternalLedger(kind="external", servers=("-",), user="-", password_file=Path("unused"))
    return NodeSettings(sp=SP, data_folder=folder / SP, ledger=unused, clients=scene.clients)


def clients_of(scene: Scene) -> dict[str, Client]:
    """The clients as the node makes them."""
    return {settings.name: Client(settings, scene.network, None) for settings in scene.clients}


def _plan(members: int) -> dict[str, Any]:
    broker, investor = _LEIS[BROKER], _LEIS[INVESTOR]
    institutions = [
        {"lei": lei, "name": name, "role": name, "bic": _BICS[name]} for name, lei in _LEIS.items()
    ]
    return {
        "name": "bench",
        "replicas": members,
        "institutions": institutions,
        "relationships": [{"broker": broker, "investor": investor}],
        "securities": [{"isin": isin, "japan_code": code} for code, isin in _SECURITIES.items()],
        "funds": [{"investor": investor, "account": {"code": f"FUND{n:02}"}} for n in range(FUNDS)],
    }


def _client(name: str) -> ClientSettings:
    sends = {BROKER: "AS", INVESTOR: "J"}[name]
    return ClientSettings(
        name=name,
        institution=_LEIS[name],
        format="fix",
        mappings="fix44",
        reads={sends: sends},
        # Never listened on: the bench hands bytes over itself.
        link=FixLinkSettings(kind="fix", sender_comp_id="SP", target_comp_id=name.upper(), port=1),
    )


class Messages:
    """Writes the pairs, each with references of its own."""

    def __init__(self) -> None:
        self._format = FixFormat(load(installed_dictionary("FIX.4.4")))
        self._number = 0

    def pairs(self, count: int) -> Iterator[tuple[Arrival, Arrival]]:
        """The next `count` trades: what the broker says of each, and what the investor says."""
        for _ in range(count):
            self._number += 1
            yield self._arrival(BROKER, "AS"), self._arrival(INVESTOR, "J")

    def _arrival(self, client: str, kind: str) -> Arrival:
        number = self._number
        fields = {**_header(client, number), **_trade(number), **_OF_KIND[kind]}
        fields["755" if kind == "AS" else "70"] = f"{client[0].upper()}{number:08}"
        message = Decoded(kind, self._format.ordered(kind, fields))
        return Arrival(client, f"bench/{number}", self._format.encode([message]))


_OF_KIND: dict[str, Fields] = {
    "AS": {"71": "0", "794": "4", "87": "3", "857": "0", "55": "[N/A]"},
    "J": {"71": "0", "626": "1", "857": "0", "55": "[N/A]"},
}


def _header(client: str, number: int) -> Fields:
    return {"34": str(number), "49": client.upper(), "52": "20261120-06:10:00.000", "56": "SP"}


def _trade(number: int) -> Fields:
    """The economics of trade `number`: what both sides say alike. Amounts are in yen, consumption tax 10%."""
    per_fund, price = 1_000 + 100 * (number % 500), 2_000 + number % 997
    gross = per_fund * price
    commission = gross // 1_000
    tax = commission // 10
    fund: Fields = {
        "80": str(per_fund),
        "153": str(price),
        "12": str(commission),
        "13": "3",
        "154": str(gross + commission + tax),
        "136": [{"137": str(tax), "139": "9"}],
    }
    return {
        "54": "1",
        "48": list(_SECURITIES.values())[number % len(_SECURITIES)],
        "22": "4",
        "207": "XTKS",
        "75": "20261120",
        "64": "20261125",
        "53": str(per_fund * FUNDS),
        "6": str(price),
        "15": "JPY",
        "60": "20261120-06:00:00.000",
        "73": [{"11": f"ORDER{number:08}"}],
        "453": [_party("1", _BICS[BROKER]), _party("9", _BICS[INVESTOR])],
        "78": [{"79": f"FUND{n:02}", **fund} for n in range(FUNDS)],
    }


def _party(role: str, bic: str) -> Fields:
    return {"448": bic, "447": "B", "452": role}
