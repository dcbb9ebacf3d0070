"""What README, docs and conf show is what happens: commands are executed, pages compared, examples used."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from node.canonical_client import client_of
from node.network import load_network
from node.settings import load_settings
from tests.running_node import YAKUJO, Daemon, as_data, free_ports, until, yakujo
from tests.sessions.fix_peers import BareClient, value
from tests.sessions.fix_peers import until as eventually

ROOT = Path(__file__).parent.parent
CONF = ROOT / "conf"
SET_BY_THE_SESSION = (8, 9, 10, 34, 35, 49, 52, 56)
pytestmark = pytest.mark.xdist_group("running node")


def shell_of(page: Path) -> list[str]:
    """The commands that a page asks its reader to type."""
    return re.findall(r"^```sh\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def execute(commands: str, folder: Path) -> str:
    """Type them into a shell whose PATH has `yakujo`; fail at the first that fails."""
    path = f"{Path(YAKUJO).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "YAKUJO_CONF": str(CONF)}
    done = subprocess.run(
        ["sh", "-eux"],
        input=commands,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def move_ports(node: Path, first: int) -> None:
    """Give a node ports that are free here, in place of those that the page shows."""
    text = (node / "node.toml").read_text()
    for number, name in enumerate(("client_port", "cluster_port", "monitor_port")):
        text = re.sub(rf"^{name} = \d+", f"{name} = {first + number}", text, flags=re.MULTILINE)
    (node / "node.toml").write_text(text)


def test_the_commands_page_is_their_help():
    """Mend it with `.venv/bin/python scripts/command_docs.py`."""
    script = "import sys; sys.path[:0] = ['scripts']; import command_docs as d; print(d.page(), end='')"
    written = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert (ROOT / "docs" / "operators" / "commands.md").read_text(encoding="utf-8") == written.stdout


@pytest.mark.parametrize("group", [[], ["propose"], ["keys"], ["calendar"], ["rules"]], ids=" ".join)
def test_lists_of_commands_say_whole_sentences(group: list[str]):
    """On a narrow terminal too: each says what it does, over as many lines as that takes."""
    command = [YAKUJO, *group, "--help"]
    environment = {**os.environ, "COLUMNS": "80"}
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    listed = re.findall(
        r"^  [a-z][a-z-]* .*\n(?: {10,}.*\n)*", shown.partition("Commands:\n")[2], re.MULTILINE
    )
    assert listed
    assert [each for each in listed if each.rstrip().endswith("...")] == []


def test_readme(tmp_path: Path):
    """A stranger who types what the README shows has two clients that agree on a trade."""
    start, drop, look = (
        block.replace(".venv/bin/yakujo", "yakujo") for block in shell_of(ROOT / "README.md")
    )
    assert start.splitlines()[-1] == "yakujo run trial"
    execute(start.replace("yakujo check trial", "").replace("yakujo run trial", ""), tmp_path)
    trial = tmp_path / "trial"
    move_ports(trial, free_ports(3))
    execute("yakujo check trial", tmp_path)
    with Daemon(trial):
        execute(drop, tmp_path)
        until(lambda: [row["status"] for row in as_data("trades", trial)] == ["MAGR"])
        shown = execute(look, tmp_path)
    assert "MAGR" in shown
    assert "取引参照番号" in shown


@pytest.mark.timeout(400)  # many commands, each a process of its own
def test_founding(tmp_path: Path):
    """Founders and institutions that type what the page shows have one network; `check` finds no error."""
    *making, checking = shell_of(ROOT / "docs" / "operators" / "founding.md")
    shown = execute("".join(making), tmp_path)
    ids = re.findall(r"network id (\w{64})", shown)
    assert len(ids) >= 3
    assert len(set(ids)) == 1
    assert shown.count("all founders have signed") == 3
    for sp in ("sp1", "sp2", "sp3"):
        move_ports(tmp_path / sp, free_ports(3))
    shown = execute(checking.replace("yakujo check", "yakujo check --json"), tmp_path)
    findings = [line for line in shown.splitlines() if '"verdict": "error"' in line]
    assert findings == []
    assert {load_network(tmp_path / sp / "network.toml").id.hex() for sp in ("sp1", "sp2", "sp3")} == set(ids)


def test_rules(tmp_path: Path):
    """The example of rules is checked, shown and tried as the page says; its trade comes to what it says."""
    shutil.copytree(CONF, tmp_path / "conf")
    shown = execute("".join(shell_of(ROOT / "docs" / "integrators" / "rules.md")), tmp_path)
    assert "broker YAKUJOTRIALBROKER023" in shown
    assert "50,000,000 x 0.001 + 6,910,000 x 0.0008" in shown


def commands_in(page: Path) -> set[str]:
    """The commands that a page shows, each with its options, their values left out."""
    lines = re.findall(r"^ {0,4}(yakujo [a-z].*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"#.*", "", line) for line in lines}


@pytest.mark.parametrize("page", ["governing", "running", "founding"])
def test_what_a_page_shows_can_be_typed(page: str):
    """Every command and option on it exists; that they do what it says is tested where they are."""
    shown = commands_in(ROOT / "docs" / "operators" / f"{page}.md")
    assert shown
    for line in shown:
        _, name, *rest = line.split()
        group = [name, rest[0]] if name in ("calendar", "keys", "propose", "rules") else [name]
        told = yakujo(*group, "--help")
        assert told.returncode == 0, line
        for option in re.findall(r"(--[a-z-]+)", line):
            assert re.search(rf"{option}\b", told.stdout), f"{option} in {line}"


def test_links_lead_somewhere():
    """Every relative link of every page names a file that is there."""
    pages = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_client_example_is_complete(tmp_path: Path):
    """Its mappings are there, for every message that it may send, get as an answer, or as a copy."""
    folder = trial_with(tmp_path, *(path.stem for path in (CONF / "clients").iterdir()))
    settings, network = load_settings(folder / "node.toml"), load_network(folder / "network.toml")
    assert {client.name for client in settings.clients} == {p.stem for p in (CONF / "clients").iterdir()}
    for client in settings.clients:
        made = client_of(client, network, settings.provider_bic)
        assert made.institution.lei == client.institution
    assert [found for found in as_data("check", folder) if found["verdict"] == "error"] == []


def test_the_node_example_is_the_default(tmp_path: Path):
    """conf/node.toml can be used as it stands."""
    folder = tmp_path / "node"
    assert yakujo("init", folder, "--member").returncode == 0
    settings = load_settings(folder / "node.toml")
    assert (settings.sp, settings.ledger.kind, settings.clients) == ("sp1", "embedded", ())


async def test_the_client_examples_work_together(tmp_path: Path):
    """A FIX session, CP932 files and ISO 20022 files at one node: each hears in its own format."""
    folder = trial_with(tmp_path, "broker-fix", "manager-cp932", "manager-iso20022")
    port = free_ports(1)
    example = folder / "clients" / "broker-fix.toml"
    example.write_text(
        example.read_text().replace("port = 9876", f"port = {port}").replace('"YAKUJO"', '"SP"')
    )
    sample = (folder / "samples" / "report.fix").read_bytes()
    pairs = [
        (int(tag), text) for tag, _, text in (field.partition(b"=") for field in sample.split(b"\x01")[:-1])
    ]
    fields = [(tag, text) for tag, text in pairs if tag not in SET_BY_THE_SESSION]
    with Daemon(folder) as daemon:
        engine = BareClient("BROKER")
        await engine.connect(port)
        engine.write(engine.framed("AS", *fields))
        await eventually(
            lambda: any(value(raw, 35) == "AT" and value(raw, 87) == "3" for raw in engine.heard)
        )
        daemon.drop("manager-cp932", folder / "samples" / "allocations.csv")
        await eventually(
            lambda: any(value(raw, 35) == "AT" and value(raw, 87) == "0" for raw in engine.heard)
        )
        (folder / "samples" / "broken.xml").write_text("<Document/>")
        daemon.drop("manager-iso20022", folder / "samples" / "broken.xml")
        errors = folder / "exchange" / "manager-iso20022" / "error"
        await eventually(
            lambda: any(b"setr.044.001.04" in path.read_bytes() for path in errors.glob("*.xml"))
        )
        status = await asyncio.to_thread(as_data, "status", folder)
        [session] = status["sessions"]
        assert (session["client"], session["connected"]) == ("broker-fix", True)
        await engine.close()


def trial_with(folder: Path, *clients: str) -> Path:
    """A trial node with the named examples as its clients."""
    trial = folder / "trial"
    assert yakujo("init", trial, "--port", str(free_ports(3))).returncode == 0
    for path in (trial / "clients").iterdir():
        path.unlink()
    for name in clients:
        shutil.copy(CONF / "clients" / f"{name}.toml", trial / "clients")
    if any(name.endswith("-api") for name in clients):
        with (trial / "node.toml").open("a") as settings:
            settings.write(f"\n[api]\nport = {free_ports(1)}\n")
    return trial
