"""The files of a nats-server's store, as the guard handles them: nothing in it is ever deleted, but moved.

    <directory>/store/jetstream/$G/streams/<stream>/   the stream: msgs/1.blk, 2.blk ..., msgs/index.db
    <directory>/store/jetstream/$SYS/_js_/             its Raft groups, and the cluster's
    <directory>/aside/<time>/                          stores that were damaged

The server must be stopped for everything but reading.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ASIDES_KEPT = 2


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ServerStore:
    """The store below a server's `directory`. stream: the ledger's. clock: for the names of asides."""

    directory: Path
    stream: str
    clock: Callable[[], datetime] = _now

    @property
    def root(self) -> Path:
        """Where JetStream keeps everything."""
        return self.directory / "store" / "jetstream"

    @property
    def blocks(self) -> Path:
        """The folder of the stream's block files."""
        return self.root / "$G" / "streams" / self.stream / "msgs"

    @property
    def exists(self) -> bool:
        """Whether a server has ever kept anything here."""
        return self.root.is_dir()

    def size(self) -> int:
        """Bytes in all its files."""
        return sum(path.stat().st_size for path in self.root.rglob("*") if path.is_file())

    def forget_index(self) -> None:
        """Remove the stream's index: without it a server reads every block, and checks every checksum."""
        (self.blocks / "index.db").unlink(missing_ok=True)

    def move_stream_aside(self) -> Path | None:
        """Move the stream out of the way, in one step; where it is now, None if there was none.

        Raft's own files stay: by them the server knows how far its log went and for whom it has voted. So it
        cannot lead before it has all of the stream back, nor elect anybody who has less than it had.
        """
        return self._move(self.blocks.parent)

    def move_all_aside(self) -> Path | None:
        """Move the whole store out of the way, in one step; where it is now, None if there was none.

        The server then begins like a new member: only safe while others hold everything (node.guard_peers).
        """
        return self._move(self.root)

    def _move(self, folder: Path) -> Path | None:
        if not folder.is_dir():
            return None
        target = self._free_place()
        target.parent.mkdir(mode=0o700, exist_ok=True)
        target.mkdir(mode=0o700)
        moved = folder.rename(target / folder.name)
        for changed in (target, target.parent, folder.parent):
            _sync(changed)
        return moved

    def drop_old_asides(self, keep: int = ASIDES_KEPT) -> None:
        """Remove all asides but the last `keep`."""
        for old in self.asides()[: -keep or None]:
            shutil.rmtree(old)

    def asides(self) -> list[Path]:
        """The stores that were moved aside, oldest first."""
        folder = self.directory / "aside"
        return sorted(folder.iterdir()) if folder.is_dir() else []

    def _free_place(self) -> Path:
        """A name that sorts behind all others."""
        stamp = f"{self.clock():%Y%m%dT%H%M%SZ}"
        taken = {path.name for path in self.asides()}
        numbers = (f"{stamp}-{number:02}" for number in range(1, 100))
        return self.directory / "aside" / next(name for name in (stamp, *numbers) if name not in taken)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
