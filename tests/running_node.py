"""A node as an operator runs it: `yakujo init`, `yakujo run`, and the other commands beside it."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from node.commands import app

YAKUJO = str(Path(sys.executable).with_name("yakujo"))
PATIENCE_SECONDS = 30.0
GIVEN: set[int] = set()  # ports that a test of this process may be about to take


@dataclass(frozen=True)
class Ended:
    """What a command printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def yakujo(*arguments: str | Path) -> Ended:
    """One command, run to its end in this process: an interpreter takes longer to start than most of them."""
    stdout, stderr, code = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            app([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        finally:
            structlog.reset_defaults()
    return Ended(code, stdout.getvalue(), stderr.getvalue())


def as_data(*arguments: str | Path) -> Any:
    """What a command prints with --json."""
    done = yakujo(*arguments, "--json")
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def free_ports(count: int) -> int:
    """The first of `count` ports in a row that nobody listens on, below those that the system gives out."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))  # each looks elsewhere
    for first in range(20_000 + worker % 6 * 2_000, 32_000):
        if not GIVEN.isdisjoint(range(first, first + count)):
            continue
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        GIVEN.update(range(first, first + count))
        return first
    raise AssertionError("no free ports")


def until(condition: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Return when the condition holds; fail where it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@dataclass
class Daemon:
    """`yakujo run` in a process of its own, for use with `with`."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> "Daemon":
        """Start it, and wait until it serves its clients."""
        self.start()
        try:
            self.wait_until_it_runs()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self) -> None:
        """Start it; a member of a network of several runs when enough of them have been started."""
        self.log = (self.folder / "test.log").open("a+")
        self.began = len(self.logged())
        command = [YAKUJO, "run", str(self.folder), "--log", "json"]
        environment = {**os.environ, **self.environment}
        self.process = subprocess.Popen(command, stderr=self.log, env=environment)

    def wait_until_it_runs(self) -> None:
        """Return when it serves its clients."""
        until(lambda: self.process.poll() is not None or '"node runs"' in self.logged()[self.began :])
        assert self.process.poll() is None, self.logged()

    def end(self) -> None:
        """End it as systemd does; one that does not end fails the test, and leaves nothing behind."""
        try:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            os.kill(int((self.folder / "data" / "nats" / "nats.pid").read_text()), signal.SIGKILL)
            raise
        finally:
            self.log.close()

    def logged(self) -> str:
        """All that it has logged."""
        return (self.folder / "test.log").read_text()

    def drop(self, client: str, sample: Path) -> None:
        """Put a file into a client's folder as its client does: written beside it, then renamed."""
        folder = self.folder / "exchange" / client
        beside = folder / f"{sample.name}.tmp"
        beside.write_bytes(sample.read_bytes())
        beside.rename(folder / "in" / sample.name)
