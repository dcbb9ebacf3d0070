"""The commands beside a node that runs: what an operator sees of two clients that confirm a trade."""

import csv
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.inspection import head_of, is_running, reading
from node.settings import load_settings
from node.tracing import NotFoundError, trace
from tests.running_node import Daemon, as_data, free_ports, until, yakujo
from tests.sessions.fix_peers import fix_text

TRADE = "A20261120-1"
pytestmark = pytest.mark.xdist_group("running node")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A trial network whose samples have been dropped and answered."""
    folder = tmp_path_factory.mktemp("trial") / "node"
    made = yakujo("init", folder, "--port", str(free_ports(3)))
    assert made.returncode == 0, made.stderr
    checked = yakujo("check", folder)
    assert checked.returncode == 0, checked.stdout
    with Daemon(folder) as daemon:
        daemon.drop("broker-files", folder / "samples" / "report.fix")
        until(lambda: files(folder, "broker-files", "out"))
        daemon.drop("manager-cp932", folder / "samples" / "allocations.csv")
        daemon.drop("manager-cp932", folder / "samples" / "refused.csv")
        until(lambda: any(b"\x0187=0\x01" in raw for raw in files(folder, "broker-files", "out")))
        until(lambda: files(folder, "manager-cp932", "error"))
        until(lambda: all(q["waiting"] == 0 for q in as_data("status", folder)["deliveries"]))
        yield daemon


def files(folder: Path, client: str, part: str) -> list[bytes]:
    """What lies in one of a client's folders."""
    return [path.read_bytes() for path in (folder / "exchange" / client / part).glob("[!.]*")]


def test_status_tells_that_all_is_well(node: Daemon):
    done = yakujo("status", node.folder)
    assert done.returncode == 0, done.stdout
    status = as_data("status", node.folder)
    assert (status["running"], status["pid"], status["findings"]) == (True, node.process.pid, [])
    assert (status["sequence"] >= 1, status["size"] >= 3) == (True, True)
    assert (status["arrivals"]["answered"], status["arrivals"]["ordered"] >= 2) == (1, True)
    assert status["trades"]["MAGR"] == 1
    assert 0 <= status["time"]["lag_seconds"] < 86_400
    assert "ledger time" in done.stdout
    until(lambda: as_data("status", node.folder)["outbox"] == 0)
    until(lambda: as_data("status", node.folder)["root"] in yakujo("status", node.folder).stdout)


def test_trades_are_listed_and_chosen(node: Daemon):
    [row] = as_data("trades", node.folder, "--status", "MAGR")
    assert (row["status"], row["funds_matched"], row["funds_total"]) == ("MAGR", 2, 2)
    assert (row["quantity"], row["price"], row["japan_code"]) == ("30000", "2845.5", "7203")
    assert (row["broker_references"], row["investor_references"]) == (["B20261120-1"], [TRADE])
    for chosen in (["--reference", TRADE], ["--status", "magr"], ["--reference", row["trade"]]):
        assert [r["trade"] for r in as_data("trades", node.folder, *chosen)] == [row["trade"]]
    assert as_data("trades", node.folder, "--status", "MISM") == []
    assert row["trade"] in yakujo("trades", node.folder).stdout


def test_trace_shows_the_whole_way_of_a_trade(node: Daemon):
    """Raw message, canonical form, position, contract, result and native answers, of both sides."""
    found = as_data("trace", TRADE, node.folder)
    broker, investor = found["messages"]
    assert [m["kind"] for m in broker["canonical"]["messages"]] == ["execution_notice", "confirmation"]
    assert "|35=AS|" in broker["arrivals"][0]["text"]
    assert "取引参照番号" in investor["arrivals"][0]["text"]
    assert (broker["place"]["position"] < investor["place"]["position"], broker["place"]["sp"]) == (
        True,
        "sp1",
    )
    assert broker["entry"]["contract"].startswith("matching/1:")
    assert {d["status"] for d in broker["deliveries"]} >= {"received", "matched", "confirmation"}
    assert all(d["delivered"] for m in found["messages"] for d in m["deliveries"])
    assert [r["status"] for r in found["results"]][-1] == "MAGR"
    shown = yakujo("trace", TRADE, node.folder).stdout
    for part in ("|35=AS|", "取引参照番号", "at position ", "matching/1", "MAGR", "F2: 10,000"):
        assert part in shown


def test_a_trade_has_many_names(node: Daemon):
    found = as_data("trace", TRADE, node.folder)["messages"]
    assert len(found) == 2
    for name in ("B20261120-1", f"position:{found[0]['place']['position']}", "raw:1"):
        assert as_data("trace", name, node.folder)["messages"] == found


def test_a_trade_is_found_by_its_id_and_by_a_delivery(node: Daemon):
    found = as_data("trace", TRADE, node.folder)
    by_trade = as_data("trace", found["trades"][0]["trade"], node.folder)
    by_delivery = as_data("trace", found["messages"][0]["deliveries"][0]["id"], node.folder)
    assert by_trade["messages"] == by_delivery["messages"] == found["messages"]


