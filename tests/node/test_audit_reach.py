"""An audit claims no more than it has checked: what keys do not open, or nobody can any more, is told."""

import asyncio
import datetime
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from audits import altered, audited, confirmed, own, value
from forging import entries, say, stated
from founding import BROKER, INVESTOR, RIVAL, identity_of, keys_of, network
from messages import block, file, report
from scene import DAY, Scene, in_folder, running

from node.act import Shred
from node.audit_keys import AuditKeys, keys_in
from node.audit_report import AuditReport
from node.day_secret import DaySecret
from node.entry import KeyEntry
from node.memory_ledger import MemoryLedger
from node.reader_keys import create_reader
from node.sealing import grant_secret, open_secret
from node.store import STORE_FILE

DAYS = [DAY + timedelta(days=number) for number in range(3)]
READERS = {"whole": DAYS, "begins": DAYS[:2], "ends": DAYS[1:], "stranger": []}


async def trades_of(scene: Scene, days: Iterable[datetime.date]) -> None:
    """On each day a trade with either investor."""
    for day in days:
        for node in scene.nodes.values():
            node.today = day
        await confirmed(scene, f"I-{day}")
        await confirmed(scene, f"R-{day}", "rival")


def secrets_of(scene: Scene, investor: str) -> list[DaySecret]:
    """The secrets of the broker and an investor, in order."""
    made = [one.entry for one in entries(scene.sp1) if isinstance(one.entry, KeyEntry)]
    opened = [open_secret(entry, network().id, keys_of("sp1").opening_keys(entry.day)) for entry in made]
    return [one.secret for one in opened if one is not None and one.secret.investor == investor]


async def granted(scene: Scene, folder: Path) -> None:
    """Each reader is granted its days of INVESTOR, one after the other."""
    secrets = secrets_of(scene, INVESTOR)
    for name, days in READERS.items():
        public = create_reader(folder / name, name, None).encryption.public
        for secret in secrets:
            if secret.day in days:
                await say(scene, scene.sp2, grant_secret(secret, public))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of three nodes and of the readers."""
    root = tmp_path_factory.mktemp("granted")

    async def work() -> None:
        scene = in_folder(root, MemoryLedger())
        async with running(scene):
            await trades_of(scene, DAYS)
            await granted(scene, root)

    asyncio.run(work())
    return root


def reader(made: Path, name: str) -> AuditKeys:
    return keys_in(made / name, None, network())


def reach(found: AuditReport) -> Mapping[str, tuple[str, str]]:
    return {one.investor: (one.replayed, one.reason) for one in found.relationships}


def altered_on(made: Path, folder: Path, sp: str, trade: str) -> tuple[Path, int]:
    """A copy of a node's store with another decision about the broker's word on a trade, and its position."""
    store = made / sp / STORE_FILE
    position = int(value(store, "SELECT MIN(position) FROM reference WHERE reference = ?", f"B-{trade}"))
    change = "UPDATE decided SET digest = 'altered' WHERE position = :position"
    return altered(store, folder / trade, change, position=position), position


def test_a_reader_replays_what_was_granted_whole(made: Path):
    """Grants at the archive's end open everything from the beginning on, where it stood."""
    store = made / "sp2" / STORE_FILE
    found = audited(store, reader(made, "whole"))
    assert found.findings == ()
    assert found.keys == "that of the reader whole"
    assert reach(found)[INVESTOR] == ("whole", "")
    assert reach(found)[RIVAL] == ("not", "these keys do not open it from its beginning")
    assert found.checked["decisions"] == found.checked["submissions"] == 6
    assert found.not_checked == ("6 submissions under secrets that these keys do not open",)


def test_a_reader_finds_what_was_altered(made: Path, tmp_path: Path):
    """On every day of what was granted; of the rest the audit says that it was not checked."""
    for day in DAYS:
        store, position = altered_on(made, tmp_path, "sp1", f"I-{day}")
        found = audited(store, reader(made, "whole"))
        assert [(one.subject, one.position) for one in found.findings] == [("decided", position)]
    store, _ = altered_on(made, tmp_path, "sp1", f"R-{DAYS[0]}")
    found = audited(store, reader(made, "whole"))
    assert (found.findings, reach(found)[RIVAL][0]) == ((), "not")


