"""Promises about keys in a token, kept with SoftHSM 2: the token opens them, and errors say what to do."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from node.identity import create_identity, load_identity
from node.key_errors import (
    KeyFileBrokenError,
    TokenError,
    TokenKeyError,
    TokenLibraryError,
    TokenMissingError,
    TokenPinError,
    WrappingError,
    WrappingsMixedError,
)
from node.key_files import add_institution, create_keys, destroy_day, load_keys, rewrap
from node.pkcs11_wrapping import TokenPlace, TokenWrapping, make_token_key

LEI, OTHER_LEI = "54930000000000000A01", "54930000000000000C03"
DAY = date(2026, 11, 20)
TOKEN, PIN = "yakujo test", "246810"
LIBRARIES = (
    os.environ.get("YAKUJO_SOFTHSM2", ""),
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenPlace]:
    """A token of its own with a wrapping key. YAKUJO_SOFTHSM2: the library, if it is in an unusual place."""
    library = next((Path(path) for path in LIBRARIES if path and Path(path).is_file()), None)
    if library is None:
        pytest.skip("SoftHSM 2 is not installed: apt-get install softhsm2, or set YAKUJO_SOFTHSM2")
    pkcs11 = pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed: the extra pkcs11")
    (tmp_path / "tokens").mkdir()
    conf = tmp_path / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {tmp_path / 'tokens'}\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(conf))
    made = ["softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--so-pin", "13579", "--pin", PIN]
    try:
        subprocess.run(made, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("softhsm2-util is not on the PATH")
    pkcs11.unload(str(library))  # it has read the tokens of an earlier test
    place = TokenPlace(library, TOKEN, "wrapping", PIN)
    make_token_key(place)
    yield place
    pkcs11.unload(str(library))


def changed(place: TokenPlace, **names: str | Path) -> TokenPlace:
    kept = {"module": place.module, "token": place.token, "key": place.key, "pin": place.pin}
    return TokenPlace(**{**kept, **names})


def test_keys_in_a_token_load_as_they_were_made(place: TokenPlace, tmp_path: Path) -> None:
    """A node whose keys a security module protects starts, serves one more client, and loses a day."""
    folder = tmp_path / "keys"
    made = create_keys(folder, [LEI], TokenWrapping(place))
    loaded = load_keys(folder, TokenWrapping(place))
    assert loaded.signing.private_bytes_raw() == made.signing.private_bytes_raw()
    assert loaded.institutions[LEI].days == made.institutions[LEI].days
    assert sorted(add_institution(folder, OTHER_LEI, TokenWrapping(place)).institutions) == [LEI, OTHER_LEI]
    left = destroy_day(folder, LEI, DAY, TokenWrapping(place))
    assert load_keys(folder, TokenWrapping(place)).institutions[LEI].days == left
    assert DAY not in left


def test_a_file_says_which_key_opens_it(place: TokenPlace, tmp_path: Path) -> None:
    made = create_keys(tmp_path / "keys", [], TokenWrapping(place))
    fields = json.loads((tmp_path / "keys" / "sp.key").read_text())
    assert (fields["cipher"], fields["token"], fields["key"]) == ("pkcs11 aes-256-gcm", TOKEN, "wrapping")
    assert made.signing.private_bytes_raw().hex() not in json.dumps(fields)
    for wrong in (None, b"phrase", TokenWrapping(changed(place, key="other"))):
        with pytest.raises(WrappingError, match="the key 'wrapping' of the token 'yakujo test'"):
            load_keys(tmp_path / "keys", wrong)


def test_the_key_stays_in_the_token(place: TokenPlace) -> None:
    """Nobody can take it out, not even with the PIN."""
    pkcs11 = importlib.import_module("pkcs11")
    token = pkcs11.lib(str(place.module)).get_token(token_label=TOKEN)
    with token.open(user_pin=PIN) as session:
        key = session.get_key(label="wrapping")
        assert key[pkcs11.Attribute.NEVER_EXTRACTABLE]
        assert key[pkcs11.Attribute.ALWAYS_SENSITIVE]
        assert key.key_length == 256
        with pytest.raises(pkcs11.AttributeSensitive):
            key[pkcs11.Attribute.VALUE]
    with token.open() as session:
        assert list(session.get_objects()) == [], "it shows without a PIN"


def test_errors_of_a_token_say_what_to_do(place: TokenPlace, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    create_keys(folder, [], TokenWrapping(place))
    no_library = tmp_path / "softhsm2.conf"
    for wrong, kind, text in (
        (changed(place, module=tmp_path / "none.so"), TokenLibraryError, "install the token's library"),
        (changed(place, module=no_library), TokenLibraryError, "does not start"),
        (changed(place, pin="111111"), TokenPinError, "wrong PIN"),
        (changed(place, pin=""), TokenPinError, "wrong PIN"),
    ):
        with pytest.raises(kind, match=text) as raised:
            load_keys(folder, TokenWrapping(wrong))
        assert PIN not in str(raised.value)
        assert "111111" not in str(raised.value)
    with pytest.raises(TokenMissingError, match="no token 'other'"):
        create_keys(tmp_path / "new", [], TokenWrapping(changed(place, token="other")))
    with pytest.raises(TokenKeyError, match="make it, or correct the name"):
        create_keys(tmp_path / "new2", [], TokenWrapping(changed(place, key="other")))
    load_keys(folder, TokenWrapping(place))


def test_another_key_of_the_same_name_is_not_taken(place: TokenPlace, tmp_path: Path) -> None:
    """A token that was set up anew does not open old files, and says so."""
    folder = tmp_path / "keys"
    create_keys(folder, [], TokenWrapping(place))
    pkcs11 = importlib.import_module("pkcs11")
    token = pkcs11.lib(str(place.module)).get_token(token_label=TOKEN)
    with token.open(rw=True, user_pin=PIN) as session:
        session.get_key(label="wrapping").destroy()
    with pytest.raises(TokenKeyError, match="there is no AES key"):
        load_keys(folder, TokenWrapping(place))
    make_token_key(place)
    with pytest.raises(TokenKeyError, match="not the key that wrapped"):
        load_keys(folder, TokenWrapping(place))


def test_a_key_is_made_once(place: TokenPlace) -> None:
    """A second key of the same name would leave open which of them opens a file."""
    with pytest.raises(TokenKeyError, match="already"):
        make_token_key(place)
    make_token_key(changed(place, key="second"))


def test_two_keys_of_one_name_are_told(place: TokenPlace, tmp_path: Path) -> None:
    pkcs11 = importlib.import_module("pkcs11")
    token = pkcs11.lib(str(place.module)).get_token(token_label=TOKEN)
    with token.open(rw=True, user_pin=PIN) as session:
        session.generate_key(pkcs11.KeyType.AES, 256, label="wrapping", store=True)
    with pytest.raises(TokenKeyError, match="several"):
        create_keys(tmp_path / "keys", [], TokenWrapping(place))


def test_an_altered_file_is_told(place: TokenPlace, tmp_path: Path) -> None:
    create_keys(tmp_path / "keys", [], TokenWrapping(place))
    path = tmp_path / "keys" / "sp.key"
    fields = json.loads(path.read_text())
    path.write_text(json.dumps({**fields, "secret": fields["secret"][::-1].lstrip("=") + "=="}))
    with pytest.raises(KeyFileBrokenError):
        load_keys(tmp_path / "keys", TokenWrapping(place))
    path.write_text(json.dumps({**fields, "wrapped_key": "AAAA"}))
    with pytest.raises(TokenError):
        load_keys(tmp_path / "keys", TokenWrapping(place))


def test_keys_move_into_a_token_and_to_its_next_key(place: TokenPlace, tmp_path: Path) -> None:
    """From a passphrase into hardware, and later from one key of it to another."""
    folder = tmp_path / "keys"
    second = changed(place, key="second")
    made = create_keys(folder, [LEI], None)
    rewrap(folder, None, TokenWrapping(place))
    with pytest.raises(TokenKeyError):
        rewrap(folder, TokenWrapping(place), TokenWrapping(second))
    load_keys(folder, TokenWrapping(place))
    make_token_key(second)
    first_file = (folder / "sp.key").read_bytes()
    assert rewrap(folder, TokenWrapping(place), TokenWrapping(second)).institutions.keys() == {LEI}
    (folder / "sp.key").write_bytes(first_file)
    with pytest.raises(WrappingsMixedError, match="do it again"):
        load_keys(folder, TokenWrapping(second))
    after = rewrap(folder, TokenWrapping(place), TokenWrapping(second))
    assert after.institutions[LEI].days == made.institutions[LEI].days


def test_the_token_is_asked_once(place: TokenPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow module does not slow down the start of a node with many clients."""
    create_keys(tmp_path / "keys", [LEI, OTHER_LEI], TokenWrapping(place))
    asked = []
    ask = TokenWrapping._key_of
    monkeypatch.setattr(TokenWrapping, "_key_of", lambda self, key: asked.append(key) or ask(self, key))
    load_keys(tmp_path / "keys", TokenWrapping(place))
    assert len(asked) == 1


def test_an_identity_can_be_in_a_token(place: TokenPlace, tmp_path: Path) -> None:
    made = create_identity(tmp_path / "own", LEI, TokenWrapping(place))
    assert load_identity(tmp_path / "own", TokenWrapping(place)).public_text == made.public_text


def test_without_the_package_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes without a token need no python-pkcs11, and those with one hear what to install."""
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(TokenLibraryError, match=r"yakujo\[pkcs11\]"):
        create_keys(tmp_path / "keys", [], TokenWrapping(TokenPlace(tmp_path / "x.so", "t", "k", PIN)))
    assert PIN not in repr(TokenPlace(tmp_path / "x.so", "t", "k", PIN))


def test_the_package_is_imported_by_use_alone() -> None:
    command = "import sys, node.pkcs11_wrapping; sys.exit('pkcs11' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0
