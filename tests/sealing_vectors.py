"""The vectors of golden/sealing: what was sealed stays readable, and other implementations can check theirs.

A later suite gets files of its own. Where suite 1 itself must change, before anything in use was sealed with
it, they are written anew by: python -m tests.sealing_vectors
"""

import datetime
import json
from collections.abc import Mapping
from pathlib import Path

from node.day_secret import FIRST, DaySecret
from node.entry import EntryKind, encode_entry
from node.keys import encryption_key
from node.sealing import grant_secret, seal, seal_secret

GOLDEN = Path(__file__).parent / "golden" / "sealing"
NETWORK = bytes(range(32))
PARTIES = ("54930000000000000B01", "54930000000000000I02")
DAY = datetime.date(2026, 11, 20)
READER = encryption_key(b"\x09" * 32)

FIRST_OF_ALL = DaySecret(NETWORK, *PARTIES, DAY, bytes(range(32)))
LATER = DaySecret(NETWORK, *PARTIES, datetime.date(2027, 1, 4), b"\xff" * 32, FIRST_OF_ALL.key_id, acts=3)
ANOTHER = DaySecret(NETWORK, *PARTIES, DAY, b"\x07" * 32)
ELSEWHERE = DaySecret(b"\xaa" * 32, *PARTIES, DAY, b"\x08" * 32)
BOUNDARY = bytes(number % 251 for number in range(1024))  # the shortest of the second size class

SEALED: Mapping[str, tuple[DaySecret, str, bytes, bytes, EntryKind]] = {
    "sealed-short": (FIRST_OF_ALL, "sp1", bytes(range(16)), b"hello", EntryKind.SEALED),
    "sealed-empty": (LATER, "sp2", b"\x80" * 16, b"", EntryKind.SEALED),
    "sealed-japanese": (ELSEWHERE, "sp1", b"\x02" * 16, "約定 7203".encode(), EntryKind.SEALED),
    "sealed-class-boundary": (ANOTHER, "sp-with-long-name", b"\x01" * 16, BOUNDARY, EntryKind.SEALED),
    "sealed-attestation": (FIRST_OF_ALL, "sp1", bytes(range(16)), b"hello", EntryKind.ATTESTATION),
}


def secret_of(case: Mapping[str, str]) -> DaySecret:
    """The secret that a vector names."""
    network, value, previous = (bytes.fromhex(case[name]) for name in ("network", "secret", "previous"))
    day = datetime.date.fromisoformat(case["day"])
    return DaySecret(network, case["broker"], case["investor"], day, value, previous, int(case["acts"]))


def _named(about: str, secret: DaySecret) -> dict[str, str]:
    return {
        "about": f"{about}, suite 1; all bytes in hexadecimal",
        "network": secret.network.hex(),
        "broker": secret.broker,
        "investor": secret.investor,
        "day": secret.day.isoformat(),
        "previous": secret.previous.hex(),
        "acts": str(secret.acts),
        "secret": secret.value.hex(),
        "key_id": secret.key_id.hex(),
    }


def _sealed(secret: DaySecret, sp: str, entry_id: bytes, plaintext: bytes, kind: EntryKind) -> dict[str, str]:
    entry = seal(secret, sp, plaintext, kind, lambda _: entry_id)
    return _named("a sealed message", secret) | {
        "sp": sp,
        "kind": str(int(kind)),
        "entry_id": entry_id.hex(),
        "plaintext": plaintext.hex(),
        "message_key": secret.message_key(entry_id).hex(),
        "entry": encode_entry(entry).hex(),
    }


def _boxed(about: str, secret: DaySecret, entry: bytes) -> dict[str, str]:
    reader = {"reader_seed": (b"\x09" * 32).hex(), "reader_public": READER.public_bytes.hex()}
    return _named(about, secret) | reader | {"entry": entry.hex()}


def _write(name: str, case: Mapping[str, str]) -> None:
    (GOLDEN / f"{name}.json").write_text(json.dumps(case, indent=1) + "\n")


if __name__ == "__main__":
    assert FIRST_OF_ALL.previous == FIRST
    for name, case in SEALED.items():
        _write(name, _sealed(*case))
    for name, secret in {"key-one-reader": FIRST_OF_ALL, "key-later": LATER}.items():
        entry = seal_secret(secret, [READER.public])
        _write(name, _boxed("a day secret sealed to one reader", secret, encode_entry(entry)))
    granted = encode_entry(grant_secret(LATER, READER.public))
    _write("grant", _boxed("a day secret granted to one reader", LATER, granted))