def test_a_reader_of_the_first_days_replays_those(made: Path, tmp_path: Path):
    """What came later cannot be compared; what came before is."""
    found = audited(made / "sp1" / STORE_FILE, reader(made, "begins"))
    assert found.findings == ()
    replayed, reason = reach(found)[INVESTOR]
    assert (replayed, found.checked["decisions"]) == ("in part", 4)
    assert reason.startswith(f"these keys open its secrets up to that of {DAYS[1]}: from position ")
    for day, subjects in ((DAYS[1], ["decided"]), (DAYS[2], [])):
        store, _ = altered_on(made, tmp_path, "sp1", f"I-{day}")
        assert [one.subject for one in audited(store, reader(made, "begins")).findings] == subjects


def test_a_reader_of_later_days_compares_what_was_said(made: Path, tmp_path: Path):
    """Without the first day no contract can be replayed, and the report says which day is missing."""
    store = made / "sp1" / STORE_FILE
    found = audited(store, reader(made, "ends"))
    assert found.findings == ()
    assert reach(found)[INVESTOR] == (
        "not",
        f"its secret of {DAYS[0]} was not granted, and so not all from the first on",
    )
    assert found.checked["submissions opened, without replay"] == 4
    assert "decisions" not in found.checked
    position = int(value(store, "SELECT MIN(position) FROM reference WHERE reference = ?", f"B-I-{DAYS[1]}"))
    change = "UPDATE said SET submission = replace(submission, '2845.5', '2845.6') WHERE position = :position"
    found = audited(altered(store, tmp_path, change, position=position), reader(made, "ends"))
    assert [(one.subject, one.position) for one in found.findings] == [("said", position)]


def test_a_reader_who_was_granted_nothing_is_told_so(made: Path):
    found = audited(made / "sp2" / STORE_FILE, reader(made, "stranger"))
    assert found.findings == ()
    assert {replayed for replayed, _ in reach(found).values()} == {"not"}
    assert found.not_checked == ("12 submissions under secrets that these keys do not open",)
    assert found.checked["blocks"] == found.sequence


def test_a_reader_finds_nothing_wrong_with_a_store_that_read_less(made: Path):
    """A member that is party to nothing has a right archive, too."""
    found = audited(made / "sp3" / STORE_FILE, reader(made, "whole"))
    assert found.findings == ()
    assert reach(found)[INVESTOR] == ("not", "this store does not read it from its beginning")


async def destroyed(scene: Scene, day: datetime.date, *, spans: bool) -> None:
    """A day's trades, and the next day's; then both sides have the first day destroyed.

    spans: one trade is of both days.
    """
    await trades_of(scene, [day])
    if spans:
        await scene.sp1.arrives("broker", report("B-spans"), "report spans")
        await scene.settled()
    await trades_of(scene, [day + timedelta(days=1)])
    if spans:
        await scene.sp2.arrives("investor", file(block("A-spans", order="B-spans")), "file spans")
        await scene.settled()
    for lei in (BROKER, INVESTOR):
        await say(scene, scene.sp2, stated(Shred(institution=lei, number=1, day=day), identity_of(lei)))
    await confirmed(scene, "after")


@pytest.mark.parametrize("spans", [True, False])
async def test_a_destroyed_day_is_told(tmp_path: Path, *, spans: bool):
    """What rests on it cannot be replayed; what is public of it, and what does not rest on it, is checked."""
    scene = in_folder(tmp_path, MemoryLedger())
    async with running(scene):
        await confirmed(scene, "before")
        await destroyed(scene, DAY + timedelta(days=1), spans=spans)
    keys = own("sp1")
    keys.ring.destroy_day(BROKER, DAY + timedelta(days=1))
    found = await asyncio.to_thread(audited, tmp_path / "sp1" / STORE_FILE, keys)
    assert found.findings == ()
    assert found.checked["blocks"] == found.sequence
    replayed, reason = reach(found)[INVESTOR]
    assert replayed == ("in part" if spans else "whole")
    assert bool(reason) is spans
    assert reason.startswith(f"{DAY + timedelta(days=1)} of it was destroyed: from position ") is spans
    store, position = altered_on(tmp_path, tmp_path / "altered", "sp1", "before")
    found = await asyncio.to_thread(audited, store, keys)
    assert [(one.subject, one.position) for one in found.findings] == [("decided", position)]
