"""What a damaged store still holds comes out of it, and what does not is told."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from damage import (
    copied,
    cut,
    fill,
    flip,
    flip_in,
    killed_store,
    leaf_pages,
    overwrite,
    put,
    raw_message,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from node.salvage import LASTING, PASSING, salvage
from node.salvage_report import LostArrival, SalvageReport, TableReport
from node.sqlite_pages import PAGE_BYTES, Pages
from node.sqlite_tree import rows_in
from node.store import STORE_FILE, close_store, each, keep_setting, open_store
from node.store_seal import seal_of, wal_of

TABLES = LASTING + PASSING
MESSAGES = 400
Rows = dict[int, tuple[Any, ...]]


def contents(path: Path) -> dict[str, Rows]:
    """The rows of a store that no ledger has, by number."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: {row[0]: row[1:] for row in connection.execute(f"SELECT rowid, * FROM {table}")}  # noqa: S608 - constants
            for table in TABLES
        }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with rows in every table; a third of its messages was written after all the rest."""
    path = tmp_path_factory.mktemp("whole") / STORE_FILE
    connection = open_store(path)
    fill(connection, 1, MESSAGES)
    connection.execute("BEGIN")
    for number in range(1, 8):
        connection.execute("INSERT INTO part VALUES ('client', 'J', 'K', ?, 9, ?, 0)", (number, number))
        connection.execute(
            "INSERT INTO outbox (kind, body, sender) VALUES ('public', ?, '')", (raw_message(number),)
        )
        connection.execute(
            "INSERT INTO unwritten VALUES (?, 'client', 'result', 's', 'long', 5)", (f"u{number}",)
        )
    connection.execute("INSERT INTO flight VALUES (1, 3, '[1, 2]', ?)", (bytes(30_000),))
    for name in ("network", "head", "seq/sp1"):
        keep_setting(connection, name, name)
    put(connection, MESSAGES + 1, MESSAGES + MESSAGES // 2)
    connection.execute("COMMIT")
    close_store(connection, path)
    seal_of(path).unlink()
    return path


def salvaged(damaged: Path, folder: Path) -> tuple[dict[str, Rows], SalvageReport]:
    """What comes out of a store, and what is told; the store itself is as it was."""
    folder.mkdir()
    fresh = folder / STORE_FILE
    before = damaged.read_bytes()
    with closing(open_store(fresh)) as connection:
        report = salvage(damaged, connection)
        assert each(connection, "PRAGMA integrity_check") == [("ok",)]
    assert damaged.read_bytes() == before
    return contents(fresh), report


def of(report: SalvageReport, table: str) -> TableReport:
    return next(one for one in report.tables if one.table == table)


def told_lost(report: TableReport) -> set[int]:
    return {number for span in report.lost for number in range(span.first, span.last + 1)}


def test_a_whole_store_comes_out_whole(whole: Path, tmp_path: Path):
    """Also the settings that are the node's own; those that follow from the ledger come with it."""
    kept, report = salvaged(whole, tmp_path / "fresh")
    assert kept == contents(whole)
    assert report.is_whole
    assert {one.table: one.kept for one in report.tables} == {name: len(rows) for name, rows in kept.items()}
    assert report.settings == ("network",)


def test_what_a_killed_node_had_committed_comes_out(tmp_path: Path):
    """It still lies in the log beside the store."""
    path = killed_store(tmp_path, 10, 50)
    kept, report = salvaged(path, tmp_path / "fresh")
    assert sorted(kept["raw"]) == list(range(1, 51))
    assert report.is_whole


def test_what_lies_behind_a_broken_place_of_the_log_comes_out(tmp_path: Path):
    """SQLite would pass over it; the row in the broken place is told of."""
    path = killed_store(tmp_path, 10, 50, 60)
    flip_in(wal_of(path), b"message 5 " * 3)
    kept, report = salvaged(path, tmp_path / "fresh")
    assert sorted(kept["raw"]) == list(range(1, 61))
    assert set(report.altered) <= {5}


def readable(damaged: Path, pages: list[int]) -> Iterator[int]:
    """The numbers of the rows in such pages that are there in full."""
    with Pages(damaged) as there:
        for page in pages:
            yield from (row.id for row in rows_in(there, page) if row is not None)


@pytest.mark.parametrize("count", [PAGE_BYTES, 100_001, 2**20, 2 * 2**20, 3 * 2**20])
def test_all_that_lies_before_a_cut_comes_out(whole: Path, tmp_path: Path, count: int):
    """And of the rest it is told which rows are gone: of a raw message, whose it was."""
    before, pages = contents(whole), {table: leaf_pages(whole, table) for table in TABLES}
    path = copied(whole, tmp_path / "damaged")
    assert path.stat().st_size > count
    cut(path, count)
    kept, report = salvaged(path, tmp_path / "fresh")
    assert report.is_whole == (kept == before)  # the last page may be one of the archive
    for table in LASTING:
        assert kept[table].items() <= before[table].items()
        assert set(kept[table]) == set(readable(path, pages[table]))
        lost = before[table].keys() - kept[table].keys()
        assert told_lost(of(report, table)) <= lost
        assert told_lost(of(report, table)) == lost or of(report, table).may_lack_newest
    for lost in report.lost_arrivals:
        assert int(lost.origin.removeprefix("file ")) in before["raw"].keys() - kept["raw"].keys()


