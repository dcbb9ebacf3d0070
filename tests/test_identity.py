"""Promises about identities and readers: held by their owners, never overwritten, signed for one purpose."""

import base64
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from node import key_wrapping
from node.identity import create_identity, load_identity, sign_statement, verify_statement
from node.key_errors import (
    KeyFileBrokenError,
    KeyFileError,
    KeyFileExistsError,
    KeyFileExposedError,
    KeyFileMissingError,
    PassphraseError,
    WrappingError,
)
from node.keys import encryption_public_key, signing_public_key, signing_text
from node.reader_keys import create_reader, load_reader

LEI, OTHER_LEI = "54930000000000000A01", "54930000000000000C03"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = signing_text(KEY.public_key())

Create, Load = Callable[..., Any], Callable[..., Any]
KINDS = [
    pytest.param(create_identity, load_identity, LEI, "identity", id="identity"),
    pytest.param(create_reader, load_reader, "Audit-1", "reader", id="reader"),
]


@pytest.fixture(autouse=True)
def _cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_wrapping, "_SCRYPT_COST", 2**10)


@pytest.mark.parametrize("protection", [None, b"correct horse"])
def test_an_identity_loads_as_it_was_made(tmp_path: Path, protection: bytes | None) -> None:
    """What the network file says of an institution is what it can sign with, for years."""
    made = create_identity(tmp_path / "own", LEI, protection)
    loaded = load_identity(tmp_path / "own", protection)
    card = tomllib.loads((tmp_path / "own" / "identity.toml").read_text())
    assert card == {"lei": LEI, "identity_key": loaded.public_text}
    assert loaded.lei == made.lei == LEI
    assert loaded.public_text == made.public_text
    signing_public_key(loaded.public_text)
    assert repr(loaded) == f"Identity(lei={LEI!r})"


@pytest.mark.parametrize("protection", [None, b"correct horse"])
def test_a_reader_loads_as_it_was_made(tmp_path: Path, protection: bytes | None) -> None:
    made = create_reader(tmp_path / "own", "Trust-Bank.1", protection)
    loaded = load_reader(tmp_path / "own", protection)
    card = tomllib.loads((tmp_path / "own" / "reader.toml").read_text())
    assert card == {"name": "Trust-Bank.1", "encryption_key": loaded.encryption.public_text}
    assert loaded.encryption.public_bytes == made.encryption.public_bytes
    encryption_public_key(card["encryption_key"])
    assert repr(loaded) == "Reader(name='Trust-Bank.1', encryption=EncryptionKey())"


@pytest.mark.parametrize(("create", "load", "name", "stem"), KINDS)
def test_such_a_key_is_for_its_owner_alone(
    tmp_path: Path, create: Create, load: Load, name: str, stem: str
) -> None:
    folder = tmp_path / "own"
    create(folder, name, b"correct horse")
    path = folder / f"{stem}.key"
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_bytes()
    with pytest.raises(KeyFileExistsError):
        create(folder, name, None)
    assert path.read_bytes() == content
    with pytest.raises(PassphraseError):
        load(folder, b"wrong")
    with pytest.raises(WrappingError, match="give the passphrase"):
        load(folder, None)
    path.chmod(0o640)
    with pytest.raises(KeyFileExposedError, match="chmod"):
        load(folder, b"correct horse")
    with pytest.raises(KeyFileMissingError):
        load(tmp_path / "none", None)


@pytest.mark.parametrize("name", ["", "../evil", "a/b", "x" * 65, "reader one", "ok\n"])
def test_names_are_checked(tmp_path: Path, name: str) -> None:
    for create in (create_identity, create_reader):
        with pytest.raises(KeyFileError):
            create(tmp_path / "own", name, None)
    assert not (tmp_path / "own").exists()


def test_one_kind_of_key_is_not_taken_for_another(tmp_path: Path) -> None:
    """A reader's seed must never sign, nor an identity's seed open."""
    create_identity(tmp_path, LEI, None)
    create_reader(tmp_path, "auditor", None)
    identity, reader = tmp_path / "identity.key", tmp_path / "reader.key"
    identity.rename(tmp_path / "kept")
    reader.rename(identity)
    (tmp_path / "kept").rename(reader)
    with pytest.raises(KeyFileBrokenError):
        load_identity(tmp_path, None)
    with pytest.raises(KeyFileBrokenError):
        load_reader(tmp_path, None)


def test_the_owner_in_the_file_is_proven(tmp_path: Path) -> None:
    """Nobody who lacks the passphrase can make one institution's key that of another."""
    create_identity(tmp_path, LEI, b"correct horse")
    path = tmp_path / "identity.key"
    path.write_text(path.read_text().replace(LEI, OTHER_LEI))
    with pytest.raises(PassphraseError):
        load_identity(tmp_path, b"correct horse")


@pytest.mark.parametrize(("create", "load", "name", "stem"), KINDS)
def test_a_cut_seed_is_named(tmp_path: Path, create: Create, load: Load, name: str, stem: str) -> None:
    create(tmp_path, name, None)
    path = tmp_path / f"{stem}.key"
    text = path.read_text()
    secret = text.split('"secret": "')[1].split('"')[0]
    path.write_text(text.replace(secret, "AAAA"))
    with pytest.raises(KeyFileBrokenError, match="damaged"):
        load(tmp_path, None)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_signature_is_of_one_statement(statement: bytes, other: bytes) -> None:
    signature = sign_statement(KEY, statement)
    assert verify_statement(PUBLIC, statement, signature)
    assert verify_statement(PUBLIC, other, signature) == (other == statement)
    stranger = signing_text(Ed25519PrivateKey.generate().public_key())
    assert not verify_statement(stranger, statement, signature)


def test_a_statement_is_no_other_message() -> None:
    """A signature under a block or a checkpoint with the same bytes is no institution's word."""
    bare = base64.b64encode(KEY.sign(b"shred")).decode()
    assert not verify_statement(PUBLIC, b"shred", bare)
    labelled = KEY.sign(b"yakujo institution statement 1\nshred")
    assert sign_statement(KEY, b"shred") == base64.b64encode(labelled).decode()


@given(st.text(max_size=100), st.text(max_size=100))
def test_any_text_may_be_given(public: str, signature: str) -> None:
    """What comes from the ledger is judged, and never ends a node."""
    assert not verify_statement(public, b"shred", sign_statement(KEY, b"shred"))
    assert not verify_statement(PUBLIC, b"shred", signature)


def test_a_signature_has_one_text_form() -> None:
    """Two texts of one signature would be two contents of one act."""
    signature = sign_statement(KEY, b"shred")
    assert signature.endswith("==")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".index(signature[-3])
    other = (
        signature[:-3] + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[last + 1] + "=="
    )
    assert base64.b64decode(other) == base64.b64decode(signature)
    assert not verify_statement(PUBLIC, b"shred", other)
