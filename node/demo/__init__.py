"""The demo: three service providers on this machine; a broker and three asset managers confirm their trades.

    report = run_demo(DemoOptions(blocks=200))

Everything in it is the real thing: three daemons with a nats-server each, quickfix on both ends of each FIX
session, files in folders. What is sent and what must be heard is made beforehand from a seed.
"""

import asyncio
import signal
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from rich.console import Console

from node.demo.programme import programme
from node.demo.providers import DemoError
from node.demo.report import Report, Seconds, report_of
from node.demo.stage import Demo
from node.demo.tables import show, watched
from node.logs import LogLevel, configure_logging

__all__ = ["Demo", "DemoError", "DemoOptions", "Report", "run_demo", "show"]


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How the demo is to run.

    folder: where the nodes' and clients' files are made and kept; None: where they are removed at the end.
    quiet: no progress is shown.
    """

    blocks: int = 200
    seed: int = 1
    folder: Path | None = None
    quiet: bool = False


def run_demo(options: DemoOptions) -> Report:
    """Play the demo. Raises DemoError where it cannot be played at all."""
    if options.folder is not None:
        _make_empty(options.folder)
        return _run(options, options.folder.absolute())
    with tempfile.TemporaryDirectory(prefix="yakujo-demo-") as folder:
        return _run(options, Path(folder))


def _make_empty(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise DemoError(f"{folder} is not empty: remove it, or name another folder")


def _run(options: DemoOptions, folder: Path) -> Report:
    with quiet_logs():
        try:
            return asyncio.run(_play(options, folder))
        except asyncio.CancelledError:
            raise DemoError("ended by a signal; nothing of it runs any more") from None


async def _play(options: DemoOptions, folder: Path) -> Report:
    end_on_signals()
    loop = asyncio.get_running_loop()
    demo = Demo(programme(options.blocks, options.seed), folder)
    began = loop.time()
    async with AsyncExitStack() as stack:
        if not options.quiet:
            await stack.enter_async_context(watched(demo, Console(stderr=True)))
        await stack.enter_async_context(demo)
        ready = loop.time()
        await demo.play()
        await demo.settle()
        played = loop.time()
        seconds = Seconds(start=ready - began, play=played - ready, check=0)
        report = await asyncio.to_thread(report_of, demo, options.seed, seconds, options.folder)
    seconds = seconds.model_copy(update={"check": loop.time() - played})
    return report.model_copy(update={"seconds": seconds})


def end_on_signals() -> None:
    """Let a closed terminal or a `kill` end the demo as Ctrl-C does: with all that it has started."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


@contextmanager
def quiet_logs() -> Iterator[None]:
    """The clients' own links log here; what is not an error is no part of the show."""
    before = structlog.get_config()
    configure_logging(level=LogLevel.ERROR)
    try:
        yield
    finally:
        structlog.configure(**before)
