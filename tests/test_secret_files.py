"""Promises about secrets that settings name: read only where nobody else can, or from systemd."""

import os
from pathlib import Path

import pytest

from node.secret_files import (
    SecretExposedError,
    SecretFileError,
    SecretMissingError,
    is_credential,
    passphrase_in,
    secret_text_in,
)


def secret_file(folder: Path, content: bytes = b" a b \r\n", mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_secret_ends_with_its_line(tmp_path: Path) -> None:
    """An editor's line end is no part of a passphrase; blanks are."""
    path = secret_file(tmp_path)
    assert passphrase_in(path) == b" a b "
    assert secret_text_in(path) == " a b "
    assert passphrase_in(None) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622, 0o644])
def test_a_secret_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    """The operator hears which command closes the hole."""
    with pytest.raises(SecretExposedError, match="chmod 600"):
        passphrase_in(secret_file(tmp_path, mode=mode))


def test_a_secret_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, other = secret_file(tmp_path), os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    with pytest.raises(SecretExposedError, match="chown"):
        passphrase_in(path)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretMissingError, match="absent"):
        passphrase_in(tmp_path / "absent")
    with pytest.raises(SecretMissingError, match="empty"):
        passphrase_in(secret_file(tmp_path, b"\n"))
    with pytest.raises(SecretFileError, match="cannot be read"):
        passphrase_in(tmp_path)
    with pytest.raises(SecretFileError, match="UTF-8") as raised:
        secret_text_in(secret_file(tmp_path, b"\xff\xfe"))
    assert "\\xff" not in str(raised.value)


def test_a_credential_comes_from_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files are root's and readable by the group: the directory is what keeps others out."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    path = secret_file(tmp_path, b"correct horse\n", 0o440)
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    assert passphrase_in("credential:secret") == b"correct horse"
    assert passphrase_in(Path("credential:secret")) == b"correct horse"
    assert passphrase_in(path) == b"correct horse"
    with pytest.raises(SecretMissingError, match="other"):
        passphrase_in("credential:other")


@pytest.mark.parametrize(
    "source", ["credential:", "credential:..", "credential:../secret", "credential:/etc"]
)
def test_a_credential_has_a_plain_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(SecretFileError, match="no credential"):
        passphrase_in(source)


def test_outside_systemd_there_are_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(SecretMissingError, match="LoadCredential=phrase"):
        passphrase_in("credential:phrase")


def test_a_link_out_of_the_credentials_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what systemd itself put there is excused from the check."""
    (tmp_path / "run").mkdir()
    secret = secret_file(tmp_path, mode=0o644)
    (tmp_path / "run" / "phrase").symlink_to(secret)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "run"))
    with pytest.raises(SecretExposedError):
        passphrase_in("credential:phrase")


def test_a_setting_is_a_credential_or_a_path() -> None:
    assert is_credential("credential:phrase")
    assert is_credential(Path("credential:phrase"))
    assert not is_credential(Path("keys/credential:phrase"))