def test_trace_shows_what_was_refused(node: Daemon):
    """It never reached the ledger, and yet its raw bytes and the refusal are kept."""
    found = as_data("trace", "A20261120-2", node.folder)
    [refused] = found["messages"]
    assert (found["trades"], refused["place"], refused["canonical"]) == ([], None, None)
    assert "2,84x" in refused["arrivals"][0]["text"]
    [refusal] = refused["deliveries"]
    assert (refusal["kind"], "消費税" in refusal["text"]) == ("refusal", True)
    assert "not on the ledger" in yakujo("trace", "A20261120-2", node.folder).stdout


def test_trace_saves_whole_bytes(node: Daemon, tmp_path: Path):
    assert yakujo("trace", TRADE, node.folder, "--save", tmp_path).returncode == 0
    saved = {path.read_bytes() for path in tmp_path.iterdir()}
    assert (node.folder / "samples" / "report.fix").read_bytes() in saved
    delivered = next((node.folder / "exchange" / "manager-cp932" / "out").iterdir())
    assert delivered.read_bytes() in saved


def test_a_refusal_names_line_column_value_and_rule(node: Daemon):
    [file] = (node.folder / "exchange" / "manager-cp932" / "error").glob("*.csv")
    rows = list(csv.DictReader(file.read_text("cp932").splitlines()))
    assert ("3", "消費税", "2,84x") in {(row["行"], row["項目"], row["値"]) for row in rows}


@pytest.mark.parametrize("command", ["trace", "prove"])
@pytest.mark.parametrize(
    "name",
    ["nothing", f"position:{2**70}", f"position:{'1' * 5_000}", "position:\u00b2", f"raw:{2**70}", "R\udcff"],
)
def test_what_nobody_knows_is_told_in_one_sentence(node: Daemon, command: str, name: str):
    """Whatever is typed, even what is no text."""
    done = yakujo(command, name, node.folder)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert "nothing here is called" in done.stderr


def test_no_trade_has_what_is_no_text(node: Daemon):
    assert as_data("trades", node.folder, "--reference", "R\udcff") == []


def test_a_cancelled_trade_can_still_be_looked_up(node: Daemon, tmp_path: Path):
    """It is gone from the contract's state, and its whole way is still there."""
    report = (node.folder / "samples" / "report.fix").read_bytes().replace(b"B20261120-1", b"B20261120-9")
    cancellation = report.replace(b"755=B20261120-9", b"755=B20261120-9X").replace(
        b"\x0171=0\x01", b"\x0171=2\x0172=B20261120-9\x01795=B20261120-9\x01796=99\x01"
    )
    for name, raw in (("9.fix", report), ("9x.fix", cancellation)):
        (tmp_path / name).write_bytes(framed_anew(raw))
        node.drop("broker-files", tmp_path / name)
    until(lambda: as_data("trades", node.folder, "--status", "CANC"))
    [row] = as_data("trades", node.folder, "--status", "CANC")
    for name in ("B20261120-9", "B20261120-9X", row["trade"]):
        found = as_data("trace", name, node.folder)
        assert [t["status"] for t in found["trades"]] == ["CANC"]
        assert "cancelled" in {d["status"] for m in found["messages"] for d in m["deliveries"]}


def framed_anew(raw: bytes) -> bytes:
    """A FIX message with the length and checksum that its fields ask for."""
    pairs = [field.partition(b"=") for field in raw.split(b"\x01")[2:-2]]
    return fix_text(*((int(tag), text) for tag, _, text in pairs))


def test_two_nodes_on_one_store_are_refused(node: Daemon):
    done = yakujo("run", node.folder, "--log", "json")
    assert done.returncode == 2
    assert "a node is running already" in done.stderr


def test_inspection_is_a_library(node: Daemon):
    """What the commands print is there for programs too."""
    settings = load_settings(node.folder / "node.toml")
    assert head_of(settings).size >= 3
    with reading(settings) as view:
        assert trace(view, TRADE).trades[0].status == "MAGR"
        with pytest.raises(NotFoundError):
            trace(view, "nothing")


def test_the_end_is_clean(tmp_path: Path):
    """systemd is told of readiness; SIGTERM ends daemon and nats-server; status says so afterwards."""
    folder = tmp_path / "node"
    assert yakujo("init", folder, "--port", str(free_ports(3))).returncode == 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(10)
        with Daemon(folder, {"NOTIFY_SOCKET": str(tmp_path / "notify")}) as daemon:
            assert systemd.recv(64) == b"READY=1"
            nats = int((folder / "data" / "nats" / "nats.pid").read_text())
            assert is_running(folder / "data")
        assert systemd.recv(64) == b"STOPPING=1"
    assert daemon.process.returncode == 0
    assert not Path(f"/proc/{nats}").exists()
    assert "node ended" in daemon.logged()
    done = yakujo("status", folder)
    assert (done.returncode, "does not run" in done.stdout) == (1, True)
    assert yakujo("check", folder).returncode == 0
