"""`yakujo scrub` and `yakujo restore`: what an operator sees of a store that has rotted."""

import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import typer

from node.commands.restore import restore
from node.commands.scrub import scrub
from node.settings import SettingsError
from node.startup import alone
from node.store import STORE_FILE, StoreDamagedError, StoreError
from node.store_seal import seal_of
from tests.node.damage import cut, flip_in_table, leaf_pages, overwrite, raw_message, sealed_store
from tests.running_node import free_ports, yakujo


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A trial node with some messages and blocks, stopped."""
    made = yakujo("init", tmp_path / "node", "--port", str(free_ports(3)))
    assert made.returncode == 0, made.stderr
    data = tmp_path / "node" / "data"
    data.mkdir(exist_ok=True)
    sealed_store(data, messages=60)
    return tmp_path / "node"


def run(command: Callable[..., None], *arguments: str | Path) -> tuple[int, str]:
    """A command's exit code and what it printed."""
    app, printed = typer.Typer(), io.StringIO()
    app.command()(command)
    with redirect_stdout(printed), pytest.raises(SystemExit) as ended:
        app([str(argument) for argument in arguments])
    return int(ended.value.code or 0), printed.getvalue()


def store(folder: Path) -> Path:
    return folder / "data" / STORE_FILE


def test_a_scrub_says_how_much_and_how_fast(folder: Path):
    """The blocks of this store count for nothing, and its node has no head: that is told."""
    code, printed = run(scrub, folder, "--gentle")
    assert code == 1
    assert "60 blocks, 0 entries, 60 raw messages" in printed
    assert "MB/s: 1 findings" in printed
    code, printed = run(scrub, folder, "--json")
    found = json.loads(printed)
    assert (code, found["blocks"], found["found"]) == (1, 60, 1)


def test_a_scrub_names_the_block(folder: Path):
    with alone(folder / "data"):  # beside a running node too
        flip_in_table(store(folder), "archive", raw_message(49))
        code, printed = run(scrub, folder)
    assert code == 1
    assert "! sequence 49: it is not what was archived" in printed


def test_a_scrub_without_a_store(folder: Path):
    store(folder).unlink()
    with pytest.raises(StoreError, match="no store"):
        run(scrub, folder)
    (folder / "data" / STORE_FILE).write_bytes(b"no store" * 1000)
    with pytest.raises(StoreDamagedError, match="yakujo restore"):
        run(scrub, folder)


def test_a_restore_tells_what_was_kept_and_what_comes_next(folder: Path):
    """Also where the store was whole, such as an old copy of it."""
    code, printed = run(restore, folder, "--no-catch-up")
    assert code == 0
    assert "The old store is in" in printed
    assert "Next: `yakujo run`" in printed
    assert seal_of(store(folder)).exists()


def test_a_restore_tells_what_was_lost_and_who_must_send_it_again(folder: Path):
    lost = leaf_pages(store(folder), "raw")[0]
    overwrite(store(folder), lost)
    code, printed = run(restore, folder, "--no-catch-up")
    assert code == 1
    assert "ask client to send file 1 again" in printed
    assert "numbers 1-" in printed
    [aside] = (folder / "data").glob("damaged-*")
    code, printed = run(restore, folder, "--no-catch-up", "--json")
    told = json.loads(printed)
    assert (code, told["salvaged"]["lost_arrivals"]) == (1, [])  # they are still missing, and not known here
    assert aside.exists()


def test_a_restore_after_a_cut_and_of_nothing(folder: Path):
    cut(store(folder), 200_000)
    code, printed = run(restore, folder, "--no-catch-up")
    assert (code, "lost" in printed) == (1, True)
    for file in (folder / "data").iterdir():
        if file.is_file():
            file.unlink()
    code, printed = run(restore, folder, "--no-catch-up")
    assert (code, "There was no store" in printed) == (0, True)


def test_a_restore_beside_a_running_node_is_refused(folder: Path):
    with alone(folder / "data"), pytest.raises(SettingsError, match="running"):
        run(restore, folder, "--no-catch-up")
