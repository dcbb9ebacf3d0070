"""A node's own archive has a say: who has more, or other blocks, never signs a statement."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from archives import PASSED_OVER, ROUNDS, Stopped, alter, founded, have, signers, traffic

from node.act import RemoveMember
from node.archive_comparison import LongerArchiveError, NotComparedError, OtherLedgerError
from node.generation import GenerationError, read_generation
from node.rebuild import ENDS_SHOWN, enter, look, propose, sign
from node.store import StoreDamagedError
from node.store_seal import seal_of


@pytest.fixture
def members(tmp_path: Path) -> dict[str, Stopped]:
    """Three members that have archived the same."""
    made = founded(tmp_path, "sp1", "sp2", "sp3")
    have(made, traffic(made.values(), ROUNDS))
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """What is passed between operators."""
    return tmp_path / "statement.toml"


def test_who_has_more_does_not_sign_but_proposes(members: dict[str, Stopped], file: Path, tmp_path: Path):
    """No block that any archive has is left out; the others then sign the longer statement."""
    members["sp2"].has([members["sp3"].block(b"acknowledged")])
    propose(members["sp1"].settings, file)
    with pytest.raises(LongerArchiveError, match="goes on to sequence 47, and the statement ends at 46"):
        sign(members["sp2"].settings, file)
    longer = tmp_path / "longer.toml"
    assert propose(members["sp2"].settings, longer).statement.generation == 3, "for 2 sp1 has signed another"
    assert signers(sign(members["sp1"].settings, longer)) == ["sp1", "sp2"]
    sign(members["sp3"].settings, file)
    with pytest.raises(LongerArchiveError):
        enter(members["sp2"].settings, file)


def test_an_archive_that_is_a_little_shorter_is_compared(members: dict[str, Stopped], file: Path):
    """Nodes end at different blocks when their servers go: the statement can be compared with each."""
    more = traffic(members.values(), 5)
    members["sp1"].has(more)
    members["sp2"].has(more[:4])
    assert len(propose(members["sp1"].settings, file).consistency) > len(more)
    assert signers(sign(members["sp2"].settings, file)) == ["sp1", "sp2"]
    for member in members.values():
        enter(member.settings, file)


def test_an_archive_that_is_much_shorter_is_compared_on_request(
    members: dict[str, Stopped], file: Path, tmp_path: Path
):
    """Who cannot compare does not sign, and is told how it can."""
    members["sp1"].has(traffic(members.values(), ENDS_SHOWN))
    propose(members["sp1"].settings, file)
    _, own = look(members["sp2"].settings)
    with pytest.raises(NotComparedError, match=f"--for-size {own.size}"):
        sign(members["sp2"].settings, file)
    again = tmp_path / "again.toml"
    proposed = propose(members["sp1"].settings, again, [own.size])
    assert proposed.statement == read_generation(file).statement, "it is the same statement"
    assert signers(sign(members["sp2"].settings, again)) == ["sp1", "sp2"]
    with pytest.raises(GenerationError, match=f"this archive has {own.size} entries"):
        propose(members["sp3"].settings, tmp_path / "third.toml", [own.size + 1])


@pytest.mark.parametrize("rounds", [0, 3])
def test_another_ledger_is_not_signed(tmp_path: Path, file: Path, rounds: int):
    """An archive that parts from the statement's, whether the statement goes on behind it or not."""
    members = founded(tmp_path, "sp1", "sp2", "sp3")
    blocks = traffic(members.values(), 4)
    one, other = members["sp1"].block(b"one"), members["sp2"].block(b"other")
    following = traffic(members.values(), rounds)
    have({"sp1": members["sp1"], "sp3": members["sp3"]}, [*blocks, one, *following])
    members["sp2"].has([*blocks, other])
    propose(members["sp1"].settings, file)
    with pytest.raises(OtherLedgerError, match="at sequence 14 it has"):
        sign(members["sp2"].settings, file)
    sign(members["sp3"].settings, file)
    with pytest.raises(OtherLedgerError, match="Do not go on"):
        enter(members["sp2"].settings, file)


def test_blocks_that_were_passed_over_are_part_of_it(tmp_path: Path, file: Path):
    """They are evidence: a proposer that has dropped or changed one is found out."""
    members = founded(tmp_path, "sp1", "sp2", "sp3")
    blocks = traffic(members.values(), 4)
    members["sp1"].has([*blocks, PASSED_OVER])
    members["sp2"].has([*blocks, b"what was really there"])
    assert look(members["sp1"].settings)[1].root == look(members["sp2"].settings)[1].root
    propose(members["sp1"].settings, file)
    with pytest.raises(OtherLedgerError):
        sign(members["sp2"].settings, file)


def test_votes_that_are_left_out_are_missed(tmp_path: Path, file: Path):
    """A proposer cannot bring back a member that was voted out: the others have the votes."""
    members = founded(tmp_path, "sp1", "sp2", "sp3")
    removal = RemoveMember(sp="sp3")
    have(members, [*traffic(members.values(), 2), members["sp1"].says(removal), members["sp2"].says(removal)])
    propose(members["sp1"].settings, file)
    alter(file, "acts", value=[])
    with pytest.raises(OtherLedgerError):
        sign(members["sp2"].settings, file)


def _digest(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE archive SET block = x'00' WHERE sequence = 5")


def _hole(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM archive WHERE sequence = 5")


def _tail(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM archive WHERE sequence > 40")


def _tree(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE tile SET hashes = zeroblob(length(hashes)) WHERE level = 0 AND number = 0")


@pytest.mark.parametrize("harm", [_digest, _hole, _tail, _tree])
def test_a_damaged_archive_does_not_speak(
    members: dict[str, Stopped], file: Path, harm: Callable[[sqlite3.Connection], None]
):
    """It neither proposes nor signs, and says what to do."""
    propose(members["sp1"].settings, file)
    path = members["sp2"].store
    with closing(sqlite3.connect(path)) as connection, connection:
        harm(connection)
    seal_of(path).unlink()
    for step in (sign, enter):
        with pytest.raises((GenerationError, StoreDamagedError), match="yakujo restore"):
            step(members["sp2"].settings, file)


def test_an_empty_archive_proposes_nothing_but_may_agree(
    members: dict[str, Stopped], file: Path, tmp_path: Path
):
    """A member that has lost everything still has a voice; it has nothing to compare."""
    shutil.rmtree(members["sp3"].folder / "data")
    with pytest.raises(GenerationError, match="archive is empty: a member that has the ledger must propose"):
        propose(members["sp3"].settings, tmp_path / "empty.toml")
    propose(members["sp1"].settings, file)
    assert signers(sign(members["sp3"].settings, file)) == ["sp1", "sp3"]
    with pytest.raises(GenerationError, match="exists and is not overwritten"):
        propose(members["sp2"].settings, file)
