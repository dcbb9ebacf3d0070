"""The network of the scene: its SPs and their keys, institutions, and the settings of their clients."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from node.keys import NodeKeys, institution_keys
from node.network import Network
from node.settings import ClientSettings
from node.setup import assemble, card_of


def lei(name: str) -> str:
    """An LEI that begins with `name`."""
    stem = name.ljust(18, "0")
    digits = "".join(str(int(letter, 36)) for letter in f"{stem}00")
    return f"{stem}{98 - int(digits) % 97:02}"


BROKER, INVESTOR, RIVAL = lei("TESTBROKER"), lei("TESTINVESTOR"), lei("TESTRIVAL")
SERVED = {"sp1": (BROKER,), "sp2": (INVESTOR, RIVAL), "sp3": ()}

PLAN: Mapping[str, Any] = {
    "name": "scene",
    "replicas": 3,
    "institutions": [
        {"lei": BROKER, "name": "Broker", "role": "broker", "bic": "BRKAJPJT"},
        {"lei": INVESTOR, "name": "Investor", "role": "investor", "bic": "ASMGJPJT"},
        {"lei": RIVAL, "name": "Rival", "role": "investor", "bic": "RIVLJPJT"},
    ],
    "relationships": [{"broker": BROKER, "investor": INVESTOR}, {"broker": BROKER, "investor": RIVAL}],
    "securities": [
        {"isin": "JP3633400001", "japan_code": "7203", "name": "Toyota Motor"},
        {"isin": "JP3435000009", "japan_code": "6758", "name": "Sony Group"},
    ],
    "funds": [
        {
            "investor": INVESTOR,
            "account": {"code": "F1"},
            "aliases": [{"code": "00000001", "scheme": "jasdec"}],
        },
        {"investor": INVESTOR, "account": {"code": "F2"}},
        {"investor": RIVAL, "account": {"code": "F1"}},
        {"investor": RIVAL, "account": {"code": "F2"}},
    ],
}


@cache
def keys_of(sp: str) -> NodeKeys:
    """The keys of an SP, the same in every run."""
    served = {name: institution_keys(name, _seeds(f"{sp} {name}", 64)) for name in SERVED.get(sp, ())}
    own = institution_keys(sp, _seeds(sp, 64)).signing
    return NodeKeys(own, served)


def _seeds(name: str, count: int) -> bytes:
    return hashlib.shake_256(f"scene {name}".encode()).digest(count)


@cache
def network() -> Network:
    """The network of the scene."""
    cards = [card_of(sp, keys_of(sp), None) for sp in SERVED]
    codes = {BROKER: [{"code": "19999", "issuer": "TSE"}]}
    institutions = [{**one, "codes": codes.get(one["lei"], [])} for one in PLAN["institutions"]]
    return assemble({**PLAN, "institutions": institutions}, cards)


def client(name: str, **changes: Any) -> ClientSettings:
    """The settings of a client: "broker", "investor" and "rival", "iso" (another client of INVESTOR)."""
    known: dict[str, dict[str, Any]] = {
        "broker": {
            "institution": BROKER,
            "format": "fix",
            "mappings": "fix44",
            "reads": {"AS": "AS", "AK": "AK", "AE": "AE"},
            "copies": {"allocation_instruction": "J"},
        },
        "investor": {
            "institution": INVESTOR,
            "format": "delimited",
            "mappings": "delimited",
            "reads": {"allocations": "allocations"},
            "copies": {"execution_notice": "notice", "confirmation": "confirmation"},
        },
        "iso": {
            "institution": INVESTOR,
            "format": "iso20022",
            "mappings": "iso20022",
            "reads": {"setr.027.001.05": "setr.027"},
        },
        "fix": {
            "institution": INVESTOR,
            "format": "fix",
            "mappings": "fix44",
            "reads": {"J": "J", "AU": "AU"},
            "copies": {"confirmation": "AK"},
        },
    }
    known["rival"] = {**known["investor"], "institution": RIVAL}
    folders = {f"{part}_folder": Path(f"/unused/{name}/{part}") for part in ("in", "out", "error", "archive")}
    link = {"kind": "folder", "pattern": "*", "extension": "txt", **folders}
    return ClientSettings.model_validate({"name": name, "link": link, **known[name], **changes})
