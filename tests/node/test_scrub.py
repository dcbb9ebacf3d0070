"""The scrub finds what is not as it was ordered, names the block, and leaves the node alone."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from damage import flip_in, leaf_pages, overwrite, put
from founding import keys_of, network

from node.block import Block, BlockFault, BlockInvalidError, sign_block
from node.scrub import opener, scrub
from node.scrub_report import ScrubReport
from node.store import STORE_FILE, keep_setting, open_store, read_store

BLOCKS = 70  # several reads
ENTRIES = 3


def block(sp: str, seq: int) -> Block:
    entries = tuple(f"entry {sp} {seq} {number}".encode() * 40 for number in range(ENTRIES))
    return Block(1, network().id, sp, seq, 1, entries)


def signed(sp: str, seq: int) -> bytes:
    return sign_block(block(sp, seq), keys_of(sp).signing)


def archive(connection: sqlite3.Connection, sequence: int, raw: bytes, *noted: object) -> None:
    """noted: SP, number, position of the first entry, entries that count, fault."""
    connection.execute(
        "INSERT INTO archive (sequence, block, digest, sp, seq, first, entries, fault, state, time)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, x'00', 0)",
        (sequence, raw, hashlib.sha256(raw).digest(), *noted),
    )


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with blocks of two SPs in turn, and at the end some that were passed over."""
    path = tmp_path / STORE_FILE
    with closing(open_store(path)) as connection:
        connection.execute("BEGIN")
        for sequence in range(1, BLOCKS + 1):
            sp, seq = f"sp{1 + sequence % 2}", (sequence + 1) // 2
            archive(connection, sequence, signed(sp, seq), sp, seq, ENTRIES * (sequence - 1), ENTRIES, None)
        size = BLOCKS * ENTRIES
        archive(connection, BLOCKS + 1, b"no block", None, None, size, 0, "malformed")
        archive(connection, BLOCKS + 2, signed("sp1", 3), "sp1", 3, size, 0, "repeated")
        archive(connection, BLOCKS + 3, signed("sp1", 99), "sp1", 99, size, 0, "out of order")
        keep_setting(connection, "head", f"{BLOCKS + 3} {size} 00")
        connection.execute("DELETE FROM raw")
        connection.execute("COMMIT")
    return path


def scrubbed(path: Path, **options: object) -> ScrubReport:
    with closing(read_store(path)) as connection:
        return scrub(connection, opener(network()), **options)  # type: ignore[arg-type] # whatever a test passes


