"""Private keys on disk, each in a file of its own that nobody else may read.

    create_keys(directory, institutions, passphrase)     load_keys(directory, passphrase) -> NodeKeys
    add_institution(directory, institution, passphrase)

`sp.key` holds the SP's key, `<LEI>.key` those of an institution. A file is a small JSON object that says
whose keys it holds; `secret` is their seeds, in AES-256-GCM under a key that scrypt (RFC 7914) makes of the
passphrase, or in clear where there is none. (PKCS#8, as the cryptography package writes it, protects a key by
2,048 rounds of PBKDF2, and has no form for X-Wing.)

    KeyFileError
    ├── KeyFileExistsError    keys are never overwritten
    ├── KeyFileMissingError
    ├── KeyFileExposedError   mode or owner would let others read or replace it
    ├── KeyFileBrokenError    damaged, or not a key file of this version
    └── PassphraseError       wrong, missing, or given for keys that are not encrypted
"""

import base64
import json
import os
import re
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from node.keys import SEED_BYTES, NodeKeys, institution_keys

SP_OWNER = "sp"
INSTITUTION = re.compile(r"[A-Z0-9]{18}[0-9]{2}")  # the form of an LEI, ISO 17442; also safe as a file name

_FORMAT = "yakujo private key 1"
_FILE_BYTES_MAX = 16 * 1024
_SALT_BYTES, _NONCE_BYTES = 16, 12
_SCRYPT_COST, _SCRYPT_BLOCK = 2**17, 8  # 128 MiB for about half a second, once per directory


class KeyFileError(Exception):
    """A key file cannot be used; the text says what to do. It never shows a key or a passphrase."""


class KeyFileExistsError(KeyFileError):
    """Keys are there already: move them away by hand if they are no longer wanted."""


class KeyFileMissingError(KeyFileError):
    """No such key file: make it, or correct the directory in the configuration."""


class KeyFileExposedError(KeyFileError):
    """Others could read or replace the file."""


class KeyFileBrokenError(KeyFileError):
    """Damaged, of another version, or moved to another owner's name: restore it from a backup."""


class PassphraseError(KeyFileError):
    """The passphrase is wrong, missing, or not asked for."""


def create_keys(directory: Path, institutions: Iterable[str], passphrase: bytes | None) -> NodeKeys:
    """Make the SP's key and those of each of `institutions` (LEIs), on disk before this returns.

    directory: made with mode 0700 if absent. passphrase: encrypts the files; None leaves them in clear.
    """
    owners = [*sorted(set(institutions)), SP_OWNER]  # the SP's key last: it marks the set as complete
    for path in (_path(directory, owner) for owner in owners):
        _refuse_existing(path)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    wrapping = _Wrapping(passphrase)
    for owner in owners:
        _write(_path(directory, owner), wrapping.closed(owner, _new_seeds(owner)))
    return load_keys(directory, passphrase)


def add_institution(directory: Path, institution: str, passphrase: bytes | None) -> NodeKeys:
    """Make the keys of one more institution beside the existing ones, under the same passphrase."""
    path = _path(directory, institution)
    _refuse_existing(path)
    wrapping = _Wrapping(passphrase)
    wrapping.opened(SP_OWNER, _read(_path(directory, SP_OWNER)))  # proves the passphrase before it is used
    _write(path, wrapping.closed(institution, _new_seeds(institution)))
    return load_keys(directory, passphrase)


def load_keys(directory: Path, passphrase: bytes | None) -> NodeKeys:
    """All keys in `directory`, after checking that nobody else can read them; else a KeyFileError."""
    if not directory.is_dir():
        raise KeyFileMissingError(f"there is no directory {directory}: make the keys first, or correct it")
    _check_private(directory, directory.stat())
    wrapping = _Wrapping(passphrase)
    owners = sorted({path.stem for path in directory.glob("*.key")} | {SP_OWNER})
    seeds = {owner: wrapping.opened(owner, _read(_path(directory, owner))) for owner in owners}
    signing = Ed25519PrivateKey.from_private_bytes(seeds.pop(SP_OWNER))
    return NodeKeys(signing, {owner: institution_keys(owner, seeds[owner]) for owner in seeds})


