"""quickfix's file store, as far as we read it, and the one number in it that we correct before a start.

quickfix keeps, per session, a file with the next number to send and the next number to receive, and a
file that it writes once, when it begins a number space (an *epoch*: numbers from 1).

The engine counts a message as received when the daemon has its bytes, not when the daemon has stored
them: waiting for the disk for each message alone would cost most of the throughput. So a mark beside the
store says up to which number all is stored. After a crash the next number to receive goes back to the one
behind the mark, and FIX has the client send again what may have been lost.
"""

import os
from contextlib import suppress
from pathlib import Path

NUMBERS_SKIPPED_AFTER_POWER_CUT = 1000
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def store_epoch(state_dir: Path, session: str) -> str:
    """The name of the store's present number space; empty where there is no store yet.

    The text in quickfix's file counts whole seconds, and two restarts may fall into one: the file's own
    time serves.
    """
    try:
        return f"{(state_dir / f'{session}.session').stat().st_mtime_ns:x}"
    except FileNotFoundError:
        return ""


def store_next_numbers(state_dir: Path, session: str) -> tuple[int, int]:
    """The next number to send and the next to receive; 1 and 1 where there is no store yet."""
    try:
        sending, receiving = (state_dir / f"{session}.seqnums").read_text("ascii").split(":")
        return int(sending), int(receiving)
    except (FileNotFoundError, ValueError):
        return 1, 1


def sync_store(state_dir: Path, session: str) -> None:
    """Have the disk take what quickfix has written; quickfix itself leaves it to the operating system."""
    for part in ("body", "header", "seqnums"):
        descriptor = os.open(state_dir / f"{session}.{part}", os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class PowerCut:
    """Keeps our numbers ahead of the peer's when the host went down without our having said so.

    The store on disk may then be behind what the peer has seen, and a number used twice ends a session
    until a person mends it. A number left out does not: the peer asks, and quickfix says that it was none.
    """

    def __init__(self, state_dir: Path, session: str) -> None:
        self._state_dir = state_dir
        self._session = session
        self._note = state_dir / f"{session}.boot"

    def skip_numbers(self, boot: str | None = None) -> int:
        """Before quickfix starts, and after what reads the store. How many numbers are left out."""
        boot = _boot() if boot is None else boot
        last = self._note.read_text("ascii") if self._note.exists() else boot
        self._note.write_text(boot, "ascii")
        if last == boot or not store_epoch(self._state_dir, self._session):
            return 0
        sending, receiving = store_next_numbers(self._state_dir, self._session)
        skipped = NUMBERS_SKIPPED_AFTER_POWER_CUT
        _write_numbers(self._state_dir, self._session, sending + skipped, receiving)
        return skipped

    def ended_well(self) -> None:
        """The store is on disk; the host may go down."""
        with suppress(FileNotFoundError):
            sync_store(self._state_dir, self._session)
        self._note.unlink(missing_ok=True)


class StoredMark:
    """Up to which number of the present epoch everything that was received is stored.

    It may lag behind the truth, after a power cut for instance, and then costs a repetition. It is never
    ahead of it.
    """

    def __init__(self, state_dir: Path, session: str) -> None:
        self._state_dir = state_dir
        self._session = session
        self._descriptor = os.open(state_dir / f"{session}.stored", os.O_RDWR | os.O_CREAT, 0o600)

    def go_back(self) -> int:
        """Before quickfix starts: have it expect what is not known to be stored. How many numbers back."""
        epoch = store_epoch(self._state_dir, self._session)
        if not epoch:
            return 0
        sending, receiving = store_next_numbers(self._state_dir, self._session)
        expected = min(receiving, self._number(epoch) + 1)
        if expected < receiving:
            _write_numbers(self._state_dir, self._session, sending, expected)
        return receiving - expected

    def set(self, number: int) -> None:
        """Everything up to `number` is stored."""
        words = f"{store_epoch(self._state_dir, self._session)} {number}"
        os.pwrite(self._descriptor, f"{words:<48}\n".encode(), 0)

    def _number(self, epoch: str) -> int:
        marked, _, number = (
            os.pread(self._descriptor, 64, 0).decode("ascii", "replace").strip().partition(" ")
        )
        return int(number) if marked == epoch and number.isdigit() else 0


def _boot() -> str:
    """This run of the host; empty where the system does not name it."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


def _write_numbers(state_dir: Path, session: str, sending: int, receiving: int) -> None:
    """In the form and length by which quickfix knows its own file."""
    (state_dir / f"{session}.seqnums").write_text(f"{sending:020d} : {receiving:020d}", "ascii")
