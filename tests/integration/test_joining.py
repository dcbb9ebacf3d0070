"""A network that runs takes in a new member, a new SP for an institution, and parts from both again."""

import asyncio
import datetime
import sqlite3
import tomllib
from contextlib import ExitStack, closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from node.block import Block, sign_block
from node.entry import RetireEntry, encode_entry
from node.jetstream import JetStreamLedger, LedgerSettings
from node.key_files import load_keys
from node.network import load_network
from tests.integration.consortium import MANAGER, Consortium, done, level, running
from tests.running_node import as_data, until, yakujo

ALL = ("sp1", "sp2", "sp3", "sp4")
pytestmark = [pytest.mark.xdist_group("running node"), pytest.mark.timeout(180)]


def test_a_fourth_joins_takes_part_and_leaves(tmp_path: Path):
    """Admitted by the members, delegated to by an institution, granted the past: it comes to the same as all.

    Revoked and removed, it can neither read nor speak any more, and nobody minds what it still publishes.
    """
    with running(tmp_path) as consortium, ExitStack() as stack:
        consortium.report(1)
        consortium.allocate("sp2", 1)
        until(lambda: consortium.statuses("sp1") == ["MAGR"])
        follow(consortium)
        stack.callback(consortium.daemons["sp4"].end)
        admit(consortium)
        delegate(consortium)
        grant_the_past(consortium)
        serve_the_manager(consortium)
        consortium.report(2)
        consortium.allocate("sp4", 2)
        until(lambda: all(consortium.statuses(sp) == ["MAGR", "MAGR"] for sp in ("sp1", "sp2", "sp4")))
        assert chains(consortium, "sp4", "complete") == [True]
        until(lambda: answers(consortium, "out"))
        level(consortium, *ALL)
        revoke(consortium)
        remove(consortium, "sp3")
        go_on_without(consortium, "sp3")


def follow(consortium: Consortium) -> None:
    """sp4 makes its keys, and runs on the founders' network file before it is a member."""
    folder, founder = consortium.folder("sp4"), consortium.folder("sp1")
    done("init", folder, "--member", "--sp", "sp4", "--institution", MANAGER)
    (folder / "network.toml").write_bytes((founder / "network.toml").read_bytes())
    secret = folder / "keys" / "cluster.secret"
    secret.touch(mode=0o600)
    secret.write_bytes((founder / "keys" / "cluster.secret").read_bytes())
    text = (folder / "node.toml").read_text()
    ledger = consortium.settings("sp4").ledger
    assert ledger.kind == "embedded"
    for name in ("client_port", "cluster_port", "monitor_port"):
        shown = tomllib.loads(text)["ledger"][name]
        text = text.replace(f"{name} = {shown}", f"{name} = {getattr(ledger, name)}")
    routes = ", ".join(f'"{route}"' for route in ledger.routes)
    (folder / "node.toml").write_text(text.replace("routes = []", f"routes = [{routes}]"))
    assert [c["text"] for c in as_data("check", folder) if c["verdict"] == "error"] == []
    consortium.daemons["sp4"].start()
    consortium.daemons["sp4"].wait_until_it_runs()
    until(lambda: "this SP is no member" in consortium.daemons["sp4"].logged())
    level(consortium, *ALL)
    refused = yakujo("remove", "sp3", folder)
    assert (refused.returncode, "sp4 is no member" in refused.stderr) == (2, True)


def admit(consortium: Consortium) -> None:
    card = consortium.folder("sp4") / "member.toml"
    first = consortium.told("admit", card, consortium.folder("sp1"))
    assert (first["in_effect"], first["voted"], first["needed"]) == (False, ["sp1"], 2)
    again = yakujo("admit", card, consortium.folder("sp1"))
    assert (again.returncode, "sp1 has said so already" in again.stderr) == (2, True)
    assert consortium.told("admit", card, consortium.folder("sp2"))["in_effect"]
    until(lambda: "sp4" in members(consortium, "sp4"))


def members(consortium: Consortium, sp: str) -> dict[str, list[str]]:
    """Whom each member acts for, as a node sees it."""
    found = as_data("members", consortium.folder(sp))["members"]
    return {one["sp"]: one["acts_for"] for one in found}


def delegate(consortium: Consortium) -> None:
    """By the institution's word alone, which any member may carry."""
    statement = consortium.root / "delegation.json"
    card = consortium.folder("sp4") / "member.toml"
    where = ("--network", consortium.folder("sp1") / "network.toml", "--number", "1", "--output", statement)
    done("delegate", consortium.identity(MANAGER), card, *where)
    assert consortium.told("submit", statement, consortium.folder("sp3"))["in_effect"]
    until(lambda: members(consortium, "sp4")["sp4"] == [MANAGER])


