"""What an operator does wrong is told in one sentence that says what to do, and nothing is overwritten."""

import asyncio
import json
import socket
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from node import daemon
from node.clients import shared_folder
from node.daemon import MEND_FIRST, STOPPED, TRY_AGAIN, serve
from node.ledger import LedgerGapError, LedgerUnavailableError
from node.logs import LogForm, configure_logging
from node.settings import NodeSettings, SettingsError, load_settings
from node.store import StoreError
from tests.running_node import as_data, free_ports, yakujo


@pytest.fixture(autouse=True)
def _usual_logging() -> Iterator[None]:
    """Other tests log as they are used to."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A trial node that has never run."""
    made = yakujo("init", tmp_path / "node", "--port", str(free_ports(3)))
    assert made.returncode == 0, made.stderr
    return tmp_path / "node"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def errors(folder: Path) -> list[str]:
    """What `yakujo check` calls an error."""
    return [found["text"] for found in as_data("check", folder) if found["verdict"] == "error"]


@pytest.mark.parametrize("command", ["run", "status", "trades"])
def test_no_node_here(tmp_path: Path, command: str):
    done = yakujo(command, tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "node.toml cannot be read" in done.stderr


def test_a_node_that_never_ran(folder: Path):
    done = yakujo("status", folder)
    assert (done.returncode, "yakujo run" in done.stderr) == (2, True)


def test_nothing_is_made_twice(folder: Path):
    before = (folder / "keys" / "sp.key").read_bytes()
    for arguments in (["init", folder], ["init", folder, "--member"]):
        done = yakujo(*arguments)
        assert (done.returncode, "not overwritten" in done.stderr) == (2, True)
    assert (folder / "keys" / "sp.key").read_bytes() == before


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("node.toml", 'sp = "sp1"', 'sp = "sp9"', "is that of sp1, not of sp9"),
        ("node.toml", 'sp = "sp1"', 'spp = "sp1"', "sp: Field required"),
        ("node.toml", "[ledger]", "[ledger", "is not TOML"),
        ("network.toml", 'role = "broker"', 'role = "brokr"', "role"),
        ("network.toml", 'time_zone = "Asia/Tokyo"', 'time_zone = "Asia/Tokio"', "time"),
        ("network.toml", 'time_zone = "Asia/Tokyo"', 'time_zone = "Asia/Seoul"', "compare the networks' ids"),
        ("network.toml", "[[signatures]]", "[[securities]]", "securities"),
        ("network.toml", 'name = "example"', 'name = "another"', "see `yakujo delegate`"),
        ("clients/broker-files.toml", 'AS = "AS"', 'AS = "none"', "none.toml"),
        ("clients/broker-files.toml", 'mappings = "fix44"', 'mappings = "fix99"', "no folder of mappings"),
        ("clients/broker-files.toml", "broker-files/out", "broker-files/in", "four different folders"),
        ("clients/manager-cp932.toml", "manager-cp932/", "broker-files/", "same folder in"),
        ("clients/manager-cp932.toml", 'name = "manager-cp932"', 'name = "broker-files"', "same name"),
    ],
)
def test_check_names_the_mistake_and_run_does_not_start(
    folder: Path, file: str, old: str, new: str, told: str
):
    edit(folder / file, old, new)
    assert any(told in text for text in errors(folder))
    done = yakujo("run", folder, "--log", "json")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert told in done.stderr


def test_keys_that_others_can_read_are_not_used(folder: Path):
    (folder / "keys" / "sp.key").chmod(0o644)
    assert any("chmod 600" in text for text in errors(folder))
    done = yakujo("run", folder, "--log", "json")
    assert (done.returncode, "chmod 600" in done.stderr) == (2, True)


def test_a_port_that_is_taken(folder: Path):
    port = tomllib.loads((folder / "node.toml").read_text())["ledger"]["client_port"]
    with socket.create_server(("127.0.0.1", port)):
        [text] = errors(folder)
    assert f"127.0.0.1:{port}" in text