def test_lost_messages_are_named(whole: Path, tmp_path: Path):
    """The operator knows whom to ask for what again."""
    path = copied(whole, tmp_path / "damaged")
    page = leaf_pages(path, "raw")[20]
    lost = sorted(readable(path, [page]))
    overwrite(path, page)
    kept, report = salvaged(path, tmp_path / "fresh")
    assert sorted(contents(whole)["raw"].keys() - kept["raw"].keys()) == lost
    assert told_lost(of(report, "raw")) == set(lost)
    assert of(report, "raw").lost_rows == len(lost)
    assert not of(report, "raw").may_lack_newest
    names = {LostArrival(client="client", origin=f"file {number}") for number in lost}
    assert set(report.lost_arrivals) == names
    assert report.submissions_without_raw == len(lost)
    assert sorted(kept["submission"]) == sorted(contents(whole)["submission"])


def test_an_altered_message_is_kept_and_told(whole: Path, tmp_path: Path):
    """A person may still read what was meant."""
    path = copied(whole, tmp_path / "damaged")
    flip_in(path, raw_message(105))
    kept, report = salvaged(path, tmp_path / "fresh")
    assert report.altered == (105,)
    assert len(kept["raw"]) == MESSAGES * 3 // 2


@pytest.mark.parametrize("first", [True, False])
def test_without_its_first_page_a_store_comes_out_whole(whole: Path, tmp_path: Path, *, first: bool):
    """The tables are found where a fresh store has them, or by what they hold."""
    path = copied(whole, tmp_path / "damaged")
    if first:
        overwrite(path, 1)
    else:  # the inner page from which all pages of raw messages hang
        with closing(sqlite3.connect(path)) as connection:
            ((root,),) = connection.execute(
                "SELECT rootpage FROM sqlite_master WHERE name = 'raw'"
            ).fetchall()
        overwrite(path, root)
    kept, report = salvaged(path, tmp_path / "fresh")
    assert kept == contents(whole)
    assert report.is_whole == first  # nobody can say that no message came after the last one found


def test_given_back_rows_do_not_come_again(tmp_path: Path):
    """What was published and deleted still lies on pages that are free: it must not be published again."""
    path = tmp_path / STORE_FILE
    connection = open_store(path)
    connection.execute("PRAGMA secure_delete = OFF")
    for number in range(1, 300):
        connection.execute(
            "INSERT INTO outbox (kind, body, sender) VALUES ('public', ?, '')", (raw_message(number),)
        )
    connection.execute("DELETE FROM outbox WHERE id <= 297")
    close_store(connection, path)
    kept, _ = salvaged(path, tmp_path / "fresh")
    assert sorted(kept["outbox"]) == [298, 299]
    overwrite(path, leaf_pages(path, "outbox")[0])
    kept, report = salvaged(path, tmp_path / "again")
    assert sorted(kept["outbox"]) == [299]
    assert of(report, "outbox").gaps == 1


def test_parts_whose_message_is_lost_are_dropped(whole: Path, tmp_path: Path):
    """They could never be put together any more."""
    path = copied(whole, tmp_path / "damaged")
    page = leaf_pages(path, "raw")[0]
    lost = set(readable(path, [page])) & set(range(1, 8))
    overwrite(path, page)
    kept, report = salvaged(path, tmp_path / "fresh")
    assert lost
    assert report.parts_dropped == len(lost)
    assert {row[5] for row in kept["part"].values()} == set(range(1, 8)) - lost


@settings(max_examples=40)
@given(place=st.integers(0, 2**48))
def test_a_flipped_bit_costs_little(whole: Path, tmp_path_factory: pytest.TempPathFactory, place: int):
    """Wherever it is: no more than what lies on one page is lost, or lies on it and is another."""
    folder = tmp_path_factory.mktemp("flipped")
    path = copied(whole, folder / "damaged")
    flip(path, place % (8 * path.stat().st_size))
    before, (kept, report) = contents(whole), salvaged(path, folder / "fresh")
    for table in TABLES:
        same = kept[table].items() & before[table].items()
        assert len(before[table]) - len(same) <= 120
        if len(kept[table]) < len(before[table]):
            one = of(report, table)
            assert one.lost_rows or one.may_lack_newest or one.gaps or one.broken or report.parts_dropped
    shutil.rmtree(folder)


@settings(max_examples=40)
@given(places=st.lists(st.integers(0, 2**48), max_size=300), left=st.floats(0, 1))
def test_whatever_has_happened_something_is_told(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, places: list[int], left: float
):
    """No state of a file stops the salvage."""
    folder = tmp_path_factory.mktemp("wrecked")
    path = copied(whole, folder / "damaged")
    for place in places:
        flip(path, place % (8 * path.stat().st_size))
    cut(path, int((1 - left) * path.stat().st_size))
    salvaged(path, folder / "fresh")
    shutil.rmtree(folder)
