"""Promises about what protects key files: each says how, only that opens it, and a change can be resumed."""

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from node import key_files, key_wrapping
from node.key_errors import (
    KeyFileBrokenError,
    KeyFileError,
    KeyFileMissingError,
    PassphraseError,
    WrappingError,
    WrappingsMixedError,
)
from node.key_files import create_keys, destroy_day, load_keys, rewrap
from node.key_wrapping import (
    ClearWrapping,
    PassphraseWrapping,
    Protection,
    Wrapping,
    wrapping_of,
)

LEI, OTHER_LEI = "54930000000000000A01", "54930000000000000C03"
OLD, NEW = b"correct horse", b"battery staple"
DAY = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def _cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second for each derivation would be the whole length of these tests."""
    monkeypatch.setattr(key_wrapping, "_SCRYPT_COST", 2**10)


@pytest.mark.parametrize("wrapping", [ClearWrapping(), PassphraseWrapping(OLD)])
def test_a_wrapping_gives_back_what_it_took(wrapping: Wrapping) -> None:
    for content in (b"", b"\x00" * 32, os.urandom(100_000)):
        fields = wrapping.closed(LEI, content)
        assert wrapping.opened(LEI, json.loads(json.dumps(fields))) == content
        assert fields["cipher"] == wrapping.cipher


def test_what_is_encrypted_is_bound_to_its_owner() -> None:
    """One institution's file does not open under another's name, whatever is written into it."""
    wrapping = PassphraseWrapping(OLD)
    fields = wrapping.closed(LEI, b"seeds")
    with pytest.raises(PassphraseError):
        wrapping.opened(OTHER_LEI, fields)
    assert b"seeds" not in json.dumps(fields).encode()
    assert wrapping.closed(LEI, b"seeds")["nonce"] != fields["nonce"]


def test_the_slow_step_is_made_once_per_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node with fifty institutions starts as fast as one with one."""
    create_keys(tmp_path / "keys", [LEI, OTHER_LEI], OLD)
    made = []
    slow = PassphraseWrapping._key_of
    monkeypatch.setattr(
        PassphraseWrapping, "_key_of", lambda self, salt: made.append(salt) or slow(self, salt)
    )
    wrapping = wrapping_of(OLD)
    load_keys(tmp_path / "keys", wrapping)
    destroy_day(tmp_path / "keys", LEI, DAY, wrapping)
    assert len(made) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"salt": None},
        {"nonce": 5},
        {"nonce": "AAAA"},
        {"secret": "not base64!"},
        {"secret": "", "salt": "AAAA"},
    ],
)
def test_damaged_fields_are_named(change: dict[str, object]) -> None:
    wrapping = PassphraseWrapping(OLD)
    fields = {**wrapping.closed(LEI, b"seeds"), **change}
    with pytest.raises((KeyFileBrokenError, PassphraseError), match=LEI):
        wrapping.opened(LEI, fields)


def test_an_unknown_way_is_told(tmp_path: Path) -> None:
    """A file of a later version says that it is one."""
    with pytest.raises(WrappingError, match="does not know"):
        ClearWrapping().opened(LEI, {"cipher": "rot13", "secret": "AAAA"})
    with pytest.raises(WrappingError, match="key 'k' of the token 't'"):
        ClearWrapping().opened(LEI, {"cipher": "pkcs11 aes-256-gcm", "token": "t", "key": "k"})
    with pytest.raises(PassphraseError, match="empty"):
        create_keys(tmp_path / "keys", [], b"")
    assert not (tmp_path / "keys").exists()


def test_no_passphrase_shows() -> None:
    assert "horse" not in repr(PassphraseWrapping(OLD)) + str(vars(ClearWrapping()))


@pytest.mark.parametrize(("old", "new"), [(None, NEW), (OLD, NEW), (OLD, None), (OLD, OLD)])
def test_the_protection_can_be_changed(tmp_path: Path, old: Protection, new: Protection) -> None:
    """An operator who learns that a passphrase is known to others need not found the network anew."""
    folder = tmp_path / "keys"
    before = create_keys(folder, [LEI, OTHER_LEI], old)
    after = rewrap(folder, old, new)
    assert after.institutions[LEI].days == before.institutions[LEI].days
    assert after.signing.private_bytes_raw() == before.signing.private_bytes_raw()
    assert load_keys(folder, new).institutions[OTHER_LEI].days == before.institutions[OTHER_LEI].days
    if old != new:
        with pytest.raises(WrappingError):
            load_keys(folder, old)
    assert len(list(folder.iterdir())) == 3


