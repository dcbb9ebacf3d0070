"""Promises about day keys: a destroyed day is gone for good, and every other day is as it was."""

import hashlib
import hmac
import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node import cbor
from node.day_keys import (
    FIRST_DAY,
    LAST_DAY,
    LEVELS,
    NO_DAYS,
    DayDestroyedError,
    DayKeyError,
    DayOutOfRangeError,
    DayTree,
    DayTreeBrokenError,
    day_tree,
    new_day_tree,
)
from node.key_errors import KeyFileError, KeyFileMissingError
from node.key_files import create_keys, destroy_day, load_keys
from node.key_form import FILE_BYTES_MAX
from node.xwing import encryption_key

ROOT = hashlib.sha256(b"a root for tests").digest()
LEI = "54930000000000000A01"
DAY, NEXT_DAY = date(2026, 11, 20), date(2026, 11, 21)

days = st.dates(FIRST_DAY, LAST_DAY)
near_days = st.dates(date(2026, 11, 1), date(2026, 11, 30))  # so that destroyed days share most of their way


def without(tree: DayTree, gone: list[date]) -> DayTree:
    for day in gone:
        tree = tree.destroyed(day)
    return tree


def places_above(day: date) -> set[int]:
    """All places of the tree whose seed would give the day's key."""
    leaf = 2**LEVELS + (day - FIRST_DAY).days
    return {leaf >> up for up in range(LEVELS + 1)}


def test_keys_are_derived_as_the_docstring_says() -> None:
    """Another program can make the same keys; and no later version may make others."""
    seed = ROOT
    for bit in f"{(DAY - FIRST_DAY).days:016b}":
        seed = hmac.digest(seed, b"yakujo day tree 1\x00" + bytes([int(bit)]), "sha256")
    assert day_tree(ROOT).key(DAY).public_bytes == encryption_key(seed).public_bytes
    assert seed.hex() == "a6e3000d22c9e27853cc218718d0a7679582530e9ba6d655874b7a5b8d9009c7"


def test_days_have_different_keys() -> None:
    tree = new_day_tree()
    keys = {tree.key(DAY + timedelta(days=number)).public_bytes for number in range(20)}
    assert len(keys) == 20
    assert tree.key(DAY).public_bytes in keys
    assert new_day_tree().key(DAY).public_bytes not in keys


@given(st.lists(days | near_days, max_size=8), days | near_days, st.randoms(use_true_random=False))
def test_destroying_in_any_order_leaves_the_rest(gone: list[date], other: date, chance: Random) -> None:
    tree = day_tree(ROOT)
    left = without(tree, gone)
    again = without(tree, chance.sample(gone, len(gone)))
    assert left == again
    if other not in gone:
        assert left.key(other).public_bytes == tree.key(other).public_bytes
    for day in gone:
        assert day not in left
        assert places_above(day).isdisjoint(left.seeds)
        with pytest.raises(DayDestroyedError, match=str(day)):
            left.key(day)
    assert len(left.seeds) <= 1 + (LEVELS - 1) * len(set(gone))
    assert DayTree.from_bytes(left.to_bytes()) == left


@given(st.lists(near_days, min_size=1, max_size=4))
def test_no_seed_that_is_left_was_above_a_destroyed_day(gone: list[date]) -> None:
    """Also by value: the seeds on the way to the day are all replaced, and none stays under another place."""
    tree = day_tree(ROOT)
    on_the_way = {ROOT}
    for day in gone:
        seed = ROOT
        for bit in f"{(day - FIRST_DAY).days:016b}":
            seed = hmac.digest(seed, b"yakujo day tree 1\x00" + bytes([int(bit)]), "sha256")
            on_the_way.add(seed)
    assert on_the_way.isdisjoint(without(tree, gone).seeds.values())


def test_the_first_and_the_last_day() -> None:
    tree = day_tree(ROOT)
    assert date(2149, 6, 6) == LAST_DAY
    assert tree.key(FIRST_DAY).public_bytes != tree.key(LAST_DAY).public_bytes
    left = tree.destroyed(FIRST_DAY).destroyed(LAST_DAY)
    assert left.key(FIRST_DAY + timedelta(days=1)).public_bytes == tree.key(date(1970, 1, 2)).public_bytes
    for day in (FIRST_DAY - timedelta(days=1), LAST_DAY + timedelta(days=1)):
        assert day not in tree
        for use in (tree.key, tree.destroyed):
            with pytest.raises(DayOutOfRangeError, match=str(day)):
                use(day)
    assert issubclass(DayOutOfRangeError, DayKeyError)


def test_a_day_is_destroyed_once() -> None:
    left = day_tree(ROOT).destroyed(DAY)
    assert left.destroyed(DAY) is left
    with pytest.raises(DayDestroyedError):
        NO_DAYS.key(DAY)


def test_a_tree_stays_small() -> None:
    """Days that follow one another cost next to nothing; the worst that can be fits into a key file."""
    ten_years = without(
        day_tree(ROOT), [FIRST_DAY + timedelta(days=20_000 + number) for number in range(3650)]
    )
    assert len(ten_years.seeds) <= 2 * LEVELS
    every_second = DayTree({2**LEVELS + number: bytes(32) for number in range(0, 2**LEVELS, 2)})
    assert len(every_second.to_bytes()) * 4 / 3 + 1000 < FILE_BYTES_MAX


def test_the_latest_keys_are_at_hand_and_no_more_than_a_few() -> None:
    tree = day_tree(ROOT)
    assert tree.key(DAY) is tree.key(DAY)
    for number in range(100):
        tree.key(DAY + timedelta(days=number))
    assert len(tree._keys) < 10


