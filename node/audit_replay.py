"""An archive applied anew, by the code that applies the ledger, and each of its blocks compared with it.

The blocks stand in for the ledger: node.replica reads them in order into an empty store, checks signatures,
numbers and places, and hands the entries on. What it writes of each block is what the audited store must say.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

from node.application import Application
from node.audit_report import AuditNotes
from node.audit_scratch import Scratch
from node.audit_source import Source, StoredBlock
from node.entry import EntryInvalidError, EntryKind, KeyEntry, decode_entry
from node.ledger import Answerer, Finding, LedgerUnavailableError
from node.progress import Progress, Watcher
from node.replica import Head, Replica, head
from node.store import each
from node.tree_tiles import root

# The KEY entries of the ledger, which say in clear for what day they are, to know what could not be opened.
KEY_TABLE = "CREATE TEMP TABLE key_entry (position INTEGER PRIMARY KEY, key_id BLOB, day TEXT)"

_NEVER = 2**63 - 1
_COMPARED = ("digest", "sp", "seq", "first", "entries", "fault", "state", "time")
_APPLIED = f"SELECT sequence, {', '.join(_COMPARED)} FROM archive WHERE sequence > ?"  # noqa: S608 - our own words
_DIGEST, _SP, _, _FIRST, _ENTRIES, _FAULT, _, _ = range(len(_COMPARED))
_ALTERED = "its bytes are not those that were archived: their digest is another"
_IN_WORDS = {
    "state": "digest of what is public",
    "first": "first position",
    "entries": "count of entries",
    "time": "ledger time",
}


class Expected(NamedTuple):
    """What the audited store says of a block. columns: in the order of _COMPARED. kinds: of its entries."""

    columns: tuple[Any, ...]
    kinds: tuple[int, ...]


class Replay:
    """One archive, applied anew."""

    def __init__(self, source: Source, into: Scratch, notes: AuditNotes, watcher: Watcher) -> None:
        self._source = source
        self._scratch = into
        self._notes = notes
        self._watcher = watcher
        self._total = source.height()
        self._waiting: deque[StoredBlock] = deque()
        self._expected: deque[Expected] = deque()
        self._handed_out: int | None = None
        self._applied = 0
        self._sound = Head(0, 0, "")
        self._moved: int | None = None
        self._have_parted = self._is_broken = False
        self._ended = asyncio.Event()
        into.connection.execute(KEY_TABLE)

    async def run(self, application: Application) -> Head:
        """Apply all, and compare."""
        replica = Replica(
            sp="",  # nobody's: own blocks would have to be known to the outbox
            register=application.register,
            store=self._scratch,
            ledger=_Archive(self),
            application=application,
            changed=asyncio.Event(),
            progress=_Steps(self),
        )
        applying = asyncio.create_task(replica.run(), name="replay")
        ended = asyncio.create_task(self._ended.wait(), name="end of the archive")
        await asyncio.wait({applying, ended}, return_when=asyncio.FIRST_COMPLETED)
        for task in (applying, ended):
            task.cancel()
        await asyncio.wait({applying, ended})
        if not applying.cancelled():
            applying.result()
        if self._moved is not None:
            self._part()
        self._source.freeze()
        self._look_at_the_rest()
        at = self._reached()
        return Head(at.sequence, at.size, root(self._scratch.connection, at.size).hex())

    @property
    def limit(self) -> int | None:
        """The size up to which the archive could be followed; None where that is all of it."""
        return self._reached().size if self._have_parted or self._is_broken else None

    def next_block(self, after: int) -> StoredBlock | None:
        """The block after a sequence; None where the archive ends, or can be followed no further."""
        if not self._waiting:
            self._waiting.extend(self._source.blocks(after))
        if not self._waiting and not self._source.is_frozen:
            self._source.freeze()
            self._waiting.extend(self._source.blocks(after))
        if not self._waiting or not self._may_follow(after, self._waiting[0]):
            self._handed_out = after
            self._end_if_compared()
            return None
        row = self._waiting.popleft()
        self._expect(row)
        return row

    def applied(self, sequence: int) -> None:
        """Compare what was applied up to a sequence with what the audited store says of it."""
        query = f"{_APPLIED} AND sequence <= ? ORDER BY sequence"
        for number, *own in each(self._scratch.connection, query, self._applied, sequence):
            if not self._have_parted:
                self._compare(number, self._expected.popleft(), tuple(own))
        self._applied = sequence
        self._watcher(min(sequence, self._total), self._total)
        self._end_if_compared()

    def _reached(self) -> Head:
        return self._sound if self._have_parted else head(self._scratch.connection)

    def _may_follow(self, after: int, row: StoredBlock) -> bool:
        if row.sequence == after + 1:
            return True
        upto = f", and all up to {row.sequence - 1}" if row.sequence > after + 2 else ""
        self._notes.find("block", f"it is missing from the archive{upto}", sequence=after + 1)
        self._is_broken = True
        return False

    def _expect(self, row: StoredBlock) -> None:
        entries = row.raw_entries()
        columns = (row.digest, row.sp, row.seq, row.first, row.entries, row.fault, row.state, row.time)
        self._expected.append(Expected(columns, tuple(map(_kind, entries))))
        for number, raw in enumerate(entries):
            if _kind(raw) == EntryKind.KEY:
                self._note_key(row.first + number, raw)

    def _note_key(self, position: int, raw: bytes) -> None:
        try:
            entry = decode_entry(raw)
        except EntryInvalidError:
            return
        if isinstance(entry, KeyEntry):
            values = (position, entry.key_id, entry.day.isoformat())
            self._scratch.connection.execute("INSERT OR IGNORE INTO temp.key_entry VALUES (?, ?, ?)", values)

    def _compare(self, sequence: int, stored: Expected, own: tuple[Any, ...]) -> None:
        """Compare one block. Once two in a row stand elsewhere than they are said to, no other can be."""
        differing = [i for i, name in enumerate(_COMPARED) if stored.columns[i] != own[i]]
        if not {_FIRST, _ENTRIES} & set(differing):
            self._moved = None
            self._sound = Head(sequence, own[_FIRST] + own[_ENTRIES], "")
        elif self._moved is None:
            self._moved = sequence
        else:
            self._part()
            return
        for i in [i for i in (_DIGEST, _FAULT) if i in differing][:1] or differing:  # others follow from them
            self._notes.find("block", _sentence(_COMPARED[i], stored.columns[i], own[i]), sequence=sequence)
        self._notes.checked["blocks"] += not differing
        if own[_FAULT] is not None:
            self._notes.passed_over[own[_FAULT]] += 1
        else:
            self._take_stock(own[_FIRST], stored)

    def _part(self) -> None:
        self._have_parted = True
        self._ended.set()

    def _take_stock(self, first: int, stored: Expected) -> None:
        """Count the entries of a block that counts, and look whether its checkpoints are signed rightly."""
        for number, kind in enumerate(stored.kinds):
            self._notes.entries[_NAMES.get(kind, "of no known kind")] += 1
            if kind == EntryKind.CHECKPOINT and not self._is_taken(first + number):
                sp = stored.columns[_SP]
                text = f"a checkpoint in a block of {sp} that {sp} has not signed, or not in the right form"
                self._notes.find("checkpoint", text, position=first + number)

    def _is_taken(self, position: int) -> bool:
        query = "SELECT 1 FROM checkpoint WHERE position = ?"
        return self._scratch.connection.execute(query, (position,)).fetchone() is not None

    def _end_if_compared(self) -> None:
        if self._applied == self._handed_out:
            self._ended.set()

    def _look_at_the_rest(self) -> None:
        """Where the archive could be followed no further, look at least at the digests of what remains."""
        if self.limit is None:
            return
        after = self._reached().sequence
        rest, followed = 0, after
        while rows := self._source.blocks(after):
            for row in rows:
                rest += 1
                is_altered = hashlib.sha256(row.block).digest() != row.digest
                if is_altered and row.sequence != self._moved:  # that one is a finding already
                    self._notes.find("block", _ALTERED, sequence=row.sequence)
            after = rows[-1].sequence
        self._notes.not_checked.append(
            f"the last {rest} blocks, after sequence {followed}, but for their digests: where their entries"
            " stand cannot be known without what is altered or missing"
        )


class _Steps(Progress):
    """Told by the replica of each batch that it has applied."""

    def __init__(self, replay: Replay) -> None:
        super().__init__()
        self._replay = replay

    def begin(self, start: int, target: int) -> None:
        """There is nothing to say: the replica knows no end."""

    def note(self, sequence: int) -> None:
        """See Progress."""
        self._replay.applied(sequence)


class _Archive:
    """The blocks of a store as a Ledger: nothing is added to it, and nobody is there to ask."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay

    async def append(self, block: bytes, message_id: str, read: int | None = None) -> int:  # noqa: ARG002 - as a Ledger has them
        """See Ledger."""
        raise LedgerUnavailableError("an archive takes no blocks")

    async def read(self, after: int) -> AsyncGenerator[tuple[int, bytes], None]:
        """See Ledger."""
        while (row := self._replay.next_block(after)) is not None:
            after = row.sequence
            yield after, row.block
        await asyncio.Event().wait()

    async def head(self) -> int:
        """Beyond what there is: a replica that has not caught up neither signs nor attests."""
        return _NEVER

    async def ask(self, sp: str, question: bytes) -> bytes:  # noqa: ARG002 - as a Ledger has them
        """See Ledger."""
        raise LedgerUnavailableError("an archive has no members")

    async def answer(self, sp: str, answerer: Answerer) -> None:  # noqa: ARG002 - as a Ledger has them
        """See Ledger."""
        await asyncio.Event().wait()

    async def check(self) -> tuple[Finding, ...]:
        """See Ledger; there is nothing to set."""
        return ()


_NAMES = {kind.value: kind.name.lower().replace("_", " ") for kind in EntryKind}


def _kind(raw: bytes) -> int:
    """The kind of an entry by its first bytes (node.entry): the head of a short array, and a small number."""
    is_array = len(raw) > 1 and 0x81 <= raw[0] <= 0x97  # noqa: PLR2004 - RFC 8949: arrays of 1 to 23
    return raw[1] if is_array and raw[1] < 24 else 0  # noqa: PLR2004 - RFC 8949: larger ones need more bytes


def _sentence(column: str, stored: object, own: object) -> str:
    if column == "digest":
        return _ALTERED
    if column == "fault":
        said = "it counts" if stored is None else f"it was passed over as {stored!r}"
        rule = "it counts" if own is None else f"it is passed over as {own!r}"
        return f"the store says that {said}; by the rules {rule}"
    shown = _IN_WORDS.get(column, column)
    if isinstance(own, bytes) or isinstance(stored, bytes):
        return f"its {shown} is not what the replay gives"
    return f"its {shown} is {stored!r} in the store, and {own!r} by the replay"
