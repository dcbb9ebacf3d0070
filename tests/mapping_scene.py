"""The shipped mappings with the formats they are for, and the native texts of tests as bytes."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from adapters.delimited import Delimited
from adapters.delimited_layout import DelimitedLayout
from adapters.fix import FixFormat
from adapters.fix_dictionary import load
from adapters.fix_sessions import installed_dictionary
from adapters.format import Decoded, Format
from adapters.iso20022 import Iso20022
from adapters.mapping import BROKER, COUNTERPARTY, INVESTOR, RAW, SENDER, Read, read
from adapters.mapping_file import MappingFile, load_mapping

TESTS = Path(__file__).parent
MAPPINGS = TESTS.parent / "mappings"
FILES = sorted(MAPPINGS.glob("*/*.toml"))

GIVEN = {
    SENDER: "5493001KJTIIGC8Y1R12",
    COUNTERPARTY: "529900T8BM49AURSDO55",
    INVESTOR: "5493001KJTIIGC8Y1R12",
    BROKER: "529900T8BM49AURSDO55",
    RAW: "c" * 64,
}

FIX_HEADER = {"49": "SP1", "56": "CLIENT", "34": "2", "52": "20261120-06:31:02"}


@cache
def mapping(name: str) -> MappingFile:
    """A shipped mapping by its dialect and name: "fix44/AS"."""
    return load_mapping(MAPPINGS / f"{name}.toml")


@cache
def codec(name: str) -> Any:
    """The format of a shipped mapping, for files with the mapping's layout."""
    if name.startswith("delimited/"):
        return Delimited(DelimitedLayout.model_validate(mapping(name).layout))
    return _fix() if name.startswith("fix44/") else _iso20022()


@cache
def _fix() -> FixFormat:
    path = installed_dictionary("FIX.4.4")
    if not path.is_file():
        pytest.skip("quickfix, which brings the FIX data dictionaries, is not installed")
    return FixFormat(load(path))


@cache
def _iso20022() -> Format:
    """Held against the official schemas too, where they are at hand."""
    shared = os.environ.get("YAKUJO_SHARED")
    return Iso20022(xsd_dir=Path(shared) / "xsd" if shared else None)


def fix_bytes(text: str) -> bytes:
    """A FIX message of fields that are divided by "|", with its framing computed."""
    body = "".join(text.splitlines()).replace("|", "\x01").encode()
    head = b"8=FIX.4.4\x019=%d\x01" % len(body) + body
    return head + b"10=%03d\x01" % (sum(head) % 256)


def native_bytes(file: Path) -> bytes:
    """The bytes that a client sends, from a file of a test."""
    raw = file.read_bytes()
    return fix_bytes(raw.decode()) if file.suffix == ".fix" else raw


def said(name: str, raw: bytes) -> list[Read]:
    """What the shipped mapping `name` reads in a client's bytes."""
    decoded: tuple[Decoded, ...] = codec(name).decode(raw)
    rule = mapping(name)
    if rule.parts is not None:
        return [read(rule, decoded, GIVEN)]
    return [read(rule, (one,), GIVEN) for one in decoded]


def written_bytes(name: str, messages: tuple[Decoded, ...]) -> list[bytes]:
    """What goes out to the client: one piece for a file, one per message for FIX."""
    form = codec(name)
    if not isinstance(form, FixFormat):
        return [form.encode(messages)]
    return [
        form.encode([Decoded(one.message, form.ordered(one.message, {**FIX_HEADER, **one.fields}))])
        for one in messages
    ]


SAMPLES = Path(__file__).parent / "golden" / "mapping" / "read"


def sample(case: str) -> tuple[str, bytes]:
    """The mapping's name and the bytes of a sample: "fix44/AS/two-funds"."""
    [file] = (SAMPLES / case).glob("message.*")
    return case.rpartition("/")[0], native_bytes(file)