def test_a_tree_shows_nothing() -> None:
    tree = day_tree(ROOT)
    tree.key(DAY)
    assert repr(tree) == "DayTree()"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        cbor.encode([]),
        cbor.encode(["yakujo day tree 2", {1: ROOT}]),
        cbor.encode(["yakujo day tree 1", [1, ROOT]]),
        cbor.encode(["yakujo day tree 1", {0: ROOT}]),
        cbor.encode(["yakujo day tree 1", {2 ** (LEVELS + 1): ROOT}]),
        cbor.encode(["yakujo day tree 1", {1: ROOT[1:]}]),
        cbor.encode(["yakujo day tree 1", {1: "text"}]),
        cbor.encode(["yakujo day tree 1", {1: ROOT, 5: ROOT}]),
        cbor.encode(["yakujo day tree 1", {3: ROOT, 2**LEVELS * 2 - 1: ROOT}]),
    ],
)
def test_what_is_not_a_tree_is_refused(raw: bytes) -> None:
    with pytest.raises(DayTreeBrokenError):
        DayTree.from_bytes(raw)


def test_a_root_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32"):
        day_tree(b"short")


def test_a_day_is_destroyed_on_disk(tmp_path: Path) -> None:
    """After `keys shred` the directory gives the day to nobody, and everything else as before."""
    folder = tmp_path / "keys"
    before = create_keys(folder, [LEI], None).institutions[LEI]
    with (folder / f"{LEI}.key").open("rb") as old:
        left = destroy_day(folder, LEI, DAY, None)
        assert set(old.read()) == {0}, "the old bytes were not overwritten"
    after = load_keys(folder, None).institutions[LEI]
    assert after.days == left
    assert DAY not in after.days
    assert after.days.key(NEXT_DAY).public_bytes == before.days.key(NEXT_DAY).public_bytes
    assert after.encryption.public_bytes == before.encryption.public_bytes
    assert after.signing.private_bytes_raw() == before.signing.private_bytes_raw()
    assert (folder / f"{LEI}.key").stat().st_mode & 0o777 == 0o600


def test_destroying_twice_changes_nothing(tmp_path: Path) -> None:
    create_keys(tmp_path, [LEI], None)
    tmp_path.chmod(0o700)
    left = destroy_day(tmp_path, LEI, DAY, None)
    content = (tmp_path / f"{LEI}.key").read_bytes()
    assert destroy_day(tmp_path, LEI, DAY, None) == left
    assert (tmp_path / f"{LEI}.key").read_bytes() == content


def test_a_read_only_key_file_can_lose_a_day(tmp_path: Path) -> None:
    """Operators like to protect keys from themselves."""
    create_keys(tmp_path / "keys", [LEI], None)
    (tmp_path / "keys" / f"{LEI}.key").chmod(0o400)
    assert DAY not in destroy_day(tmp_path / "keys", LEI, DAY, None)


def test_what_a_crash_left_goes_too(tmp_path: Path) -> None:
    """A half-made file of an earlier run holds the day that is destroyed now."""
    folder = tmp_path / "keys"
    create_keys(folder, [LEI], None)
    whole = (folder / f"{LEI}.key").read_bytes()
    (folder / f".{LEI}.key.0123456789abcdef").write_bytes(whole)
    os.link(folder / f"{LEI}.key", folder / f".{LEI}.key.fedcba9876543210")  # a crash right after it was made
    destroy_day(folder, LEI, DAY, None)
    assert sorted(path.name for path in folder.iterdir()) == [f"{LEI}.key", "sp.key"]
    assert DAY not in load_keys(folder, None).institutions[LEI].days


def test_only_an_institution_of_the_node_has_days(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys", [LEI], None)
    with pytest.raises(KeyFileMissingError, match="54930000000000000C03"):
        destroy_day(tmp_path / "keys", "54930000000000000C03", DAY, None)
    with pytest.raises(KeyFileMissingError):
        destroy_day(tmp_path / "none", LEI, DAY, None)
    with pytest.raises(KeyFileError):
        destroy_day(tmp_path / "keys", "sp", DAY, None)
    with pytest.raises(DayOutOfRangeError):
        destroy_day(tmp_path / "keys", LEI, date(2200, 1, 1), None)


# Ends like a power cut before the nth step that touches the directory; exit code 0 if there are fewer.
CRASHING = """
import datetime, os, sys
from pathlib import Path
from node.key_files import destroy_day
folder, step = sys.argv[1], int(sys.argv[2])
def ended(event, arguments):
    global step
    if event in {"open", "os.chmod", "os.rename", "os.remove", "os.link"} and folder in str(arguments[0]):
        step -= 1
        if step < 0:
            os._exit(9)
sys.addaudithook(ended)
destroy_day(Path(folder), sys.argv[3], datetime.date(2026, 11, 20), None)
"""


def test_a_crash_at_any_step_leaves_whole_keys(tmp_path: Path) -> None:
    """The keys load after a crash, with the day or without it, and the same command does the rest."""
    outcomes = set()
    for step in range(30):
        folder = tmp_path / str(step)
        before = create_keys(folder, [LEI], None).institutions[LEI].days
        command = [sys.executable, "-c", CRASHING, str(folder), str(step), LEI]
        code = subprocess.run(command, check=False, timeout=60).returncode
        after = load_keys(folder, None).institutions[LEI].days
        assert after in (before, before.destroyed(DAY))
        outcomes.add((code, DAY in after))
        assert destroy_day(folder, LEI, DAY, None) == before.destroyed(DAY)
        assert sorted(path.name for path in folder.iterdir()) == [f"{LEI}.key", "sp.key"]
        assert json.loads((folder / f"{LEI}.key").read_text())["owner"] == LEI
        if code == 0:
            break
    assert {(9, True), (9, False), (0, False)} == outcomes