def changed(path: Path, statement: str) -> ScrubReport:
    """What is found after a change."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)
    return scrubbed(path)


def test_an_archive_that_is_in_order(store: Path):
    """Blocks that were passed over for good reasons are in order too."""
    told: list[tuple[int, int]] = []
    report = scrubbed(store, progress=lambda done, total: told.append((done, total)))
    assert (report.found, report.findings) == (0, ())
    assert (report.blocks, report.entries) == (BLOCKS + 3, BLOCKS * ENTRIES)
    assert report.bytes > BLOCKS * ENTRIES * 500
    assert told[-1] == (BLOCKS + 3, BLOCKS + 3)


def test_an_empty_store_is_in_order(tmp_path: Path):
    open_store(tmp_path / STORE_FILE).close()
    report = scrubbed(tmp_path / STORE_FILE)
    assert (report.found, report.blocks) == (0, 0)


def test_a_flipped_bit_is_found(store: Path):
    flip_in(store, block("sp2", 11).entries[1])
    report = scrubbed(store)
    [finding] = report.findings
    assert (finding.sequence, "digest" in finding.text) == (21, True)


WRONG = {
    "UPDATE archive SET seq = 5 WHERE sequence = 40": (40, "noted otherwise"),
    "UPDATE archive SET sp = 'sp3' WHERE sequence = 40": (40, "noted otherwise"),
    "UPDATE archive SET first = 1 WHERE sequence = 40": (40, "position 1"),
    "UPDATE archive SET entries = 4 WHERE sequence = 40": (40, "noted otherwise"),
    "UPDATE archive SET fault = 'repeated', entries = 0 WHERE sequence = 40": (40, "passed over as repeated"),
    "UPDATE archive SET fault = NULL, entries = 3 WHERE fault = 'repeated'": (72, "counted with number 3"),
    "UPDATE archive SET fault = 'digest' WHERE fault = 'malformed'": (71, "does not open as it did"),
    "UPDATE archive SET fault = 'signature', entries = 0 WHERE sequence = 3": (3, "passed over as signature"),
    "DELETE FROM archive WHERE sequence = 40": (40, "not there"),
    "DELETE FROM archive WHERE sequence = 1": (1, "not there"),
    "UPDATE archive SET block = x'00', digest = x'00' WHERE sequence = 40": (40, "digest is another"),
    "UPDATE setting SET value = '80 210 00' WHERE name = 'head'": (None, "sequence 80"),
    "UPDATE setting SET value = 'x' WHERE name = 'head'": (None, "head cannot be read"),
}


@pytest.mark.parametrize("statement", WRONG)
def test_what_does_not_fit_is_found(store: Path, statement: str):
    """The finding names the first block that is wrong, and says how."""
    first = changed(store, statement).findings[0]
    sequence, text = WRONG[statement]
    assert first.sequence == sequence
    assert text in first.text


def test_a_block_of_another_key_is_found(store: Path):
    """Somebody has put in another block, and noted all that belongs to it."""
    forged = sign_block(block("sp2", 11), keys_of("sp1").signing)
    with closing(sqlite3.connect(store)) as connection, connection:
        noted = (forged, hashlib.sha256(forged).digest())
        connection.execute("UPDATE archive SET block = ?, digest = ? WHERE sequence = 21", noted)
    [finding] = scrubbed(store).findings
    assert (finding.sequence, "its key is not the one" in finding.text) == (21, True)


def test_a_caller_may_know_past_members(store: Path):
    """Blocks are opened in the order of the ledger, and so by the keys of their time."""
    asked: list[bytes] = []

    def open_block(raw: bytes) -> Block:
        asked.append(raw)
        if raw == signed("sp1", 1):
            raise BlockInvalidError(BlockFault.MEMBER, "sp1 is not a member yet")
        return opener(network())(raw)

    with closing(read_store(store)) as connection:
        report = scrub(connection, open_block)
        rows = connection.execute("SELECT block FROM archive ORDER BY sequence").fetchall()
    assert [finding.sequence for finding in report.findings[:1]] == [2]
    assert asked == [row[0] for row in rows]


def test_each_block_that_counts_is_handed_on(store: Path):
    """Whoever keeps the tree compares it; what is wrong is told with the rest."""
    followed: list[tuple[int, int]] = []

    def follow(sequence: int, first: int, found: Block) -> Iterator[str]:
        followed.append((sequence, first))
        if sequence == 7:
            yield f"the tree has another root with {first + len(found.entries)} entries"

    [finding] = scrubbed(store, follow=follow).findings
    assert (finding.sequence, finding.text) == (7, "the tree has another root with 21 entries")
    assert followed == [(sequence, ENTRIES * (sequence - 1)) for sequence in range(1, BLOCKS + 1)]


def test_messages_and_the_structure_are_looked_at(store: Path):
    """Also what no block holds."""
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("DELETE FROM archive")
        connection.execute("DELETE FROM setting")
        put(connection, 1, 5)
        connection.execute("DELETE FROM archive")
        connection.execute("UPDATE raw SET bytes = x'00' WHERE id = 3")
    report = scrubbed(store)
    assert [finding.text for finding in report.findings] == ["raw message 3 is not what was stored"]
    assert report.messages == 5
    overwrite(store, leaf_pages(store, "delivery")[0])
    assert any("SQLite" in finding.text for finding in scrubbed(store).findings)


def test_pages_that_cannot_be_read_cost_no_more_than_themselves(store: Path):
    """The other blocks are checked all the same."""
    overwrite(store, leaf_pages(store, "archive")[2])
    report = scrubbed(store)
    missing = [finding for finding in report.findings if "cannot be read" in finding.text]
    assert missing
    assert report.blocks + len(missing) == BLOCKS + 3


def test_many_findings_are_counted_and_not_all_told(store: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("node.scrub.FINDINGS_MAX", 10)
    report = changed(store, "UPDATE archive SET digest = x'00'")
    assert (len(report.findings), report.found) == (10, BLOCKS + 3)


def test_it_rests_between_short_reads_and_lets_the_node_write(store: Path):
    """A node that runs can truncate its log meanwhile: no read lasts."""
    with closing(open_store(store)) as writer:
        rests: list[float] = []

        def rest(seconds: float) -> None:
            rests.append(seconds)
            keep_setting(writer, "a", str(len(rests)))
            busy, *_ = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            assert not busy

        report = scrubbed(store, rest=rest)
    assert report.found == 0
    assert len(rests) >= BLOCKS // 32


def test_blocks_that_come_meanwhile_are_the_next_one_s(store: Path):
    """It reads up to the block that was the last when it began."""
    with closing(open_store(store)) as writer:

        def rest(_: float) -> None:
            writer.execute("DELETE FROM archive WHERE sequence > ?", (BLOCKS + 3,))
            archive(writer, BLOCKS + 4, b"no block", None, None, BLOCKS * ENTRIES, 0, "malformed")
            keep_setting(writer, "head", f"{BLOCKS + 4} {BLOCKS * ENTRIES} 00")

        report = scrubbed(store, rest=rest)
    assert (report.found, report.blocks) == (0, BLOCKS + 3)
