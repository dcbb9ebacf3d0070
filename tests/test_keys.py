"""Promises about private keys: nobody else reads them, nothing overwrites them, errors say what to do."""

import base64
import json
import os
from datetime import date
from pathlib import Path

import pytest

from node import key_wrapping
from node.day_keys import DayTree
from node.day_secret import new_secret
from node.key_errors import (
    KeyFileBrokenError,
    KeyFileError,
    KeyFileExistsError,
    KeyFileExposedError,
    KeyFileMissingError,
    PassphraseError,
    WrappingError,
)
from node.key_files import add_institution, create_keys, load_keys
from node.keys import (
    PublicKeyInvalidError,
    encryption_key,
    encryption_public_key,
    new_encryption_key,
    signing_public_key,
    signing_text,
)
from node.sealing import open_secret, seal_secret

LEI, OTHER_LEI = "54930000000000000A01", "54930000000000000C03"
PASSPHRASE = b"correct horse"
DAY = date(2026, 11, 20)


@pytest.fixture
def cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second for each derivation would be the whole length of these tests."""
    monkeypatch.setattr(key_wrapping, "_SCRYPT_COST", 2**10)


@pytest.mark.usefixtures("cheap_scrypt")
@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_keys_load_as_they_were_made(tmp_path: Path, passphrase: bytes | None) -> None:
    """A node that restarts is the same member, and can still open what was sealed to it."""
    made = create_keys(tmp_path / "keys", [LEI], passphrase)
    loaded = load_keys(tmp_path / "keys", passphrase)
    assert signing_text(loaded.signing.public_key()) == signing_text(made.signing.public_key())
    before, after = made.institutions[LEI], loaded.institutions[LEI]
    assert after.encryption.public_bytes == before.encryption.public_bytes
    assert signing_text(after.signing.public_key()) == signing_text(before.signing.public_key())
    assert after.days.key(DAY).public_bytes == before.days.key(DAY).public_bytes
    assert list(loaded.opening_keys(DAY)) == [LEI]


@pytest.mark.usefixtures("cheap_scrypt")
@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_a_client_can_be_added_later(tmp_path: Path, passphrase: bytes | None) -> None:
    """Serving one more institution leaves the other keys as they are."""
    before = create_keys(tmp_path / "keys", [LEI], passphrase)
    after = add_institution(tmp_path / "keys", OTHER_LEI, passphrase)
    assert sorted(after.institutions) == [LEI, OTHER_LEI]
    assert after.institutions[LEI].encryption.public_bytes == before.institutions[LEI].encryption.public_bytes
    with pytest.raises(KeyFileExistsError):
        add_institution(tmp_path / "keys", OTHER_LEI, passphrase)


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """No other user of the host can read a key, and no half-written file stays behind."""
    create_keys(tmp_path / "keys", [LEI], None)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {
        "sp.key": 0o600,
        f"{LEI}.key": 0o600,
    }


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    """Running init twice cannot destroy a member's identity."""
    create_keys(tmp_path / "keys", [LEI], None)
    content = (tmp_path / "keys" / "sp.key").read_bytes()
    with pytest.raises(KeyFileExistsError, match="not overwritten"):
        create_keys(tmp_path / "keys", [OTHER_LEI], None)
    assert (tmp_path / "keys" / "sp.key").read_bytes() == content


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622])
@pytest.mark.parametrize("name", ["sp.key", f"{LEI}.key", "."])
def test_keys_open_to_others_are_refused(tmp_path: Path, name: str, mode: int) -> None:
    """The operator hears which command closes the hole before the node starts."""
    create_keys(tmp_path, [LEI], None) if name != "." else create_keys(tmp_path, [], None)
    (tmp_path / name).chmod(mode | (0o111 if name == "." else 0))
    with pytest.raises(KeyFileExposedError, match="chmod"):
        load_keys(tmp_path, None)


