"""The configuration of an embedded nats-server, written out from a few settings."""

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
    directory = settings.directory.absolute()
    lines = [
        f"server_name: {_quoted(settings.name)}",
        f'listen: "127.0.0.1:{settings.client_port}"',
        f'http: "127.0.0.1:{settings.monitor_port}"',
        f"max_payload: {PAYLOAD_BYTES_MAX}",
        f"pid_file: {_quoted(str(directory / 'nats.pid'))}",
        f"log_file: {_quoted(str(directory / 'nats.log'))}",
        f"logfile_size_limit: {LOG_BYTES_MAX}",
        f"logfile_max_num: {LOG_FILES_MAX}",
        f"authorization {{ user: {USER}, password: {_quoted(password)} }}",
        f"jetstream {{ store_dir: {_quoted(str(directory / 'store'))}, sync_interval: always }}",
    ]
    return "\n".join([*lines, *_cluster_config(settings)]) + "\n"


def _cluster_config(settings: ServerSettings) -> list[str]:
    if not settings.routes:
        return []
    secret = settings.cluster_secret
    routes = ", ".join(_quoted(f"nats-route://{USER}:{secret}@{route}") for route in settings.routes)
    return [
        "cluster {",
        f"  name: {_quoted(settings.cluster)}",
        f'  listen: "{settings.cluster_host}:{settings.cluster_port}"',
        f"  authorization {{ user: {USER}, password: {_quoted(secret)}, timeout: 5 }}",
        f"  routes: [{routes}]",
        "  no_advertise: true",
        "}",
    ]


def _quoted(text: str) -> str:
    """`text` as a string of the configuration language."""
    return json.dumps(text, ensure_ascii=False)
