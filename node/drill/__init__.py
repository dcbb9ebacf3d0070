"""Drills: faults that are brought about on this machine, and whether what must hold did hold.

    report = run_drill(DrillOptions("kills", seed=7))

Each sets up three service providers as the demo does, daemons, nats-servers and FIX engines, all real.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.demo import end_on_signals, quiet_logs
from node.demo.providers import DemoError
from node.drill.account import Account, Asked, ImpossibleError, Promise, Report
from node.drill.behind import behind
from node.drill.bits import flipped_bit
from node.drill.clock import clock
from node.drill.contracts import contracts
from node.drill.full import full_disk
from node.drill.kills import kills
from node.drill.malice import malice
from node.drill.pauses import pauses
from node.drill.secret import secret
from node.drill.stores import damaged_store, lost_directory
from node.drill.two_providers import two_providers
from node.drill.upgrade import upgrade
from node.drill.waits import waits

__all__ = ["DRILLS", "DemoError", "Drill", "DrillOptions", "Promise", "Report", "run_drill"]


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill. brings: what it brings about. seconds, count: as asked where nothing else is said.

    counts: what `count` counts; empty where it means nothing here.
    """

    play: Callable[[Asked, Account], Awaitable[None]]
    brings: str
    seconds: float = 0
    count: int = 0
    counts: str = ""


DRILLS: Final[dict[str, Drill]] = {
    "kills": Drill(
        kills,
        "kill -9 of one, two or all servers and daemons, again and again under load",
        seconds=60,
        count=25,
        counts="kills",
    ),
    "two-providers": Drill(
        two_providers,
        "a broker's provider is killed; it goes on through its second one; the first returns",
        seconds=12,
    ),
    "pauses": Drill(
        pauses,
        "SIGSTOP of the server that leads the ledger, then of a daemon, under load",
        seconds=30,
    ),
    "malice": Drill(
        malice,
        "a member publishes what it must not, and is removed by the others",
        seconds=6,
    ),
    "contracts": Drill(
        contracts,
        "one node's contract computes another result than the other side's",
        seconds=4,
    ),
    "upgrade": Drill(
        upgrade,
        "the members activate another contract under load; one node has it only later",
        seconds=18,
    ),
    "waits": Drill(
        waits,
        "the other side's node is away, and a result waits as long as the rules say",
        seconds=3,
    ),
    "secret": Drill(
        secret,
        "a provider is party to nothing: nothing of what others trade stands anywhere at it",
        seconds=3,
    ),
    "bit": Drill(
        flipped_bit,
        "one bit flips in a member's copy of the stream while its server is stopped",
        seconds=10,
    ),
    "store": Drill(
        damaged_store,
        "the end of a node's store is cut off; later one bit of it is flipped",
        seconds=6,
        count=2**20,
        counts="bytes",
    ),
    "lost": Drill(
        lost_directory,
        "a node's data directory is lost; its keys are kept",
        seconds=6,
    ),
    "full": Drill(
        full_disk,
        "the disk of one node is low, then full, and has room again",
        seconds=5,
    ),
    "behind": Drill(
        behind,
        "a node is away while the ledger grows, and catches up",
        count=100_000,
        counts="entries",
    ),
    "clock": Drill(
        clock,
        "the clock of one node's daemon is an hour ahead, then an hour behind",
        seconds=10,
    ),
}


@dataclass(frozen=True, slots=True)
class DrillOptions:
    """How a drill is to be played.

    folder: where the nodes' and clients' files are made and kept; None: where they are removed at the end.
    seconds, count: None for the drill's own. watcher: told of each line as it happens.
    """

    name: str
    seed: int = 1
    folder: Path | None = None
    seconds: float | None = None
    count: int | None = None
    watcher: Callable[[str], None] = lambda _: None


def run_drill(options: DrillOptions) -> Report:
    """Play a drill. Raises DemoError where there is none of that name, or its folder is in use."""
    if options.name not in DRILLS:
        raise DemoError(f"there is no drill {options.name}: `yakujo drill --list` names them")
    if options.folder is None:
        with tempfile.TemporaryDirectory(prefix="yakujo-drill-") as temporary:
            return _run(options, Path(temporary))
    folder = options.folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise DemoError(f"{folder} is not empty: remove it, or name another folder")
    return _run(options, folder)


def _run(options: DrillOptions, folder: Path) -> Report:
    drill, account = DRILLS[options.name], Account(options.watcher)
    asked = Asked(
        folder=folder,
        seed=options.seed,
        seconds=drill.seconds if options.seconds is None else options.seconds,
        count=drill.count if options.count is None else options.count,
    )
    skipped = None
    with quiet_logs():
        try:
            asyncio.run(_play(drill, asked, account))
        except ImpossibleError as error:
            skipped = str(error)
        except (DemoError, ExceptionGroup) as error:
            account.must("the drill comes to its end", _reasons(error))
        except asyncio.CancelledError:
            raise DemoError("ended by a signal; nothing of it runs any more") from None
    return Report(
        drill=options.name,
        seed=options.seed,
        held=account.held,
        skipped=skipped,
        events=tuple(account.events),
        promises=tuple(account.promises),
        seconds=account.seconds,
        folder=str(folder) if options.folder is not None else None,
    )


def _reasons(error: Exception) -> list[str]:
    """Why a drill does not go on, each reason once. Raises again what is a fault of its own."""
    if not isinstance(error, ExceptionGroup):
        return [str(error)]
    expected, others = error.split(DemoError)
    if expected is None or others is not None:
        raise error
    return list(dict.fromkeys(reason for one in expected.exceptions for reason in _reasons(one)))


async def _play(drill: Drill, asked: Asked, account: Account) -> None:
    end_on_signals()
    await drill.play(asked, account)
