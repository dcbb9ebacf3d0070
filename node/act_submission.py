"""Acts and other public entries, brought into the outbox by another process than the node's, and followed.

    submit_act(settings, act, wait)           one act; what became of it
    submit_entries(settings, entries, wait)   grants and the like; whether they are on the ledger

The node may run or not. Where it runs, its publisher finds them within a second; where it does not, they go
out when it is started next.

    SubmissionError
    ├── NoMemberError      what this node says does not count
    └── ActPointlessError  the act would not count, as far as this node knows
"""

import datetime
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from node.act import Act, encode_act, proposal_id
from node.act_records import stored_register
from node.act_words import in_words
from node.document import Document
from node.document_submission import document_entries
from node.entry import ActEntry, Entry
from node.inspection import Shown, View, is_running, reading
from node.outbox import is_queued, queue_public
from node.register import ActRefusedError, Register
from node.replica import head
from node.settings import NodeSettings, SettingsError
from node.startup import alone
from node.store import STORE_FILE, StoreError, close_store, each, open_store
from node.store_seal import seal_of

ATTEMPTS = 3
BUSY_SECONDS = 10.0
LOOK_SECONDS = 0.1
WAIT_SECONDS = 30.0

Found = TypeVar("Found")


class SubmissionError(Exception):
    """Nothing was submitted; the message says why."""


class NoMemberError(SubmissionError):
    """The SP is no member."""


class ActPointlessError(SubmissionError):
    """The act would not count."""


class Submitted(Shown):
    """What became of an act.

    position: where it stands, None while it waits in the outbox. in_effect: whether it holds from there on.
    voted, needed: of a vote, who has said so and how many must. fault: why it does not count after all.
    """

    act: str
    position: int | None = None
    in_effect: bool = False
    voted: tuple[str, ...] = ()
    needed: int | None = None
    fault: str | None = None


def submit_act(
    settings: NodeSettings, act: Act, wait_seconds: float, document: Document | None = None
) -> Submitted:
    """Put an act on the ledger, after the document that it names. wait_seconds: for it, where the node runs.

    Raises SubmissionError, DocumentSubmissionError, StoreError.
    """
    entry = ActEntry(encode_act(act))
    with reading(settings) as view:
        _check(view, act)
        before = document_entries(view, act, document)
        (after,) = view.connection.execute("SELECT COALESCE(MAX(position), -1) FROM act").fetchone()
        waits = is_queued(view.connection, entry)
    if not waits:
        _queue(settings, [*before, entry])

    def landed() -> Submitted | None:
        with reading(settings) as view:
            return _landed(view, act, after)

    found = _awaited(settings, landed, wait_seconds)
    return found or Submitted(act=in_words(act))


def submit_entries(settings: NodeSettings, entries: Sequence[Entry], wait_seconds: float) -> bool:
    """Put public entries on the ledger; whether they are there now. Raises SubmissionError, StoreError."""
    with reading(settings) as view:
        _check_member(view, stored_register(view.connection, view.network))
    _queue(settings, entries)

    def landed() -> bool | None:
        with reading(settings) as view:
            return not any(is_queued(view.connection, entry) for entry in entries) or None

    return bool(_awaited(settings, landed, wait_seconds))


def _check(view: View, act: Act) -> None:
    """Raise where the act would not count as far as this node knows: better told now than by the ledger."""
    register = stored_register(view.connection, view.network)
    _check_member(view, register)
    today = datetime.datetime.now(ZoneInfo(view.network.time_zone)).date()
    try:
        register.apply(view.settings.sp, act, head(view.connection).size, today)
    except ActRefusedError as error:
        raise ActPointlessError(f"it would not count: {error}") from error


def _check_member(view: View, register: Register) -> None:
    sp = view.settings.sp
    if not register.is_member(sp):
        raise NoMemberError(f"{sp} is no member as far as it knows: have a member submit it")


def _queue(settings: NodeSettings, entries: Sequence[Entry]) -> None:
    """Bring entries into the outbox, in one transaction that is on disk when this returns."""
    folder = settings.data_folder
    for _ in range(ATTEMPTS):  # the node may start or end meanwhile
        queue = _queue_beside if is_running(folder) else _queue_alone
        if queue(folder, entries):
            return
    raise StoreError(f"{folder / STORE_FILE} is being opened or closed: try again in a moment")


def _queue_beside(folder: Path, entries: Sequence[Entry]) -> bool:
    """Write beside the running node; False where it has just closed its store, which must stay as it is."""
    path = folder / STORE_FILE
    opened = sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    with closing(opened) as connection, _transaction(connection):
        if seal_of(path).exists():
            return False
        for entry in entries:
            queue_public(connection, entry)
    return True


def _queue_alone(folder: Path, entries: Sequence[Entry]) -> bool:
    """Write in the place of a node that does not run; False where it has just been started."""
    path = folder / STORE_FILE
    with ExitStack() as stack:
        try:
            stack.enter_context(alone(folder))
        except SettingsError:
            return False
        connection = open_store(path)
        stack.callback(close_store, connection, path)
        with _transaction(connection):
            for entry in entries:
                queue_public(connection, entry)
    return True


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise StoreError(f"the store cannot be written: {error}; try again in a moment") from error
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _awaited(settings: NodeSettings, landed: Callable[[], Found | None], wait_seconds: float) -> Found | None:
    """What `landed` finds, asked until it finds something; None where that takes too long."""
    deadline = time.monotonic() + wait_seconds
    while (found := landed()) is None:
        if time.monotonic() >= deadline or not is_running(settings.data_folder):
            return None
        time.sleep(LOOK_SECONDS)
    return found


def _landed(view: View, act: Act, after: int) -> Submitted | None:
    """What became of an act that this node has put behind position `after`."""
    rows = each(
        view.connection,
        "SELECT position, in_effect, fault FROM act WHERE sp = ? AND act = ? AND position > ?"
        " ORDER BY position LIMIT 1",
        view.settings.sp,
        encode_act(act).decode(),
        after,
    )
    if not rows:
        return None
    ((position, in_effect, fault),) = rows
    told = Submitted(act=in_words(act), position=position, in_effect=bool(in_effect), fault=fault)
    name = proposal_id(act)
    if name is None or in_effect or fault:
        return told
    register = stored_register(view.connection, view.network)
    if name not in register.pending:
        return told
    said, voted = register.pending[name]
    return told.model_copy(update={"voted": voted, "needed": register.needed_for(said)})
