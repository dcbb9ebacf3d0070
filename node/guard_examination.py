"""What a server's store holds, found out before that server serves.

A nats-server that stopped in good order believes its index at the next start and reads no block: a bit that
flipped meanwhile is not seen, and the server leads all the same. Without the index it reads every block and
compares every checksum. So it is started once without it, where nobody can reach it and it has no quorum.
It cuts what it cannot read, as at any start; what it then has is written to a new index.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from node.guard_findings import Copy, copy_in, is_off, names_corruption
from node.monitoring import monitored
from node.nats_config import ServerSettings, examining_config
from node.nats_process import NatsProcess, ServerStartError, usable_binary
from node.private_file import write_private
from node.server_store import ServerStore

START_SECONDS = 120.0
READ_BYTES_PER_SECOND = 20_000_000  # of a slow disk; one that is slower is told as what it is
_LOG_STAMP = re.compile(r"^\[\d+\] \S+ \S+ \[\w+\] ")  # process, date, time, level


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found. copy: of the stream, None if there is none. corrupt: why the server did not start."""

    copy: Copy | None
    corrupt: str | None = None


async def examined(settings: ServerSettings, store: ServerStore) -> Examination:
    """Read the whole store, and say what is in it.

    Raises ServerError where the server does not start for another reason than a damaged store, and OSError
    where it does not answer.
    """
    process = await _prepared(settings)
    store.forget_index()
    seconds = START_SECONDS + store.size() / READ_BYTES_PER_SECOND
    found: dict[str, str] = {}

    async def ready() -> None:
        found.update(await process.ports())

    try:
        await process.start(ready, seconds)
        url = found["monitoring"]
        jetstream = await monitored(url, "/jsz?accounts=true&streams=true&config=true")
    except ServerStartError:
        last = process.last_log_line()
        if process.pid is None and names_corruption(last):
            return Examination(None, _LOG_STAMP.sub("", last))
        raise
    finally:
        await process.stop()
    return _examination(jetstream, store.stream)


async def end_examination(settings: ServerSettings) -> None:
    """End a server that was examining this store when its daemon was killed."""
    await NatsProcess(Path(), _config_file(settings)).end_orphan()


def _config_file(settings: ServerSettings) -> Path:
    return settings.directory / "examining.conf"


async def _prepared(settings: ServerSettings) -> NatsProcess:
    """The server's process, not yet started, with a log of its own that is empty."""
    config = _config_file(settings)
    config.with_suffix(".log").unlink(missing_ok=True)
    write_private(config, examining_config(settings, secrets.token_hex(32)).encode())
    return NatsProcess(await usable_binary(settings), config)


def _examination(jetstream: Mapping[str, Any], stream: str) -> Examination:
    if is_off(jetstream):
        raise ServerStartError("JetStream has switched itself off while its store was examined")
    return Examination(copy_in(jetstream, stream))