def test_a_new_passphrase_shuts_out_old_copies(tmp_path: Path) -> None:
    """What makes a destroyed day final beyond this directory: nobody keeps the old passphrase."""
    folder, copy = tmp_path / "keys", tmp_path / "copy"
    create_keys(folder, [LEI], OLD)
    shutil.copytree(folder, copy)
    destroy_day(folder, LEI, DAY, OLD)
    rewrap(folder, OLD, NEW)
    with pytest.raises(PassphraseError):
        load_keys(copy, NEW)
    assert DAY not in load_keys(folder, NEW).institutions[LEI].days


def test_nothing_is_changed_unless_all_opens(tmp_path: Path) -> None:
    """A wrong passphrase, or one damaged file, cannot leave a directory half changed."""
    folder = tmp_path / "keys"
    create_keys(folder, [LEI], OLD)
    with pytest.raises(PassphraseError):
        rewrap(folder, b"wrong", NEW)
    load_keys(folder, OLD)
    whole = (folder / "sp.key").read_text()
    (folder / "sp.key").write_text("{}")
    with pytest.raises(KeyFileBrokenError):
        rewrap(folder, OLD, NEW)
    (folder / "sp.key").write_text(whole)
    load_keys(folder, OLD)
    with pytest.raises(KeyFileMissingError):
        rewrap(tmp_path / "none", OLD, NEW)


@pytest.mark.parametrize(("old", "new"), [(None, NEW), (OLD, NEW)])
def test_a_half_changed_directory_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: Protection, new: Protection
) -> None:
    """Neither the old nor the new passphrase is called wrong; the same change again ends it."""
    folder = tmp_path / "keys"
    before = create_keys(folder, [LEI, OTHER_LEI], old)
    real, replaced = key_files.replace, []

    def replace_one(path: Path, owner: str, content: bytes, wrapping: Wrapping) -> None:
        if replaced:
            raise KeyboardInterrupt
        replaced.append(path)
        real(path, owner, content, wrapping)

    monkeypatch.setattr(key_files, "replace", replace_one)
    with pytest.raises(KeyboardInterrupt):
        rewrap(folder, old, new)
    monkeypatch.setattr(key_files, "replace", real)
    for protection in (old, new):
        with pytest.raises((WrappingsMixedError, PassphraseError)) as raised:
            load_keys(folder, protection)
        assert isinstance(raised.value, WrappingsMixedError) or old is not None
    after = rewrap(folder, old, new)
    assert after.institutions[OTHER_LEI].days == before.institutions[OTHER_LEI].days
    load_keys(folder, new)


# Ends like a power cut before the nth step that touches the directory; exit code 0 if there are fewer.
CRASHING = """
import os, sys
from pathlib import Path
from node import key_wrapping
from node.key_files import rewrap
key_wrapping._SCRYPT_COST = 2**10
folder, step = sys.argv[1], int(sys.argv[2])
def ended(event, arguments):
    global step
    if event in {"open", "os.chmod", "os.rename", "os.remove", "os.link"} and folder in str(arguments[0]):
        step -= 1
        if step < 0:
            os._exit(9)
sys.addaudithook(ended)
rewrap(Path(folder), None, b"battery staple")
"""


def test_a_crash_at_any_step_loses_no_key(tmp_path: Path) -> None:
    """After a power cut in the middle the same command ends the change, with the same keys."""
    codes = []
    for step in range(60):
        folder = tmp_path / str(step)
        before = create_keys(folder, [LEI], None)
        command = [sys.executable, "-c", CRASHING, str(folder), str(step)]
        codes.append(subprocess.run(command, check=False, timeout=60).returncode)
        after = rewrap(folder, None, NEW)
        assert after.institutions[LEI].days == before.institutions[LEI].days
        assert after.signing.private_bytes_raw() == before.signing.private_bytes_raw()
        with pytest.raises(KeyFileError):
            load_keys(folder, None)
        if codes[-1] == 0:
            break
    assert codes == [9] * (len(codes) - 1) + [0]
    assert len(codes) > 8


def test_two_at_a_time_do_not_undo_one_another(tmp_path: Path) -> None:
    """A command that destroys a day beside a node that does: both days are gone."""
    folder = tmp_path / "keys"
    create_keys(folder, [LEI], None)
    script = "import sys, datetime; from pathlib import Path; from node.key_files import destroy_day\n"
    script += "for day in range(int(sys.argv[2]), 28, 2):\n"
    script += "    destroy_day(Path(sys.argv[1]), sys.argv[3], datetime.date(2026, 2, 1 + day), None)\n"
    command = [sys.executable, "-c", script, str(folder)]
    others = [subprocess.Popen([*command, str(number), LEI]) for number in range(2)]
    assert [other.wait(60) for other in others] == [0, 0]
    left = load_keys(folder, None).institutions[LEI].days
    assert [day for day in range(1, 29) if date(2026, 2, day) in left] == []
