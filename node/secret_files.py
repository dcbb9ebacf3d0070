"""Secrets that the settings name: passphrase, PIN, password, the cluster's secret.

    passphrase_in(source)     secret_text_in(source)

A source is a file that nobody else can read, or `credential:NAME`: what systemd put into
$CREDENTIALS_DIRECTORY/NAME for this service (systemd.exec(5), LoadCredentialEncrypted=).

    SecretFileError
    ├── SecretMissingError   no such file or credential, or it is empty
    └── SecretExposedError   others could read or replace it
"""

import os
import stat
from pathlib import Path

CREDENTIAL = "credential:"
_DIRECTORY_VARIABLE = "CREDENTIALS_DIRECTORY"
_BYTES_MAX = 64 * 1024


class SecretFileError(Exception):
    """A secret cannot be had; the text says what to do, and never shows it."""


class SecretMissingError(SecretFileError):
    """No such file or credential, or nothing in it."""


class SecretExposedError(SecretFileError):
    """Mode or owner of the file would let others read or replace the secret."""


def is_credential(source: Path | str) -> bool:
    """Whether a setting names a systemd credential, and is therefore no path."""
    return str(source).startswith(CREDENTIAL)


def passphrase_in(source: Path | str | None) -> bytes | None:
    """The secret without its line end; None where none is named. Raises SecretFileError."""
    if source is None:
        return None
    path = _credential(str(source)) if is_credential(source) else Path(source)
    secret = _content(path).rstrip(b"\r\n")
    if not secret:
        raise SecretMissingError(f"{path} is empty: write the secret into it")
    return secret


def secret_text_in(source: Path | str) -> str:
    """A secret that is a text, such as a PIN, without its line end. Raises SecretFileError."""
    raw = passphrase_in(source)
    assert raw is not None, "only None gives None"
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise SecretFileError(f"{source} is not UTF-8 text: write it anew") from error


def _credential(source: str) -> Path:
    name = source.removeprefix(CREDENTIAL)
    if not name or name in {".", ".."} or "/" in name:
        raise SecretFileError(f"{source!r} names no credential: write {CREDENTIAL}NAME, as in the unit file")
    folder = os.environ.get(_DIRECTORY_VARIABLE)
    if not folder:
        why = f"{source}: systemd has given this process no credentials"
        raise SecretMissingError(f"{why}; start it as a service whose unit has LoadCredential={name}:…")
    return Path(folder) / name


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            _check_private(path, os.fstat(file.fileno()))
            return file.read(_BYTES_MAX)
    except FileNotFoundError as error:
        raise SecretMissingError(f"there is no {path}: make it, or correct the settings") from error
    except OSError as error:
        raise SecretFileError(f"{path} cannot be read: {error.strerror}") from error


def _check_private(path: Path, status: os.stat_result) -> None:
    folder = os.environ.get(_DIRECTORY_VARIABLE)
    if folder and path.resolve().is_relative_to(Path(folder).resolve()):
        return  # systemd keeps others out by the directory; its files may be root's, with mode 0440
    if status.st_uid != os.geteuid():
        raise SecretExposedError(f"{path} belongs to another user: chown it to the user that runs yakujo")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise SecretExposedError(f"{path} is open to others: `chmod 600 {path}`, and consider a new secret")
