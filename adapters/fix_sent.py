"""Which deliveries already have a sequence number: what makes a repeated `send` harmless.

quickfix gives a message its number, then writes it to its store, then raises the store's next number,
then sends. Between the first two the delivery's id is noted here. After a crash the store decides: a
number below its next one is in the store, and the FIX session itself sees to it that the peer gets it; a
number that is not was never sent, and its note is dropped. So a delivery enters the FIX session once,
wherever the process was killed.

A number space is called an epoch: when the session's numbers restart at 1, quickfix makes its store anew.
"""

import os
from pathlib import Path
from typing import NamedTuple

from adapters.fix_store import store_epoch, store_next_numbers

SENT_IDS_MAX = 100_000
_NOBODY = ""


class Note(NamedTuple):
    """One delivery that was given a number."""

    epoch: str
    number: int
    id: str


class SentRecord:
    """The notes of one session, newest last, in an append-only file that is compacted now and then."""

    def __init__(self, state_dir: Path, session: str, ids_max: int = SENT_IDS_MAX) -> None:
        self._path = state_dir / f"{session}.sent"
        self._ids_max = ids_max
        self._notes = {note.id: note for note in self._kept(state_dir, session)}
        self._written = 0
        self._descriptor = self._compact()

    def __contains__(self, delivery: str) -> bool:
        return delivery in self._notes

    def note(self, note: Note) -> None:
        """Note a delivery before quickfix writes it to its store."""
        self._notes[note.id] = note
        os.write(self._descriptor, _line(note))
        self._written += 1

    def forget(self, delivery: str) -> None:
        """The delivery got no further than its note. Another message will have the number: say so."""
        note = self._notes.pop(delivery, None)
        if note is not None:
            os.write(self._descriptor, _line(note._replace(id=_NOBODY)))

    def sync(self) -> None:
        """Have the disk take the notes; compact where the file has grown."""
        os.fdatasync(self._descriptor)
        if self._written > self._ids_max:
            os.close(self._descriptor)
            self._descriptor = self._compact()

    def close(self) -> None:
        """Release the file."""
        os.close(self._descriptor)

    def _kept(self, state_dir: Path, session: str) -> list[Note]:
        epoch, (next_number, _) = store_epoch(state_dir, session), store_next_numbers(state_dir, session)
        latest = {(note.epoch, note.number): note for note in _read(self._path)}
        noted = (note for note in latest.values() if note.id != _NOBODY)
        return [note for note in noted if note.epoch != epoch or note.number < next_number]

    def _compact(self) -> int:
        for delivery in list(self._notes)[: -self._ids_max]:
            del self._notes[delivery]
        self._written = 0
        fresh = self._path.with_suffix(".sent-new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        os.write(descriptor, b"".join(_line(note) for note in self._notes.values()))
        os.fsync(descriptor)
        fresh.replace(self._path)
        return descriptor


def _line(note: Note) -> bytes:
    return f"{note.epoch} {note.number} {note.id}\n".encode()


def _read(path: Path) -> list[Note]:
    """The notes in a file. A last line without its end was being written when the process died: not noted."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    notes = []
    for line in lines:
        epoch, number, delivery = line.decode().split(" ", 2)
        notes.append(Note(epoch, int(number), delivery))
    return notes
