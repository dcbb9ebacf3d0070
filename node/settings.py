"""The settings of one node: `node.toml` and, beside it, one file per client in `clients/`.

Every path in these files counts from the file's own folder, so that a configuration can be moved as a whole.
"""

import datetime
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from adapters.http_limits import HttpLimits
from canonical.identifiers import Bic, Lei
from canonical.message import Kind
from node.network import SpName
from node.secret_files import is_credential

Port = Annotated[int, Field(ge=1, le=65535)]
CANONICAL = "canonical"


class SettingsError(Exception):
    """A settings file is wrong; the message names the file, the field and what to change."""


class Settings(BaseModel):
    """Base of all settings: closed, so that a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EmbeddedLedger(Settings):
    """The daemon runs its own nats-server. routes: "host:port" of the other members' cluster ports.

    host: where the other members reach the cluster port.
    """

    kind: Literal["embedded"]
    host: str = "127.0.0.1"
    client_port: Port
    cluster_port: Port
    monitor_port: Port
    routes: tuple[str, ...] = ()
    cluster_secret_file: Path


class ExternalLedger(Settings):
    """A nats-server that somebody else runs, such as systemd. password_file: mode 0600.

    fence_command: what stops that server where its copy of the ledger is damaged, as an argument list.
    """

    kind: Literal["external"]
    servers: Annotated[tuple[str, ...], Field(min_length=1)]
    user: str
    password_file: Path
    monitoring: str | None = None
    fence_command: tuple[str, ...] = ()


class FixLinkSettings(Settings):
    """A FIX session with the client's engine."""

    kind: Literal["fix"]
    role: Literal["acceptor", "initiator"] = "acceptor"
    sender_comp_id: str
    target_comp_id: str
    host: str = "127.0.0.1"
    port: Port
    heartbeat_seconds: Annotated[int, Field(ge=1, le=3600)] = 30
    reconnect_seconds: Annotated[int, Field(ge=1, le=3600)] = 5
    data_dictionary: Path | None = None
    start_time: str | None = None
    end_time: str | None = None


class FolderLinkSettings(Settings):
    """Folders that the client drops files into and takes files from."""

    kind: Literal["folder"]
    in_folder: Path
    out_folder: Path
    error_folder: Path
    archive_folder: Path
    pattern: str
    extension: str
    poll_seconds: Annotated[float, Field(gt=0, le=3600)] = 1.0


class HttpLinkSettings(Settings):
    """The node's API, where [api] in node.toml has it listen. token_sha256: of what `yakujo keys api` made.

    Several tokens count while one is replaced by another.
    """

    kind: Literal["http"]
    token_sha256: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...], Field(max_length=8)
    ] = ()


class ClientSettings(Settings):
    """One client of this SP.

    institution: for whom it speaks. mappings: the folder of its dialect, shipped or its own.
    reads: the native messages it may send, by type, and the mapping that reads each.
    copies: which of the other side's messages it gets a copy of, and the mapping that writes each.
    Neither is given where its format is the canonical layout itself: that needs no mappings.
    xsd_folder: schemas to check ISO 20022 messages against, beside the built-in rules.
    backup: this is where the institution comes when its other SP is down; from its first message here on, it
    is answered here about what it said through other SPs as well, on the same business day.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    institution: Lei
    format: Literal["fix", "delimited", "iso20022", "canonical"]
    mappings: str
    reads: Annotated[dict[str, str], Field(min_length=1)]
    copies: dict[Kind, str] = {}
    xsd_folder: Path | None = None
    backup: bool = False
    link: Annotated[FixLinkSettings | FolderLinkSettings | HttpLinkSettings, Field(discriminator="kind")]

    @model_validator(mode="before")
    @classmethod
    def _without_mappings(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("format") != CANONICAL:
            return given
        return {"mappings": CANONICAL, "reads": {"submission": CANONICAL}, **given}

    @model_validator(mode="after")
    def _fits_its_link(self) -> "ClientSettings":
        if isinstance(self.link, HttpLinkSettings) and self.format != CANONICAL:
            raise ValueError(f'link kind "http" carries format "{CANONICAL}" alone: set that')
        if self.format == CANONICAL and {self.mappings, *self.reads.values(), *self.copies.values()} != {
            CANONICAL
        }:
            raise ValueError(f'format "{CANONICAL}" needs no mappings: leave mappings and reads out')
        return self


class TokenSettings(Settings):
    """A PKCS#11 token whose key `key` wraps the private keys. module: its library. token: its label."""

    module: Path
    token: str
    key: str
    pin_file: Path


class ApiSettings(Settings):
    """Where the API listens. Any other address than loopback needs the certificate, as PEM, and its key.

    answer_seconds: for one question to the store. questions: how many at once, each on a thread.
    """

    host: str = "127.0.0.1"
    port: Port
    certificate_file: Path | None = None
    key_file: Path | None = None
    answer_seconds: Annotated[float, Field(gt=0, le=300)] = 20.0
    questions: Annotated[int, Field(ge=1, le=8)] = 2
    limits: HttpLimits = HttpLimits()


class DiskSettings(Settings):
    """When input is refused for want of room: at full_percent used, or with less than low_bytes free."""

    full_percent: Annotated[int, Field(ge=50, le=99)] = 85
    low_bytes: Annotated[int, Field(ge=16 * 1024 * 1024)] = 512 * 1024 * 1024


class NodeSettings(Settings):
    """One node. provider_bic: of the SP, for the headers of its messages.

    scrub_at: when, by the network's clock, the whole archive is read again each night.
    Where a file with a secret is named, `credential:NAME` stands for one that systemd has given the service.
    """

    sp: SpName
    network_file: Path = Path("network.toml")
    keys_folder: Path = Path("keys")
    data_folder: Path = Path("data")
    passphrase_file: Path | None = None
    token: TokenSettings | None = None
    provider_bic: Bic | None = None
    scrub_at: datetime.time = datetime.time(2, 30)
    disk: DiskSettings = DiskSettings()
    api: ApiSettings | None = None
    ledger: Annotated[EmbeddedLedger | ExternalLedger, Field(discriminator="kind")]
    clients: tuple[ClientSettings, ...] = ()


Model = TypeVar("Model", bound=Settings)


def load_settings(path: Path) -> NodeSettings:
    """The settings in `path` and in `clients/*.toml` beside it. Raises SettingsError."""
    path = path.absolute()
    tree = _tree(path)
    files = sorted((path.parent / "clients").glob("*.toml"))
    clients = tuple(_load(file, ClientSettings, _tree(file)) for file in files)
    settings = _load(path, NodeSettings, tree)
    if settings.clients:
        raise SettingsError(f"{path}: clients: each stands in a file of its own in {path.parent / 'clients'}")
    names = [client.name for client in clients]
    if len(set(names)) != len(names):
        raise SettingsError(f"{path.parent / 'clients'}: two clients have the same name")
    return settings.model_copy(update={"clients": clients})


def _tree(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error


def _load(path: Path, model: type[Model], tree: dict[str, Any]) -> Model:
    try:
        return _anchored(model.model_validate(tree), path.parent)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{path}: {place}: {first['msg']}") from error


def _anchored(model: Model, folder: Path) -> Model:
    """`model` with every relative path made absolute, from `folder`."""
    changes: dict[str, Any] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, Path) and not is_credential(value):
            changes[name] = folder / value
        elif isinstance(value, Settings):
            changes[name] = _anchored(value, folder)
    return model.model_copy(update=changes)