def grant_the_past(consortium: Consortium) -> None:
    """What was said before it came, readable for sp4 and whoever has its key of that day."""
    today = datetime.datetime.now(ZoneInfo("Asia/Tokyo")).date().isoformat()
    whose = ("--institution", MANAGER)
    done("keys", "announce", consortium.folder("sp4"), *whose, "--from", today, "--to", today)
    level(consortium, *ALL)
    granted = done("keys", "grant", consortium.folder("sp2"), *whose, "--sp", "sp4")
    assert granted == "secrets granted: 1, on the ledger\n"
    until(lambda: chains(consortium, "sp4", "granted") == [True])


def chains(consortium: Consortium, sp: str, what: str) -> list[bool]:
    """What a node says of the secrets of its relationships."""
    return [chain[what] for chain in as_data("keys", "list", consortium.folder(sp))["chains"]]


def serve_the_manager(consortium: Consortium) -> None:
    daemon = consortium.daemons["sp4"]
    daemon.end()
    consortium.serve("sp4", "manager-cp932")
    daemon.start()
    daemon.wait_until_it_runs()


def answers(consortium: Consortium, part: str) -> list[bytes]:
    """What the manager has been told through sp4."""
    folder = consortium.folder("sp4") / "exchange" / "manager-cp932" / part
    return [path.read_bytes() for path in folder.glob("[!.]*")]


def revoke(consortium: Consortium) -> None:
    """sp4 goes on as a member, and knows nothing of what the institution says from here on."""
    statement = consortium.root / "revocation.json"
    where = ("--network", consortium.folder("sp1") / "network.toml", "--number", "2", "--output", statement)
    done("revoke", consortium.identity(MANAGER), "sp4", *where)
    assert consortium.told("submit", statement, consortium.folder("sp1"))["in_effect"]
    until(lambda: members(consortium, "sp4")["sp4"] == [])
    consortium.report(3)
    consortium.allocate("sp2", 3)
    until(lambda: consortium.statuses("sp1") == consortium.statuses("sp2") == ["MAGR"] * 3)
    level(consortium, *ALL)
    assert consortium.statuses("sp4") == ["MAGR"] * 2
    consortium.allocate("sp4", 4)
    until(lambda: answers(consortium, "error"))
    assert any("act for you" in raw.decode("cp932", "replace") for raw in answers(consortium, "error"))
    assert as_data("status", consortium.folder("sp4"))["outbox"] == 0


def remove(consortium: Consortium, sp: str) -> None:
    """Its server still takes its blocks; every node passes over them alike."""
    for voter in ("sp1", "sp2", "sp4"):
        told = consortium.told("remove", sp, consortium.folder(voter))
    assert told["in_effect"]
    until(lambda: all(sp not in members(consortium, other) for other in ALL))
    level(consortium, *ALL)
    sequence = asyncio.run(publish(consortium, sp))
    until(lambda: all(fault(consortium, other, sequence) == "member" for other in ALL))
    level(consortium, *ALL)
    assert consortium.statuses("sp1") == ["MAGR"] * 3


def go_on_without(consortium: Consortium, sp: str) -> None:
    """What its server kept is made anew on the fourth, and the members go on."""
    assert "is a member" in yakujo("relocate", "sp2", consortium.folder("sp1")).stderr
    assert "sp1, sp2, sp4." in done("relocate", sp, consortium.folder("sp1"))
    consortium.daemons[sp].end()
    consortium.report(5)
    consortium.allocate("sp2", 5)
    until(lambda: consortium.statuses("sp1") == consortium.statuses("sp2") == ["MAGR"] * 4)
    level(consortium, "sp1", "sp2", "sp4")


async def publish(consortium: Consortium, sp: str) -> int:
    """Put a block of an SP on the ledger, by its own server and with its own key; its sequence."""
    folder, ledger = consortium.folder(sp), consortium.settings(sp).ledger
    assert ledger.kind == "embedded"
    network = load_network(folder / "network.toml")
    with closing(sqlite3.connect(f"file:{folder}/data/yakujo.db?mode=ro", uri=True)) as connection:
        (last,) = connection.execute("SELECT MAX(seq) FROM archive WHERE sp = ?", (sp,)).fetchone()
    block = Block(1, network.id, sp, (last or 0) + 1, 0, (encode_entry(RetireEntry(bytes(32))),))
    password = (folder / "data" / "nats" / "client.password").read_text().strip()
    url = f"nats://127.0.0.1:{ledger.client_port}"
    settings = LedgerSettings((url,), "yakujo", password, "LEDGER", sp, network.replicas, create=False)
    async with JetStreamLedger(settings) as server:
        return await server.append(sign_block(block, load_keys(folder / "keys", None).signing), "by hand")


def fault(consortium: Consortium, sp: str, sequence: int) -> str | None:
    """Why a node passed over a block."""
    path = consortium.folder(sp) / "data" / "yakujo.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        row = connection.execute("SELECT fault FROM archive WHERE sequence = ?", (sequence,)).fetchone()
    return row[0] if row else None
