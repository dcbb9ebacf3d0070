"""The commands by which people govern a network, beside a node that runs and without one."""

import datetime
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from node import key_wrapping
from node.block import archived_block
from node.day_secret import DaySecret
from node.entry import GrantEntry, KeyEntry, decode_entry
from node.inspection import reading
from node.network import load_network
from node.pkcs11_wrapping import TokenPlace
from node.reader_keys import load_reader
from node.sealing import open_grant
from node.settings import load_settings
from node.store import each
from tests import test_pkcs11
from tests.running_node import Daemon, as_data, free_ports, until, yakujo

token = test_pkcs11.place  # a token of its own, with a key that this test does not use
BROKER, MANAGER = "YAKUJOTRIALBROKER023", "YAKUJOTRIALFUNDS0017"
LONG_AGO = "2026-01-05"
pytestmark = pytest.mark.xdist_group("running node")


def trial(folder: Path) -> Daemon:
    """A network of one, not yet started."""
    made = yakujo("init", folder, "--port", str(free_ports(3)))
    assert made.returncode == 0, made.stderr
    return Daemon(folder)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One that runs, and has ordered a message."""
    daemon = trial(tmp_path_factory.mktemp("trial") / "node")
    with daemon:
        daemon.drop("broker-files", daemon.folder / "samples" / "report.fix")
        until(lambda: as_data("trades", daemon.folder))
        yield daemon


def said(*arguments: str | Path) -> str:
    """What a command prints that does what it should."""
    ended = yakujo(*arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def refused(*arguments: str | Path) -> str:
    """The sentence of a command that does nothing."""
    ended = yakujo(*arguments)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    return ended.stderr


def next_number(node: Daemon, institution: str) -> str:
    found = as_data("members", node.folder)["institutions"]
    return str(next(one["next_number"] for one in found if one["lei"] == institution))


def signing(node: Daemon, institution: str, output: Path) -> list[str | Path]:
    """The options of a statement of an institution, the next in turn."""
    number = next_number(node, institution)
    network = node.folder / "network.toml"
    return ["--network", network, "--number", number, "--output", output]


def identity(node: Daemon, institution: str) -> Path:
    return node.folder / "institutions" / institution


def test_members_shows_who_is_who(node: Daemon):
    found = as_data("members", node.folder)
    assert [(m["sp"], m["acts_for"]) for m in found["members"]] == [("sp1", [BROKER, MANAGER])]
    assert found["network"] == load_network(node.folder / "network.toml").id.hex()
    shown = said("members", node.folder)
    for part in (found["network"], found["members"][0]["key"], "Example Securities", BROKER):
        assert part in shown


def test_what_would_not_count_is_told_before_it_is_said(node: Daemon, tmp_path: Path):
    """Nothing goes on the ledger that every node would pass over."""
    before = as_data("members", node.folder)["history"]
    again = refused("admit", node.folder / "member.toml", node.folder)
    assert "it would not count: sp1 is already member" in again
    assert "the last member cannot be removed" in refused("remove", "sp1", node.folder)
    assert "'SP 1' is no SP's name" in refused("remove", "SP 1", node.folder)
    assert "sp9 is no member" in refused("remove", "sp9", node.folder)
    (tmp_path / "none.json").write_text("{}")
    assert "is not an institution's statement" in refused("submit", tmp_path / "none.json", node.folder)
    assert "cannot be read" in refused("submit", tmp_path / "absent.json", node.folder)
    (tmp_path / "vote.json").write_text('{"act":"remove_member","sp":"sp1"}')
    assert "is a vote of members" in refused("submit", tmp_path / "vote.json", node.folder)
    assert as_data("members", node.folder)["history"] == before


def test_an_institution_speaks_by_its_statements(node: Daemon, tmp_path: Path):
    """Signed where its key is, submitted by a member, each once and in turn."""
    first = tmp_path / "first.json"
    made = said(
        "delegate", identity(node, MANAGER), node.folder / "member.toml",
        *signing(node, MANAGER, first), "--until", "2100-12-31",
    )  # fmt: skip
    assert f"{MANAGER} lets sp1 act for it until 2100-12-31" in made
    shown = said("submit", first, node.folder)
    assert "in effect from there on" in shown
    assert "the next one is" in refused("submit", first, node.folder)
    [institution] = [i for i in as_data("members", node.folder)["institutions"] if i["lei"] == MANAGER]
    assert institution["delegations"] == [{"sp": "sp1", "until": "2100-12-31"}]
    taken = refused("delegate", identity(node, MANAGER), node.folder / "member.toml",
                    *signing(node, MANAGER, first))  # fmt: skip
    assert "exists and is not overwritten" in taken
    altered = tmp_path / "altered.json"
    other = tmp_path / "other.json"
    said("revoke", identity(node, MANAGER), "sp1", *signing(node, MANAGER, other))
    altered.write_text(other.read_text().replace("sp1", "sp2"))
    assert "not signed by the institution's identity key" in refused("submit", altered, node.folder)


def test_an_institution_may_change_its_identity(node: Daemon, tmp_path: Path):
    heir = tmp_path / "heir"
    said("identity", heir, "--institution", BROKER)
    assert "not overwritten" in refused("identity", heir, "--institution", BROKER)
    statement = tmp_path / "identity.json"
    said("replace-identity", identity(node, BROKER), heir, *signing(node, BROKER, statement))
    assert "in effect" in said("submit", statement, node.folder)
    late = tmp_path / "late.json"
    said("keys", "shred", identity(node, BROKER), LONG_AGO, *signing(node, BROKER, late))
    assert "not signed by the institution's identity key" in refused("submit", late, node.folder)
    wrong = refused("replace-identity", heir, identity(node, MANAGER), *signing(node, BROKER, tmp_path / "x"))
    assert f"the new identity is that of {MANAGER}" in wrong


def test_a_day_is_destroyed_once_it_is_over(node: Daemon, tmp_path: Path):
    early, good = tmp_path / "early.json", tmp_path / "good.json"
    said("keys", "shred", identity(node, MANAGER), "2100-01-05", *signing(node, MANAGER, early))
    assert "only a day that is over can be destroyed" in refused("submit", early, node.folder)
    said("keys", "shred", identity(node, MANAGER), LONG_AGO, *signing(node, MANAGER, good))
    assert f"{MANAGER} has its day {LONG_AGO} destroyed" in said("submit", good, node.folder)


def test_a_reader_is_granted_days(node: Daemon, tmp_path: Path):
    """An auditor opens what was granted to it; nobody else can tell whom it was for."""
    said("keys", "reader", tmp_path / "audit", "--name", "Audit-1")
    card = tmp_path / "audit" / "reader.toml"
    whose = (node.folder, "--institution", BROKER)
    none = said("keys", "grant", *whose, "--reader", card, "--to", LONG_AGO)
    assert none == "secrets granted: none\n"
    assert "on the ledger" in said("keys", "grant", *whose, "--reader", card)
    opened = granted(node, tmp_path / "audit")
    assert {(secret.broker, secret.investor) for secret in opened} == {(BROKER, MANAGER)}
    assert "give --reader CARD or --sp SP" in refused("keys", "grant", *whose)
    assert "sp9 does not act for" in refused("keys", "grant", *whose, "--sp", "sp9")
    stranger = refused("keys", "grant", node.folder, "--institution", "X" * 20, "--reader", card)
    assert "does not act for" in stranger
    assert "not a reader's card" in refused("keys", "grant", *whose, "--reader", node.folder / "node.toml")


def granted(node: Daemon, reader: Path) -> list[DaySecret]:
    """What a reader can open of the ledger."""
    key = load_reader(reader, None).encryption.private
    found = (
        open_grant(entry, load_network(node.folder / "network.toml").id, {"Audit-1": [key]})
        for entry in entries(node)
        if isinstance(entry, GrantEntry)
    )
    return [opened.secret for opened in found if opened is not None]


def entries(node: Daemon) -> list[object]:
    return [decode_entry(raw) for raw_block in blocks(node) for raw in archived_block(raw_block).entries]


def blocks(node: Daemon) -> list[bytes]:
    """All blocks that count, in order."""
    with reading(load_settings(node.folder / "node.toml")) as view:
        rows = each(view.connection, "SELECT block FROM archive WHERE fault IS NULL ORDER BY sequence")
    return [row[0] for row in rows]


def test_the_next_message_gets_a_new_secret_after_a_rotation(node: Daemon, tmp_path: Path):
    def secrets() -> int:
        return sum(isinstance(entry, KeyEntry) for entry in entries(node))

    def is_retired() -> bool:
        return bool(as_data("keys", "list", node.folder)["chains"][0]["retired"])

    def send(name: str) -> None:
        (tmp_path / name).write_bytes((node.folder / "samples" / "allocations.csv").read_bytes())
        node.drop("manager-cp932", tmp_path / name)

    earlier = as_data("status", node.folder)["arrivals"]["ordered"]
    send("first.csv")
    until(lambda: as_data("status", node.folder)["arrivals"]["ordered"] > earlier and not is_retired())
    before = secrets()
    retired = said("keys", "rotate", node.folder, "--institution", BROKER)
    assert retired == "secrets retired: 1, on the ledger\n"
    until(is_retired)
    assert said("keys", "rotate", node.folder, "--institution", BROKER) == "secrets retired: none\n"
    send("second.csv")
    until(lambda: secrets() == before + 1)
    until(lambda: not is_retired())


def test_keys_are_shown_by_their_names_alone(node: Daemon):
    found = as_data("keys", "list", node.folder)
    assert [(one["is_next"], one["in_use"]) for one in found["signing"]] == [(False, True)]
    assert {own["lei"]: own["delegated"] for own in found["institutions"]} == {BROKER: True, MANAGER: True}
    shown = said("keys", "list", node.folder)
    assert found["signing"][0]["key"] in shown
    assert json.loads((node.folder / "keys" / "sp.key").read_text())["format"] not in shown
    today = datetime.date.today().isoformat()  # noqa: DTZ011 - the announcement may be of any day
    whose = ("--institution", MANAGER)
    past = ("--from", "2026-02-02", "--to", "2026-04-01")
    told = said("keys", "announce", node.folder, *whose, *past)
    assert told == "announcements: 2, on the ledger\n"  # of a month each at most
    assert "is before" in refused("keys", "announce", node.folder, *whose, "--from", today, "--to", LONG_AGO)


def test_a_member_changes_its_key_while_it_runs(tmp_path: Path):
    """The node signs with the next key from the vote on, and what waits goes out with it."""
    daemon = trial(tmp_path / "node")
    with daemon:
        said("keys", "renew", daemon.folder)
        assert "not overwritten" in refused("keys", "renew", daemon.folder)
    card = daemon.folder / "member.next.toml"
    with daemon:
        [old, new] = as_data("keys", "list", daemon.folder)["signing"]
        assert (old["in_use"], new["in_use"]) == (True, False)
        assert f"sp1 signs with the key {new['key']}" in said("replace-key", card, daemon.folder)
        daemon.drop("broker-files", daemon.folder / "samples" / "report.fix")
        until(lambda: as_data("trades", daemon.folder))
        assert as_data("members", daemon.folder)["members"][0]["key"] == new["key"]
        assert "this signing key has been used before" in refused("replace-key", card, daemon.folder)
        assert as_data("status", daemon.folder)["passed_over"] == 0
    with daemon:  # the next change finds this one over
        said("keys", "renew", daemon.folder)
        [promoted, following] = as_data("keys", "list", daemon.folder)["signing"]
        assert (promoted["key"], promoted["in_use"], following["in_use"]) == (new["key"], True, False)


def test_a_vote_for_a_node_that_does_not_run_waits_for_it(tmp_path: Path):
    """It is in the outbox, and goes out when the node is started; the store is as sound as before."""
    daemon = trial(tmp_path / "node")
    card = tmp_path / "sp2" / "member.toml"
    said("init", tmp_path / "sp2", "--member", "--sp", "sp2")
    assert "start the node once" in refused("admit", card, daemon.folder)
    with daemon:
        pass
    before = as_data("status", daemon.folder)["outbox"]
    waits = yakujo("admit", card, daemon.folder)
    assert (waits.returncode, "waits in the outbox" in waits.stdout) == (1, True)
    assert said("admit", card, daemon.folder, "--no-wait") == waits.stdout
    assert as_data("status", daemon.folder)["outbox"] == before + 1  # said twice, it is there once
    with daemon:
        until(lambda: [m["sp"] for m in as_data("members", daemon.folder)["members"]] == ["sp1", "sp2"])
        assert "1 more vote is needed" in said("remove", "sp2", daemon.folder)
        [vote] = as_data("members", daemon.folder)["pending"]
        assert (vote["act"], vote["voted"], vote["needed"]) == ("remove sp2", ["sp1"], 2)
        assert "vote: remove sp2: said by sp1, 2 needed" in said("members", daemon.folder)


def test_keys_are_protected_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """From keys in clear to encrypted ones and on to another passphrase; the next key goes along."""
    monkeypatch.setattr(key_wrapping, "_SCRYPT_COST", 2**10)
    folder = trial(tmp_path / "node").folder
    phrases = [tmp_path / name for name in ("first", "second")]
    for path in phrases:
        path.touch(mode=0o600)
        path.write_text(f"the {path.name} one\n")
    (folder / "keys" / "next").mkdir(mode=0o700)
    shutil.copy2(folder / "keys" / "sp.key", folder / "keys" / "next")
    plain = (folder / "node.toml").read_text()
    for path, before in zip(phrases, [[], ["--old-passphrase-file", phrases[0]]], strict=True):
        (folder / "node.toml").write_text(f'passphrase_file = "{path}"\n{plain}')
        said("keys", "protect", folder, *before)
        assert [c["verdict"] for c in as_data("check", folder) if c["subject"] == "keys"] == ["ok"]
    assert "scrypt" in (folder / "keys" / "next" / "sp.key").read_text()


def test_keys_are_brought_under_a_token(tmp_path: Path, token: TokenPlace):
    folder = trial(tmp_path / "node").folder
    pin = tmp_path / "pin"
    pin.touch(mode=0o600)
    pin.write_text(token.pin)
    named = f'module = "{token.module}"\ntoken = "{token.token}"\nkey = "mine"\npin_file = "{pin}"\n'
    without = refused("keys", "protect", folder, "--make-token-key")
    assert "has no [token]" in without
    (folder / "node.toml").write_text((folder / "node.toml").read_text() + f"\n[token]\n{named}")
    assert "'mine'" in refused("keys", "protect", folder)
    said("keys", "protect", folder, "--make-token-key")
    assert [c["verdict"] for c in as_data("check", folder) if c["subject"] == "keys"] == ["ok"]
    assert "scrypt" not in (folder / "keys" / "sp.key").read_text()