def test_encrypted_keys_need_their_passphrase(tmp_path: Path):
    phrase = tmp_path / "phrase"
    phrase.touch(mode=0o600)
    phrase.write_text("correct horse\n")
    folder = tmp_path / "node"
    assert yakujo("init", folder, "--passphrase-file", phrase, "--port", str(free_ports(3))).returncode == 0
    for key in (folder / "keys" / "sp.key", *folder.glob("institutions/*/identity.key")):
        assert "scrypt" in key.read_text()
    assert errors(folder) == []
    phrase.write_text("another\n")
    assert any("passphrase" in text for text in errors(folder))


def test_a_plan_and_cards_that_do_not_fit(folder: Path, tmp_path: Path):
    card, output = folder / "member.toml", tmp_path / "network.toml"
    plan = tmp_path / "plan.toml"
    plan.write_text('name = "x"\nreplicas = 2\n')
    shipped = shared_folder("conf") / "plan.toml"
    unsigned = tmp_path / "sp1" / "member.toml"
    lei = "YAKUJOTRIALBROKER023"
    assert yakujo("init", tmp_path / "sp1", "--member", "--institution", lei).returncode == 0
    wrong = [[plan, card], [tmp_path / "none.toml", card], [plan, plan], [shipped, card, card]]
    wrong.append([shipped, unsigned])
    for arguments in wrong:
        done = yakujo("assemble", *arguments, "--output", output)
        assert (done.returncode, done.stderr.count("\n"), output.exists()) == (2, 1, False)
    taken = yakujo("assemble", plan, card, "--output", folder / "network.toml")
    assert "not overwritten" in taken.stderr


def test_founders_and_institutions_sign_what_is_theirs(folder: Path, tmp_path: Path):
    """A signature on the wrong thing is refused where it is made."""
    card, identity = folder / "member.toml", folder / "institutions" / "YAKUJOTRIALBROKER023"
    stranger = tmp_path / "stranger"
    assert yakujo("identity", stranger, "--institution", "54930000000000000A01").returncode == 0
    strange = yakujo("delegate", stranger, card, "--founding", "example")
    assert "asks for no delegation of 54930000000000000A01" in strange.stderr
    for options in ([], ["--founding", "example", "--number", "1"], ["--network", folder / "network.toml"]):
        done = yakujo("delegate", identity, card, *options)
        assert (done.returncode, "give --founding NAME, or" in done.stderr) == (2, True)
    not_an_lei = yakujo("identity", tmp_path / "x", "--institution", "nobody")
    assert (not_an_lei.returncode, "is not an LEI" in not_an_lei.stderr) == (2, True)
    not_a_signature = yakujo("sign", folder, folder / "node.toml")
    assert (not_a_signature.returncode, "is not a founder's signature" in not_a_signature.stderr) == (2, True)
    before = (folder / "network.toml").read_bytes()
    again = yakujo("sign", folder)
    assert (again.returncode, "all founders have signed" in again.stdout) == (0, True)
    assert (folder / "network.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("contract matching/2:abc FOLDER", "is no contract's id"),
        (f"contract matching/2 FOLDER --from {2**53}", "since: input should be less than or equal to"),
        (f"contract matching/2 FOLDER --notice {2**70}", "notice: input should be less than or equal to"),
        (f"stop FOLDER --reason {'x' * 201}", "reason: string should have at most 200 characters"),
        ("stop FOLDER --reason \x1b[2J", "reason: contains control characters: leave them out"),
        ("quorum set_quorum FOLDER --over 1/1001", "of: input should be less than or equal to 1000"),
        (f"quorum set_quorum FOLDER --over {'1' * 5_000}/2", "write it as 1/2"),
        ("quorum set_quorum FOLDER --least \u00b2/3", "write it as 1/2"),
    ],
)
def test_a_vote_that_cannot_be_said(folder: Path, command: str, told: str):
    """What was typed is at fault, and is told before anything is signed."""
    done = yakujo("propose", *command.replace("FOLDER", str(folder)).split(" "))
    assert (done.returncode, "Traceback" in done.stderr, told in done.stderr) == (2, False, True), done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--sp", "S P"], "is no SP's name: a-z, 0-9 and -"),
        (["--member", "--sp", "s" * 33], "is no SP's name: a-z, 0-9 and -"),
        (["--member", "--bic", "x"], "bic: not a valid BIC"),
        (["--member", "--institution", "54930000000000000A01"], "LEI has a wrong check digit"),
    ],
)
def test_no_keys_are_made_for_what_has_no_name(tmp_path: Path, arguments: list[str], told: str):
    done = yakujo("init", tmp_path / "node", *arguments)
    assert (done.returncode, "Traceback" in done.stderr, told in done.stderr) == (2, False, True), done.stderr
    assert not (tmp_path / "node").exists()