def test_keys_of_another_user_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that another user could replace is not trusted."""
    create_keys(tmp_path / "keys", [], None)
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    with pytest.raises(KeyFileExposedError, match="chown"):
        load_keys(tmp_path / "keys", None)


@pytest.mark.usefixtures("cheap_scrypt")
def test_a_passphrase_must_be_right_and_expected(tmp_path: Path) -> None:
    """Wrong, missing, empty and superfluous passphrases each get their own clear answer."""
    create_keys(tmp_path / "sealed", [LEI], PASSPHRASE)
    create_keys(tmp_path / "clear", [], None)
    with pytest.raises(PassphraseError, match="wrong passphrase"):
        load_keys(tmp_path / "sealed", b"wrong")
    with pytest.raises(WrappingError, match="give the passphrase"):
        load_keys(tmp_path / "sealed", None)
    with pytest.raises(WrappingError, match="in clear"):
        load_keys(tmp_path / "clear", PASSPHRASE)
    with pytest.raises(PassphraseError, match="empty"):
        load_keys(tmp_path / "clear", b"")
    with pytest.raises(PassphraseError, match="wrong passphrase"):
        add_institution(tmp_path / "sealed", OTHER_LEI, b"wrong")


def test_the_cost_of_guessing_is_high() -> None:
    """A stolen file does not give way to a list of common passphrases."""
    assert key_wrapping._SCRYPT_COST * key_wrapping._SCRYPT_BLOCK * 128 >= 128 * 2**20


@pytest.mark.usefixtures("cheap_scrypt")
def test_an_encrypted_file_shows_nothing(tmp_path: Path) -> None:
    """Backups of the directory are useless without the passphrase."""
    create_keys(tmp_path / "keys", [], PASSPHRASE)
    fields = json.loads((tmp_path / "keys" / "sp.key").read_text())
    seed = load_keys(tmp_path / "keys", PASSPHRASE).signing.private_bytes_raw()
    assert seed not in base64.b64decode(fields["secret"])
    assert fields["cipher"] == "scrypt aes-256-gcm"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"format": "yakujo private key 1", "owner": "sp", "cipher": "none", "secret": "AAAA"}',
        b'{"format": "yakujo private key 2", "owner": "other", "cipher": "none", "secret": "AAAA"}',
        b'{"format": "yakujo private key 2", "owner": "sp", "cipher": "none"}',
        b'{"format": "yakujo private key 2", "owner": "sp", "cipher": "none", "secret": "AAAA"}',
        b'{"format": "yakujo private key 2", "owner": "sp", "cipher": "none", "secret": 5}',
        b'{"format": "yakujo private key 2", "owner": "sp", "cipher": ["?"], "secret": "AAAA"}',
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    """The operator learns that a backup is needed, not a traceback."""
    create_keys(tmp_path / "keys", [], None)
    (tmp_path / "keys" / "sp.key").write_bytes(content)
    with pytest.raises((KeyFileBrokenError, WrappingError), match="restore it"):
        load_keys(tmp_path / "keys", None)


def test_a_damaged_tree_of_days_is_named(tmp_path: Path) -> None:
    """A file that is cut behind its seeds is not taken for an institution without day keys."""
    create_keys(tmp_path / "keys", [LEI], None)
    path = tmp_path / "keys" / f"{LEI}.key"
    fields = json.loads(path.read_text())
    fields["secret"] = base64.b64encode(base64.b64decode(fields["secret"])[:64]).decode()
    path.write_text(json.dumps(fields))
    with pytest.raises(KeyFileBrokenError, match=LEI):
        load_keys(tmp_path / "keys", None)


def test_a_day_leaves_the_keys_of_a_running_node(tmp_path: Path) -> None:
    """What a node does when a day is destroyed: it goes on with keys that have all but that day."""
    keys = create_keys(tmp_path / "keys", [LEI, OTHER_LEI], None)
    left = keys.with_days(LEI, keys.institutions[LEI].days.destroyed(DAY))
    long_lived, other = keys.institutions[LEI].encryption, keys.institutions[OTHER_LEI]
    assert left.opening_keys(DAY) == {
        LEI: [long_lived.private],
        OTHER_LEI: [other.days.key(DAY).private, other.encryption.private],
    }
    assert len(left.opening_keys(date(2026, 11, 21))[LEI]) == 2
    assert left.opening_keys(date(1969, 12, 31))[LEI] == [long_lived.private]


def test_a_file_under_another_name_is_refused(tmp_path: Path) -> None:
    """One institution's keys cannot be swapped for another's."""
    create_keys(tmp_path / "keys", [LEI], None)
    (tmp_path / "keys" / f"{LEI}.key").rename(tmp_path / "keys" / f"{OTHER_LEI}.key")
    with pytest.raises(KeyFileBrokenError):
        load_keys(tmp_path / "keys", None)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    """A wrong path in the configuration is told as such."""
    with pytest.raises(KeyFileMissingError):
        load_keys(tmp_path / "none", None)
    tmp_path.chmod(0o700)
    with pytest.raises(KeyFileMissingError, match=r"sp\.key"):
        load_keys(tmp_path, None)
    with pytest.raises(KeyFileError, match="not an LEI"):
        create_keys(tmp_path, ["../evil"], None)


def test_the_tree_of_days_does_not_come_from_the_seeds(tmp_path: Path) -> None:
    """Otherwise the seeds, which stay, would give a destroyed day again."""
    trees = [create_keys(tmp_path / name, [LEI], None).institutions[LEI].days for name in ("a", "b")]
    assert trees[0] != trees[1]
    secret = base64.b64decode(json.loads((tmp_path / "a" / f"{LEI}.key").read_text())["secret"])
    assert DayTree.from_bytes(secret[64:]) == trees[0]
    assert set(trees[0].seeds.values()).isdisjoint({secret[:32], secret[32:64]})


def test_no_key_shows_in_text(tmp_path: Path) -> None:
    """Logs and tracebacks cannot leak what reprs do not hold."""
    keys = create_keys(tmp_path / "keys", [LEI], None)
    shown = f"InstitutionKeys(institution={LEI!r}, encryption=EncryptionKey())"
    assert repr(keys) == f"NodeKeys(institutions={{{LEI!r}: {shown}}})"


def test_public_keys_travel_as_text() -> None:
    """What one SP puts into the network file is what the others seal to and check with."""
    key = new_encryption_key()
    secret = new_secret(bytes(32), LEI, OTHER_LEI, date(2026, 11, 20))
    entry = seal_secret(secret, [encryption_public_key(key.public_text)])
    assert open_secret(entry, bytes(32), {"own": [key.private]}) is not None
    with pytest.raises(PublicKeyInvalidError, match="1215 bytes"):
        encryption_public_key(base64.b64encode(key.public_bytes[1:]).decode())
    with pytest.raises(PublicKeyInvalidError, match="ML-KEM"):
        encryption_public_key(base64.b64encode(b"\xff" * 1216).decode())
    with pytest.raises(PublicKeyInvalidError, match="base64"):
        signing_public_key("not base64!")


def test_x_wing_keys_follow_the_draft() -> None:
    """The first key of the draft's test vectors (draft-connolly-cfrg-xwing-kem, appendix C)."""
    seed = bytes.fromhex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26")
    expected = "e2236b35a8c24b39b10aa1323a96a919a2ced88400633a7b07131713fc14b2b5b19cfc3d"
    assert encryption_key(seed).public_bytes.hex().startswith(expected)
