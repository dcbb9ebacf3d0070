"""The network of the scene: its SPs and their keys, institutions, and the settings of their clients."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.day_keys import day_tree
from node.identity import Identity
from node.keys import NodeKeys, institution_keys
from node.network import Network
from node.settings import ClientSettings
from node.setup import card_of, found_alone


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
def keys_of(sp: str, institutions: tuple[str, ...] | None = None) -> NodeKeys:
    """The keys of an SP, the same in every run. institutions: whose; those that it serves if not given."""
    served = {
        name: institution_keys(name, _seeds(f"{sp} {name}", 64), day_tree(_seeds(f"{sp} {name} days", 32)))
        for name in (SERVED.get(sp, ()) if institutions is None else institutions)
    }
    own = institution_keys(sp, _seeds(sp, 64)).signing
    return NodeKeys(own, served)


@cache
def identity_of(institution: str) -> Identity:
    """The identity of an institution, the same in every run."""
    return Identity(institution, Ed25519PrivateKey.from_private_bytes(_seeds(f"identity {institution}", 32)))


def _seeds(name: str, count: int) -> bytes:
    return hashlib.shake_256(f"scene {name}".encode()).digest(count)


@cache
def network() -> Network:
    """The network of the scene."""
    return founded(SERVED)


def founded(served: Mapping[str, tuple[str, ...]], **rules: Any) -> Network:
    """A network like it. served: institutions by SP. rules: of its relationships, where not the usual."""
    cards = [card_of(sp, keys_of(sp, institutions), None) for sp, institutions in served.items()]
    codes = {BROKER: [{"code": "19999", "issuer": "TSE"}]}
    plan = {
        **PLAN,
        "institutions": [{**one, "codes": codes.get(one["lei"], [])} for one in PLAN["institutions"]],
        "relationships": [{**one, "rules": rules} for one in PLAN["relationships"]],
    }
    founders = {sp: keys_of(sp).signing for sp in served}
    return found_alone(plan, cards, [identity_of(name) for name in (BROKER, INVESTOR, RIVAL)], founders)


def client(name: str, **changes: Any) -> ClientSettings:
    """The settings of a client: "broker", "investor" and "rival", "iso" (another client of INVESTOR)."""
    known: dict[str, dict[str, Any]] = {
        "broker": {
            "institution": BROKER,
            "format": "fix",
            "mappings": "fix44",
            "reads": {"AS": "AS", "AK": "AK", "AE": "AE", "P": "P", "AT": "AT"},
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
            "reads": {
                f"setr.{each}": f"setr.{each[:3]}" for each in ("027.001.05", "029.001.02", "030.001.03")
            },
        },
        "fix": {
            "institution": INVESTOR,
            "format": "fix",
            "mappings": "fix44",
            "reads": {"J": "J", "AU": "AU", "AT": "AT"},
            "copies": {"confirmation": "AK"},
        },
    }
    known["rival"] = {**known["investor"], "institution": RIVAL}
    folders = {f"{part}_folder": Path(f"/unused/{name}/{part}") for part in ("in", "out", "error", "archive")}
    link = {"kind": "folder", "pattern": "*", "extension": "txt", **folders}
    return ClientSettings.model_validate({"name": name, "link": link, **known[name], **changes})
