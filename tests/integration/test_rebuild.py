"""Most servers have lost their data: the members put the ledger back from their archives, and go on."""

import asyncio
import shutil
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from node.demo import Demo
from node.demo.programme import programme
from node.demo.providers import Part
from node.rebuild import enter, look, propose, sign
from node.settings import load_settings
from node.setup import NODE_FILE
from tests.integration.consortium import Consortium, done, level, running
from tests.running_node import Daemon, as_data, free_ports, until, yakujo

ALL = ("sp1", "sp2", "sp3")
BLOCKS = 60
GIVEN_UP_SECONDS = 60.0
REASONS = ("yakujo rebuild", "its directory is lost")  # the node says so, or the guard of its own server

pytestmark = [pytest.mark.xdist_group("running node"), pytest.mark.timeout(400)]


async def test_under_load_nothing_is_lost_and_nobody_goes_on_alone(tmp_path: Path):
    """All daemons and servers are killed while messages flow, and two of three servers' disks are gone.

    Started as if nothing had been, those two do not go on. After the rebuild each message is answered once,
    and all archives are alike: what was on its way is published again behind what was carried over.
    """
    async with Demo(programme(BLOCKS, seed=7), tmp_path) as demo:
        async with asyncio.TaskGroup() as group:
            group.create_task(demo.play())
            await demo.until(0.4)
            assert demo.outstanding, "there is nothing left to be disturbed"
            for provider in demo.providers.values():
                await provider.kill(Part.DAEMON)
                await provider.end()
            folders = [provider.folder for provider in demo.providers.values()]
            lose(*folders[:2])
            await asyncio.to_thread(do_not_go_on, folders[:2])
            await asyncio.to_thread(rebuild, folders, tmp_path / "statement.toml")
            for provider in demo.providers.values():
                await provider.start()
        await demo.settle()
        assert demo.deviations() == []
    assert_alike(folders)
    for folder in folders:
        assert list((folder / "data").glob("nats-of-generation-1-*")), "what was there is kept"
    assert list((folders[2] / "data").glob("nats-of-generation-1-*/store/jetstream")), "old data is kept"


def test_an_archive_that_is_lost_too_comes_back(tmp_path: Path):
    """The longest that is left proposes; the member that has lost its own is restored, and takes part."""
    file = tmp_path / "statement.toml"
    with running(tmp_path) as consortium:
        folders = [consortium.folder(sp) for sp in ALL]
        trade(consortium, 1)
        level(consortium, *ALL)
        refused = yakujo("rebuild", folders[0])
        assert (refused.returncode, "a node is running already" in refused.stderr) == (2, True)
        for sp in ALL:
            consortium.daemons[sp].end()
        lose(*folders[:2])
        for path in (folders[1] / "data").glob("yakujo.db*"):
            path.unlink()
        agree(folders, file)
        for folder in folders:
            assert f"yakujo run {folder}" in done("rebuild", folder, "--apply", file)
        for sp in ("sp1", "sp3"):
            consortium.daemons[sp].start()
        done("restore", folders[1])  # its server is the third that the stream needs
        consortium.daemons["sp2"].start()
        for sp in ALL:
            consortium.daemons[sp].wait_until_it_runs()
        trade(consortium, 2)
        level(consortium, *ALL)
        for sp in ALL:
            consortium.daemons[sp].end()
        assert_alike(folders)
        for folder in folders[:2]:
            assert said(folder) == 4, "two messages of each side, each once"


def test_a_network_of_one_fills_its_server_again(tmp_path: Path):
    """There is nobody to get the stream back from but the node's own archive."""
    folder, file = tmp_path / "trial", tmp_path / "statement.toml"
    done("init", folder, "--port", str(free_ports(3)))
    daemon = Daemon(folder)
    with daemon:
        daemon.drop("broker-files", folder / "samples" / "report.fix")
        until(lambda: as_data("status", folder)["trades"])
    lose(folder)
    daemon.start()
    assert daemon.process.wait(GIVEN_UP_SECONDS) != 0
    assert "yakujo rebuild" in daemon.logged()
    daemon.end()
    done("rebuild", folder, "--propose", file)
    done("rebuild", folder, "--apply", file)
    before = archived(folder)
    with daemon:
        daemon.drop("manager-cp932", folder / "samples" / "allocations.csv")
        until(lambda: [row["status"] for row in as_data("trades", folder)] == ["MAGR"])
    assert archived(folder)[: len(before)] == before
    assert said(folder) == 2


