"""Figures at real nodes: both sides count the same, a replay of the archive too, and nobody else anything."""

import asyncio
import csv
import io
import json
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from audits import altered, own, stores, value
from founding import BROKER, INVESTOR, RIVAL, network

from node.figure_check import verified
from node.figure_counting import FiguresError
from node.figure_report import Asked, assert_served, report
from node.figure_tables import tables, write_csv
from node.figures import Figures, FiguresReport
from node.store import read_store


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The stores of three nodes: 1 and 4 agreed, 2 differs in money of F1, 3 is the rival's, agreed."""
    return stores(tmp_path_factory.mktemp("figures"))


def counted(store: Path, **asked: Any) -> FiguresReport:
    with closing(read_store(store)) as connection:
        return report(connection, network(), Asked(**asked))


def checked(store: Path, sp: str, **asked: Any) -> FiguresReport:
    return asyncio.run(verified(store, network(), own(sp), Asked(**asked)))


def test_both_sides_nodes_count_the_same(made: dict[str, Path]):
    """To the digit, with root and contract: sp1 and sp2 read all trades here."""
    found = counted(made["sp1"])
    assert found == counted(made["sp2"])
    assert (found.total.trades, found.total.agreed_exactly, found.total.mismatched) == (4, 3, 1)
    assert found.position == value(made["sp1"], "SELECT SUM(entries) FROM archive WHERE fault IS NULL") - 1
    assert found.root == str(value(made["sp1"], "SELECT value FROM setting WHERE name = 'head'")).split()[2]
    assert [one.split(":")[0] for one in found.contracts] == ["matching/1"]
    for institution in (BROKER, INVESTOR, RIVAL):
        assert counted(made["sp1"], institution=institution) == counted(made["sp2"], institution=institution)


def test_who_reads_nothing_counts_nothing(made: dict[str, Path]):
    """A member without clients has the same ledger, and no figure of it."""
    found, theirs = counted(made["sp3"]), counted(made["sp1"])
    assert (found.position, found.root) == (theirs.position, theirs.root)
    assert (found.total, found.relationships, found.contracts) == (Figures(), (), ())


def test_at_a_position_both_count_the_same(made: dict[str, Path]):
    last = min(counted(made[sp]).position for sp in ("sp1", "sp2"))
    places = range(0, last + 1, 4)
    assert len({counted(made["sp1"], position=at).total.trades for at in places}) > 2
    for at in places:
        assert counted(made["sp1"], position=at) == counted(made["sp2"], position=at)


def test_a_stranger_is_refused(made: dict[str, Path]):
    with closing(read_store(made["sp1"])) as connection:
        assert_served(connection, network(), "sp1", BROKER)
        for other in (INVESTOR, "529900NOBODY00000001"):
            with pytest.raises(FiguresError, match=f"sp1 does not act for {other}"):
                assert_served(connection, network(), "sp1", other)


@pytest.mark.parametrize("sp", ["sp1", "sp2"])
def test_a_replay_gives_the_same(made: dict[str, Path], sp: str):
    found = checked(made[sp], sp)
    verification = found.verification
    assert verification is not None
    assert (verification.same, verification.differing, verification.found) == (True, (), 0)
    assert found.model_copy(update={"verification": None}) == counted(made[sp])


def test_a_doctored_outcome_is_found(made: dict[str, Path], tmp_path: Path):
    """A mismatch was made a match in the store: the figures are the ledger's, and it is told."""
    doctored = altered(
        made["sp1"],
        tmp_path,
        'UPDATE outcome SET outcome = replace(outcome, \'"status":"MISM","terms"\','
        ' \'"status":"MAGR","terms"\') WHERE status = \'MISM\'',
    )
    assert counted(doctored).total.agreed_exactly == 4
    found = checked(doctored, "sp1")
    assert (found.total.agreed_exactly, found.total.mismatched) == (3, 1)
    assert found.verification is not None
    assert not found.verification.same
    assert "total.agreed_exactly: 4 by the store, 3 by the ledger" in found.verification.differing
    assert any(
        "outcome in the store is not what the ledger gives" in one for one in found.verification.findings
    )


