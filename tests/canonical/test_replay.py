"""A recorded ledger is decided for ever alike, by every version, on every interpreter, in every process."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from decimal import ROUND_UP, Context, Decimal, setcontext
from pathlib import Path

import pytest

from canonical.contracts import CONTRACTS
from canonical.contracts.arithmetic import PRECISION_DIGITS, contract_arithmetic

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "tests" / "golden" / "ledger"
NEEDED = "import pydantic, stdnum"
VERSIONS = sorted(CONTRACTS)


def recorded(name: str) -> list[str]:
    return (FOLDER / f"{name.replace('/', '-')}.txt").read_text().split()


def replayed(name: str, python: str = sys.executable, **environment: str) -> list[str]:
    """The digests as another process computes them."""
    command = [python, str(FOLDER / "replay.py"), name]
    clean = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    ended = subprocess.run(command, env=clean, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.split()


@pytest.mark.parametrize("name", VERSIONS)
def test_the_past_does_not_change(name: str):
    """What stands there was decided once, and whoever replays it must come to it."""
    assert len(set(recorded(name))) > 100
    assert replayed(name) == recorded(name)


WITHOUT_WORDS = """
import runpy, sys
for name in ("english", "japanese", "written"):
    sys.modules["canonical.diagnosis." + name] = None  # whoever imports it fails
for name in ("answer", "answer_text", "difference_japanese"):
    sys.modules["canonical." + name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("name", VERSIONS)
def test_no_word_has_a_say(name: str):
    """What is decided is the same where no words are there: a mended sentence decides nothing."""
    command = [sys.executable, "-c", WITHOUT_WORDS, str(FOLDER / "replay.py"), name]
    clean = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, env=clean, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == recorded(name)


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_no_hash_has_a_say(seed: str):
    assert replayed(VERSIONS[0], PYTHONHASHSEED=seed) == recorded(VERSIONS[0])


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_no_interpreter_has_a_say(version: str):
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no python{version} on this machine")
    able = subprocess.run([python, "-c", NEEDED], capture_output=True, text=True, check=False)
    if able.returncode != 0:
        pytest.skip(f"python{version} does not run here, or lacks what scripts/interpreters gives it")
    for name in VERSIONS:
        for seed in ("0", "4711"):
            assert replayed(name, python, PYTHONHASHSEED=seed) == recorded(name)


def interpreter(version: str) -> str | None:
    """One of this version: this process's own, one that scripts/interpreters has made, or one on the PATH."""
    if version == ".".join(map(str, sys.version_info[:2])):
        return sys.executable
    made = ROOT / ".interpreters" / f"python{version}" / "bin" / "python"
    return str(made) if made.exists() else shutil.which(f"python{version}")


def test_the_context_of_a_thread_has_no_say(monkeypatch: pytest.MonkeyPatch):
    """However few digits whoever calls it computes with."""
    monkeypatch.syspath_prepend(str(FOLDER))
    import replay  # noqa: PLC0415 - its folder is on the path from here on

    found: list[str] = []

    def in_another_context() -> None:
        setcontext(Context(prec=3, rounding=ROUND_UP, traps=[]))
        found.extend(replay.decisions(VERSIONS[0]))

    thread = threading.Thread(target=in_another_context)
    thread.start()
    thread.join()
    assert found == recorded(VERSIONS[0])


SEVENTH = Decimal("0." + "142857" * 10 + "1429")


@pytest.mark.parametrize(
    "compute",
    [
        lambda: Decimal(1) / 7,
        lambda: Decimal(1) / 0,
        lambda: Decimal("Infinity") - Decimal("Infinity"),
        lambda: Decimal(1) < 1.5,
    ],
)
def test_contracts_compute_alike_or_not_at_all(compute: Callable[[], object]):
    """Whatever the caller has set: an error is an error, and a quotient has the same digits."""
    outcomes = []
    for prec in (3, 28, 99):
        setcontext(Context(prec=prec, traps=[]))
        try:
            with contract_arithmetic():
                outcomes.append(str(compute()))
        except ArithmeticError as error:
            outcomes.append(type(error).__name__)
        except TypeError as error:  # FloatOperation is one too
            outcomes.append(type(error).__name__)
    setcontext(Context())
    assert len(set(outcomes)) == 1
    assert outcomes[0] == str(SEVENTH) or outcomes[0][0].isupper()
    assert PRECISION_DIGITS == 64