class _Wrapping:
    """Turns seeds into the content of a file and back. Runs scrypt once for all files that share a salt."""

    def __init__(self, passphrase: bytes | None) -> None:
        if passphrase is not None and not passphrase:
            raise PassphraseError("the passphrase is empty: give one, or none at all for keys in clear")
        self._passphrase = passphrase
        self._salt = secrets.token_bytes(_SALT_BYTES)
        self._keys: dict[bytes, bytes] = {}

    def closed(self, owner: str, seeds: bytes) -> dict[str, str]:
        """The fields of the file that holds `seeds` of `owner`."""
        fields = {"format": _FORMAT, "owner": owner, "cipher": "none", "secret": _text(seeds)}
        if self._passphrase is None:
            return fields
        nonce = secrets.token_bytes(_NONCE_BYTES)
        box = AESGCM(self._key(self._salt)).encrypt(nonce, seeds, _bound_to(owner))
        sealed = {"cipher": "scrypt aes-256-gcm", "salt": _text(self._salt), "nonce": _text(nonce)}
        return fields | sealed | {"secret": _text(box)}

    def opened(self, owner: str, fields: dict[str, Any]) -> bytes:
        """The seeds in a file of `owner`; PassphraseError or KeyFileBrokenError."""
        if fields.get("format") != _FORMAT or fields.get("owner") != owner:
            raise KeyFileBrokenError(f"the key file of {owner} is of another version or owner: restore it")
        encrypted = fields.get("cipher") != "none"
        if encrypted and self._passphrase is None:
            raise PassphraseError(f"the keys of {owner} are encrypted: give the passphrase")
        if not encrypted and self._passphrase is not None:
            raise PassphraseError(f"the keys of {owner} are in clear: give no passphrase, or make new keys")
        try:
            seeds = self._decrypted(owner, fields) if encrypted else _bytes(fields["secret"])
        except (KeyError, TypeError, ValueError) as error:
            raise KeyFileBrokenError(_damaged(f"the key file of {owner}")) from error
        if len(seeds) != _seed_bytes(owner):
            raise KeyFileBrokenError(_damaged(f"the key file of {owner}"))
        return seeds

    def _decrypted(self, owner: str, fields: dict[str, Any]) -> bytes:
        salt = _bytes(fields["salt"])
        try:
            box = AESGCM(self._key(salt))
            seeds = box.decrypt(_bytes(fields["nonce"]), _bytes(fields["secret"]), _bound_to(owner))
        except InvalidTag as error:
            raise PassphraseError(f"wrong passphrase for the keys of {owner}, or an altered file") from error
        self._salt = salt  # files added later share it, so that scrypt still runs once
        return seeds

    def _key(self, salt: bytes) -> bytes:
        if salt not in self._keys:
            assert self._passphrase is not None, "callers ask for a key only where there is a passphrase"
            kdf = Scrypt(salt=salt, length=32, n=_SCRYPT_COST, r=_SCRYPT_BLOCK, p=1)
            self._keys[salt] = kdf.derive(self._passphrase)
        return self._keys[salt]


def _damaged(what: object) -> str:
    return f"{what} is damaged: restore it from a backup"


def _taken(path: Path) -> str:
    return f"{path} exists and is not overwritten: move it away to make a new one"


def _path(directory: Path, owner: str) -> Path:
    if owner != SP_OWNER and INSTITUTION.fullmatch(owner) is None:
        raise KeyFileError(f"{owner!r} is not an LEI: keys are named after the institution they belong to")
    return directory / f"{owner}.key"


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise KeyFileExistsError(_taken(path))


def _seed_bytes(owner: str) -> int:
    return SEED_BYTES if owner == SP_OWNER else 2 * SEED_BYTES


def _new_seeds(owner: str) -> bytes:
    return secrets.token_bytes(_seed_bytes(owner))


def _bound_to(owner: str) -> bytes:
    """Associated data: a file renamed to another owner does not open."""
    return f"{_FORMAT}|{owner}".encode()


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _read(path: Path) -> dict[str, Any]:
    """The fields of a key file, read only if nobody else could have read or written it."""
    try:
        with path.open("rb") as file:
            _check_private(path, os.fstat(file.fileno()))
            fields = json.loads(file.read(_FILE_BYTES_MAX))
    except FileNotFoundError as error:
        raise KeyFileMissingError(f"there is no {path}: make the keys, or correct the directory") from error
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise KeyFileBrokenError(_damaged(path)) from error
    if not isinstance(fields, dict):
        raise KeyFileBrokenError(_damaged(path))
    return fields


def _check_private(path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise KeyFileExposedError(f"{path} belongs to another user: chown it to the user that runs yakujo")
    if stat.S_IMODE(status.st_mode) & 0o077:
        wanted = "700" if stat.S_ISDIR(status.st_mode) else "600"
        raise KeyFileExposedError(f"{path} is open to others: `chmod {wanted} {path}`, and consider new keys")


def _write(path: Path, fields: dict[str, str]) -> None:
    """Put a file in place at once and for good, mode 0600, or leave nothing; never over another one."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(fields, indent=2).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(part, path)  # unlike a rename, it fails where the name is taken
    except FileExistsError as error:
        raise KeyFileExistsError(_taken(path)) from error
    finally:
        part.unlink()
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