def test_an_outcome_that_is_gone_or_none_is_found(made: dict[str, Path], tmp_path: Path):
    gone = altered(made["sp1"], tmp_path / "gone", "DELETE FROM outcome WHERE status = 'MISM'")
    found = checked(gone, "sp1").verification
    assert found is not None
    assert "total.mismatches: 0 by the store, 2 by the ledger" in found.differing
    broken = altered(
        made["sp1"], tmp_path / "broken", "UPDATE outcome SET outcome = '{}' WHERE status = 'MISM'"
    )
    with pytest.raises(FiguresError, match="run `yakujo audit`"):
        counted(broken)
    found = checked(broken, "sp1").verification
    assert found is not None
    assert (found.same, "cannot be counted" in found.differing[0]) == (False, True)


def test_what_waits_to_be_judged_cannot_be_counted(made: dict[str, Path], tmp_path: Path):
    """A node that lacks a contract, or that was told to stop, counts what was judged before, and no more."""
    last = counted(made["sp1"]).position
    insertion = "INSERT INTO deferred VALUES (:at, x'00', 0, NULL, NULL)"
    waiting = altered(made["sp1"], tmp_path, insertion, at=last - 2)
    with pytest.raises(FiguresError, match=f"count up to {last - 3}"):
        counted(waiting)
    assert counted(waiting, position=last - 3) == counted(made["sp1"], position=last - 3)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE state SET value = 'none' WHERE class = 'Messages'",
        "DELETE FROM tile",
        "UPDATE outcome SET outcome = CAST(x'ff' AS TEXT) WHERE kind = 'receipt'",
    ],
)
def test_what_was_not_written_so_is_not_counted(made: dict[str, Path], tmp_path: Path, damage: str):
    """One sentence, no figure; the audit says what it is, and the ledger still gives the figures."""
    damaged = altered(made["sp1"], tmp_path, damage)
    with pytest.raises(FiguresError, match="yakujo audit"):
        counted(damaged)
    found = checked(damaged, "sp1")
    assert found.total == counted(made["sp1"]).total
    assert found.verification is not None
    assert not found.verification.same


def rows_of(sheet: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(sheet.read_bytes().decode("utf-8"), newline="")))


def test_sheets_read_back_to_the_same_figures(made: dict[str, Path], tmp_path: Path):
    """Every number of the report stands in a sheet, and reads as the number that it is."""
    found = counted(made["sp1"], institution=BROKER)
    written = write_csv(found, tmp_path / "sheets")
    assert {path.name for path in written} == {f"{table.name}.csv" for table in tables(found)}
    sheets = {path.stem: rows_of(path) for path in written}
    [total] = sheets["total"]
    assert {name: total[name] for name in Figures.model_fields if name in total} == {
        name: "" if number is None else str(number) for name, number in found.total if name != "to_match"
    }
    assert Decimal(total["to_match_median_seconds"]) == found.total.to_match.median_seconds
    for name in ("days", "relationships", "funds", "fields", "causes", "rules", "cards"):
        assert len(sheets[name]) == len(getattr(found, name)), name
    assert [(row["broker"], row["investor"], int(row["trades"])) for row in sheets["relationships"]] == [
        (pair.broker, pair.investor, pair.figures.trades) for pair in found.relationships
    ]
    assert [(row["field"], int(row["mismatches"]), int(row["open"])) for row in sheets["fields"]] == [
        (field.field, field.mismatches, field.open) for field in found.fields
    ]
    assert [(row["counterparty"], Decimal(row["response_median_seconds"])) for row in sheets["cards"]] == [
        (card.counterparty, card.response.median_seconds) for card in found.cards
    ]
    [ledger] = sheets["ledger"]
    assert (ledger["root"], int(ledger["position"])) == (found.root, found.position)
    assert b"\r\n" in (tmp_path / "sheets" / "total.csv").read_bytes()


def test_json_says_the_same(made: dict[str, Path]):
    found = counted(made["sp1"], institution=BROKER)
    assert FiguresReport.model_validate(json.loads(found.model_dump_json())) == found