def agree(folders: list[Path], file: Path) -> None:
    """sp3 proposes and sp1 signs; with too few signatures, or altered, the statement is worth nothing."""
    altered = file.with_name("altered.toml")
    longest = as_data("rebuild", folders[2])
    assert (longest["generation"], longest["sequence"]) == (1, len(archived(folders[2])))
    proposed = as_data("rebuild", folders[2], "--propose", file)
    assert (proposed["generation"], proposed["signed_by"], proposed["needed"]) == (2, ["sp3"], 2)
    altered.write_text(file.read_text().replace("generation = 2", "generation = 3"))
    for step, path, text in (
        ("--apply", file, "signed by sp3, and 2 of sp1, sp2 and sp3 must sign"),
        ("--sign", altered, "the signature of sp3 is not of this statement: it was altered"),
        ("--apply", altered, "the signature of sp3 is not of this statement: it was altered"),
    ):
        refused = yakujo("rebuild", folders[0], step, path)
        assert (refused.returncode, text in refused.stderr) == (2, True), refused.stderr
    assert "Next, at every node: enough have signed." in done("rebuild", folders[0], "--sign", file)


def lose(*folders: Path) -> None:
    """What a server keeps is gone."""
    for folder in folders:
        shutil.rmtree(folder / "data" / "nats" / "store")


def do_not_go_on(folders: list[Path]) -> None:
    """Their servers are a majority, and know of nothing: one node at least says so, and none runs."""
    before = [archived(folder) for folder in folders]
    attempts = [Daemon(folder) for folder in folders]
    with ExitStack() as stack:
        for attempt in attempts:
            attempt.start()
            stack.callback(attempt.end)
        until(lambda: any(text in one.logged() for one in attempts for text in REASONS), GIVEN_UP_SECONDS)
    assert not any("node runs" in attempt.logged() for attempt in attempts)
    assert [archived(folder) for folder in folders] == before


def rebuild(folders: list[Path], file: Path) -> None:
    """What the operators do: who has most proposes, another signs, all apply."""
    nodes = [load_settings(folder / NODE_FILE) for folder in folders]
    proposer, signer, _ = sorted(nodes, key=lambda node: look(node)[1].sequence, reverse=True)
    propose(proposer, file)
    sign(signer, file)
    for node in nodes:
        enter(node, file)


def trade(consortium: Consortium, number: int) -> None:
    """Both sides say the same of one more trade, and both hear that it matches."""
    consortium.report(number)
    consortium.allocate("sp2", number)
    until(lambda: consortium.statuses("sp1") == consortium.statuses("sp2") == ["MAGR"] * number)


def archived(folder: Path) -> tuple[bytes, ...]:
    """All blocks of a node."""
    return tuple(row[0] for row in rows(folder, "SELECT block FROM archive ORDER BY sequence"))


def assert_alike(folders: list[Path]) -> None:
    """Of nodes that were ended one after another, each has what the others have, as far as it came."""
    shortest, *others = sorted((archived(folder) for folder in folders), key=len)
    assert shortest
    assert all(blocks[: len(shortest)] == shortest for blocks in others)


def said(folder: Path) -> int:
    """How many different submissions a node has read, none of them twice."""
    [(count, distinct)] = rows(folder, "SELECT COUNT(*), COUNT(DISTINCT submission) FROM said")
    assert count == distinct
    return int(count)


def rows(folder: Path, query: str) -> list[tuple[bytes | int, ...]]:
    with closing(sqlite3.connect(f"file:{folder / 'data' / 'yakujo.db'}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()
