"""The configurations of an embedded nats-server, written out from a few settings.

    server_config      a member of the cluster, as it serves
    examining_config   the same store, cut off from everybody: to look at what it holds
    asking_config      no store at all, in the cluster: to ask the others while the own server is down

Each is complete; node.nats_process runs a server on it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PAYLOAD_BYTES_MAX = 1024 * 1024  # of one message; a block with its headers stays below
VERSION_MIN = (2, 15, 1)  # before, `sync_interval: always` is slow and damaged snapshots delete streams
LOG_BYTES_MAX = 8 * 1024 * 1024
LOG_FILES_MAX = 4
USER = "yakujo"

_ANY_PORT = "127.0.0.1:-1"
_NOWHERE = "127.0.0.1:1"  # tcpmux (RFC 1078), which nobody serves
_STORE_MAX = "1PB"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_ADDRESS = re.compile(r"[A-Za-z0-9_.:\[\]-]+:\d{1,5}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,128}")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """One embedded server.

    name: of the SP, unique in the cluster. directory: its own, for store, log and configuration. ports: TCP;
    client and monitoring listen on loopback alone, the cluster on `cluster_host`. cluster: the name that all
    members share, made of the network's id. cluster_secret: shared by the members. routes: host:port of the
    others' cluster ports; none for a network of one member. binary: None finds the installed one.
    """

    name: str
    directory: Path
    client_port: int
    cluster_port: int
    monitor_port: int
    cluster: str
    cluster_secret: str = field(repr=False)
    routes: tuple[str, ...] = ()
    cluster_host: str = "127.0.0.1"
    binary: Path | None = None


def settings_problems(settings: ServerSettings) -> Iterator[str]:
    """What would not stand in a configuration file as it is meant."""
    if not (_NAME.fullmatch(settings.name) and _NAME.fullmatch(settings.cluster)):
        yield "names of server and cluster are letters, digits, _ and -, at most 64"
    if settings.routes and not _SECRET.fullmatch(settings.cluster_secret):
        yield "the cluster secret is 16 to 128 letters, digits, _ and -"
    for route in settings.routes:
        if not _ADDRESS.fullmatch(route):
            yield f"the route {route!r} is not host:port"


def server_config(settings: ServerSettings, password: str) -> str:
    """The text of nats.conf. It holds secrets: write it with mode 0600."""
    lines = [
        f"server_name: {_quoted(settings.name)}",
        f'listen: "127.0.0.1:{settings.client_port}"',
        f'http: "127.0.0.1:{settings.monitor_port}"',
        *_common(settings, "nats", password),
        _jetstream(settings),
    ]
    if settings.routes:
        lines += _cluster(settings, f"{settings.cluster_host}:{settings.cluster_port}", settings.routes)
    return _text(lines)


def examining_config(settings: ServerSettings, password: str) -> str:
    """The text of examining.conf: the own store on ports nobody knows, with a route that leads nowhere.

    Without a quorum it can neither lead nor take part, and no client of the node finds it.
    """
    lines = [
        f"server_name: {_quoted(settings.name)}",
        *_on_any_ports(settings),
        *_common(settings, "examining", password),
        _jetstream(settings),
    ]
    if settings.routes:  # without a cluster a server passes over a replicated stream
        lines += _cluster(settings, _ANY_PORT, (_NOWHERE,))
    return _text(lines)


def asking_config(settings: ServerSettings, password: str) -> str:
    """The text of asking.conf: in the cluster under another name, without JetStream."""
    lines = [
        f"server_name: {_quoted(f'{settings.name}-asks')}",
        *_on_any_ports(settings),
        *_common(settings, "asking", password),
        *_cluster(settings, _ANY_PORT, settings.routes),
    ]
    return _text(lines)


def _common(settings: ServerSettings, stem: str, password: str) -> list[str]:
    directory = settings.directory.absolute()
    return [
        f"max_payload: {PAYLOAD_BYTES_MAX}",
        f"pid_file: {_quoted(str(directory / f'{stem}.pid'))}",
        f"log_file: {_quoted(str(directory / f'{stem}.log'))}",
        f"logfile_size_limit: {LOG_BYTES_MAX}",
        f"logfile_max_num: {LOG_FILES_MAX}",
        f"authorization {{ user: {USER}, password: {_quoted(password)} }}",
    ]


def _on_any_ports(settings: ServerSettings) -> list[str]:
    """Ports that the system chooses; NatsProcess.ports reads which."""
    return [
        f'listen: "{_ANY_PORT}"',
        f'http: "{_ANY_PORT}"',
        f"ports_file_dir: {_quoted(str(settings.directory.absolute()))}",
    ]


def _jetstream(settings: ServerSettings) -> str:
    """Where the store is. Its limit is the disk, which the guard watches, not what was free at the start."""
    store = _quoted(str(settings.directory.absolute() / "store"))
    return f"jetstream {{ store_dir: {store}, sync_interval: always, max_file_store: {_STORE_MAX} }}"


def _cluster(settings: ServerSettings, listen: str, routes: tuple[str, ...]) -> list[str]:
    secret = settings.cluster_secret
    urls = ", ".join(_quoted(f"nats-route://{USER}:{secret}@{route}") for route in routes)
    return [
        "cluster {",
        f"  name: {_quoted(settings.cluster)}",
        f'  listen: "{listen}"',
        f"  authorization {{ user: {USER}, password: {_quoted(secret)}, timeout: 5 }}",
        f"  routes: [{urls}]",
        "  no_advertise: true",
        "}",
    ]


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """`text` as a string of the configuration language."""
    return json.dumps(text, ensure_ascii=False)
