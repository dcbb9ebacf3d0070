"""The demo as a stranger starts it, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

COMMAND = (sys.executable, "-m", "node", "demo")
SECONDS_MAX = 240

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(300)]


def test_a_day_is_confirmed_as_the_scenario_expects(tmp_path: Path):
    """Every message of four firms in three formats is answered as it must be, and nothing leaks."""
    folder = tmp_path / "kept"
    ended = subprocess.run(
        [*COMMAND, "--json", "--blocks", "100", "--seed", "7", "--keep", str(folder)],
        capture_output=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    report: dict[str, Any] = json.loads(ended.stdout)
    assert report["deviations"] == []
    assert (report["as_expected"], ended.returncode) == (True, 0)
    assert len({(head["entries"], head["chain"]) for head in report["heads"]}) == 1
    assert {story["story"] for story in report["stories"]} == {
        *("matched", "mismatched", "refused", "duplicate", "cancelled", "replaced")
    }
    assert [proof["found"] for proof in report["secrecy"]] == [[], []]
    assert all(proof["found_at_party"] > 0 for proof in report["secrecy"])
    assert all(Path(place).exists() for client in report["clients"] for place in client["where"])
    assert processes_in(folder) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_behind_when_it_is_ended(number: signal.Signals, tmp_path: Path):
    """Ctrl-C or a `kill` ends the demo with all that it has started."""
    folder = tmp_path / "kept"
    demo = started_as_by_hand(folder)
    try:
        deadline = time.monotonic() + SECONDS_MAX
        while len(processes_in(folder)) < 6:  # three daemons and three nats-servers
            assert demo.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        demo.send_signal(number)
        assert demo.wait(timeout=SECONDS_MAX) != 0
    finally:
        demo.kill()
        demo.wait()
    assert processes_in(folder) == []


def started_as_by_hand(folder: Path) -> subprocess.Popen[bytes]:
    """The demo as a terminal starts it: a shell's background job, as these tests may be, ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen([*COMMAND, "--json", "--keep", str(folder)], stdout=subprocess.DEVNULL)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_folder_in_use_is_refused(tmp_path: Path):
    """Somebody's files are never mixed with the demo's."""
    (tmp_path / "letter.txt").write_text("dear")
    ended = subprocess.run([*COMMAND, "--keep", str(tmp_path)], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "is not empty" in ended.stderr


def processes_in(folder: Path) -> list[str]:
    """The command lines of all processes that work in `folder`."""
    listed = [process for process in psutil.process_iter(["cmdline"]) if process.pid != os.getpid()]
    lines = (" ".join(process.info["cmdline"] or ()) for process in listed)
    return [line for line in lines if str(folder) in line and "demo" not in line]
