"""The node as a process: signals, readiness, and one clear line about why it ended."""

import asyncio
import os
import signal
import socket
import traceback
from collections.abc import Iterator
from pathlib import Path

import structlog

from adapters.fix_dictionary import DictionaryError
from adapters.mapping_file import MappingError
from node.compose import run_node
from node.guard import LedgerDamagedError
from node.key_files import KeyFileError
from node.keys import PublicKeyInvalidError
from node.ledger import LedgerGapError, LedgerRefusedError, LedgerUnavailableError
from node.nats_server import ServerError, ServerStartError
from node.network import NetworkError
from node.own_blocks import ForeignBlockError
from node.secret_files import SecretFileError
from node.secrets import SecretsUnreadableError
from node.settings import NodeSettings, SettingsError
from node.store import StoreDamagedError, StoreError, StoreVersionError
from node.tree_tiles import TreeDamagedError

ENDED = 0
MEND_FIRST = 2
STOPPED = 70  # sysexits.h EX_SOFTWARE
TRY_AGAIN = 75  # sysexits.h EX_TEMPFAIL

# Most specific first: the exit code for each kind of error, and what is none of these is a bug.
_CODES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], int], ...] = (
    ((LedgerDamagedError, LedgerGapError, ForeignBlockError), STOPPED),
    ((StoreDamagedError, StoreVersionError, TreeDamagedError), MEND_FIRST),
    ((LedgerUnavailableError, ServerStartError, StoreError, OSError), TRY_AGAIN),
    (
        (
            DictionaryError,
            KeyFileError,
            LedgerRefusedError,
            MappingError,
            NetworkError,
            PublicKeyInvalidError,
            SecretFileError,
            SecretsUnreadableError,
            ServerError,
            SettingsError,
        ),
        MEND_FIRST,
    ),
)

log = structlog.get_logger(__name__)


def serve(settings: NodeSettings) -> int:
    """Run a node until it is told to end, or ends by itself; the process's exit code."""
    try:
        asyncio.run(_until_told(settings))
    except asyncio.CancelledError:
        log.info("node ended", sp=settings.sp)
        return ENDED
    except BaseExceptionGroup as group:
        return _told(list(_leaves(group)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the log says so and the exit code too
        return _told([error])
    return ENDED


async def _until_told(settings: NodeSettings) -> None:
    node = asyncio.create_task(run_node(settings, ready=_tell_ready), name="node")
    loop = asyncio.get_running_loop()

    def end() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):  # once is enough: the children are being ended
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
        log.info("node is told to end")
        notify("STOPPING=1")
        node.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    await node


def _tell_ready() -> None:
    notify("READY=1")


def notify(state: str) -> None:
    """Tell systemd, where it has started us with Type=notify (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    name = f"\0{address[1:]}" if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to_systemd:
        try:
            to_systemd.connect(name)
            to_systemd.sendall(state.encode())
        except OSError as error:
            log.warning("systemd could not be told", state=state, reason=error.strerror)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _told(errors: list[BaseException]) -> int:
    """Log each error with the part of the node it came from; the gravest exit code."""
    codes = {_tell(error) for error in errors}
    return next(code for code in (STOPPED, MEND_FIRST, TRY_AGAIN) if code in codes)


def _tell(error: BaseException) -> int:
    code = next((code for kinds, code in _CODES if isinstance(error, kinds)), None)
    reason = str(error) or type(error).__name__
    if code is None:
        text = f"{type(error).__name__}: {reason}"
        log.critical("node stopped by a fault in itself", part=_part(error), reason=text, exc_info=error)
        return STOPPED
    log.critical("node stopped", part=_part(error), reason=reason, exit_code=code)
    return code


def _part(error: BaseException) -> str:
    """Which task of the node failed: the first frame that the error went through, "replica.run"."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).parent.name in {"node", "adapters"}]
    first = next((frame for frame in ours if frame.name not in {"serve", "_until_told", "run_node"}), None)
    return f"{Path(first.filename).stem}.{first.name}" if first else "start"