def test_no_keys_are_added_for_what_has_no_name(folder: Path):
    before = sorted((folder / "keys").iterdir())
    done = yakujo("keys", "add", folder, "--institution", "54930000000000000A01")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "LEI has a wrong check digit" in done.stderr
    assert sorted((folder / "keys").iterdir()) == before


BROKER, INVESTOR = "YAKUJOTRIALBROKER023", "YAKUJOTRIALFUNDS0017"


@pytest.mark.parametrize(
    ("command", "number", "told"),
    [
        (
            ["propose", "rules", "{identity}", "{rules}"],
            1,
            "version: input should be greater than or equal to 2",
        ),
        (
            ["propose", "relationship", "{identity}", "--broker", BROKER, "--investor", f"{INVESTOR[:-1]}8"],
            1,
            "investor: LEI has a wrong check digit",
        ),
        (["revoke", "{identity}", "sp1"], 2**53, "number: input should be less than or equal to"),
        (["delegate", "{identity}", "{folder}/member.toml"], 2**70, "number: input should be less than"),
        (["keys", "shred", "{identity}", "2026-11-20"], 2**70, "number: input should be less than"),
        (["replace-identity", "{identity}", "{identity}"], 2**70, "number: input should be less than"),
    ],
)
def test_a_statement_that_cannot_be_said(
    folder: Path, tmp_path: Path, command: list[str], number: int, told: str
):
    """The same of an institution's: nothing is written."""
    rules, output = tmp_path / "rules.toml", tmp_path / "statement.json"
    edited = (shared_folder("conf") / "rules.toml").read_text(encoding="utf-8")
    rules.write_text(edited.replace("version = 2", "version = 1"), encoding="utf-8")
    places = {"identity": folder / "institutions" / BROKER, "folder": folder, "rules": rules}
    typed = [part.format(**places) for part in command]
    done = yakujo(*typed, "--network", folder / "network.toml", "--number", str(number), "--output", output)
    assert (done.returncode, "Traceback" in done.stderr, told in done.stderr) == (2, False, True), done.stderr
    assert not output.exists()
    assert not output.with_suffix(".document.json").exists()


GAP = LedgerGapError(5, 7)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (GAP, STOPPED, "expected sequence 5, saw 7"),
        (AssertionError("the store is an old copy"), STOPPED, "the store is an old copy"),
        (KeyError("x"), STOPPED, "KeyError"),
        (LedgerUnavailableError("no quorum"), TRY_AGAIN, "no quorum"),
        (StoreError("the disk is full"), TRY_AGAIN, "the disk is full"),
        (SettingsError("sp9 is not a member"), MEND_FIRST, "sp9 is not a member"),
        (ExceptionGroup("", [StoreError("full"), ExceptionGroup("", [GAP])]), STOPPED, "expected sequence 5"),
    ],
)
def test_the_end_of_a_node_is_one_clear_line(
    error: Exception,
    code: int,
    told: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """systemd restarts what a restart may mend, and leaves alone what a person must look at."""

    async def fails(_: NodeSettings, ready: Callable[[], None]) -> None:
        ready()
        await asyncio.sleep(0)
        raise error

    monkeypatch.setattr(daemon, "run_node", fails)
    configure_logging(LogForm.JSON)
    assert serve(load_settings(folder / "node.toml")) == code
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert any(told in line["reason"] and line["part"] for line in lines)


def test_logs_are_one_line_per_event(capsys: pytest.CaptureFixture[str]):
    """Nobody outside can write lines of his own into the log, or fill it."""
    configure_logging(LogForm.JSON)
    daemon.log.info("seen", reason="a\nb\x1b[31m" + "c" * 1000)
    configure_logging(LogForm.CONSOLE)
    daemon.log.info("seen", reason="a\nb\x1b[31m")
    as_json, in_words = capsys.readouterr().err.splitlines()
    assert len(json.loads(as_json)["reason"]) == 500
    assert "\x1b[31m" not in in_words
