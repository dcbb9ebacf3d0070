"""A node whose contract computes another result than the other side's."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

import canonical
from node.demo.market import BROKER, MANAGER_A, MANAGERS
from node.demo.providers import Provider, prepare
from node.demo.scenario import Block, Scenario
from node.drill.account import Account, Asked
from node.drill.holding import alarms, archive_deviations, counted_deviations, rows
from node.drill.stage import Stage
from node.drill.trades import matched, mismatched, trades

ALTERED: Final = "sp3"
SIDES: Final = ("sp1", "sp3")
ALTERATION: Final = """
from canonical.rules import Rules


def _lenient(view, entry, rules, contract):
    unused = {"code": "NUFM"}
    lenient = Rules.model_validate({"compare": {"fund": {"commission": unused, "net": unused}}})
    return matching_v1.apply(view, entry, lenient, contract)


CONTRACTS["matching/1"] = _lenient
"""
"""What the altered node runs, under the right contract's name: it overlooks differences in commission."""


async def contracts(asked: Asked, account: Account) -> None:
    """Trades that the two sides' nodes judge alike, and some that they do not, within asked.seconds."""
    scenario = _scenario(asked.seed)

    def prepared(folder: Path) -> tuple[Provider, ...]:
        providers = prepare(folder)
        other = next(provider for provider in providers if provider.sp == ALTERED)
        other.environment = altered(folder / "altered", ALTERATION)
        return providers

    async with Stage(asked, account, scenario, prepared) as stage:
        account.tell(f"the contract of {ALTERED} overlooks differences in commission")
        await stage.play_over(asked.seconds)
        await stage.settle()
        await stage.attested(*SIDES)
        account.tell(f"at rest: {stage.heads()}")
        providers = tuple(stage.providers.values())
        account.must(
            "what both sides' nodes came to alike is told; of what differs, nobody is told any result",
            stage.answer_deviations(),
        )
        due = sum(_is_judged_otherwise(block) for block in scenario.blocks)
        account.must(
            "both sides' nodes hold what differs as disputed, with an alarm", _undisputed(stage, due)
        )
        account.must("nothing of what is disputed waits to be delivered", _released(stage))
        account.must("all archives are the same nevertheless", archive_deviations(providers))
        account.must("no message counts twice", counted_deviations(providers))


def altered(folder: Path, alteration: str) -> dict[str, str]:
    """An altered copy of the canonical package, and what has one daemon run it; nothing else is changed.

    alteration: Python text at the end of its register of contracts.
    """
    original, package = Path(canonical.__file__).parent, folder / canonical.__name__
    shutil.copytree(original, package, ignore=shutil.ignore_patterns("__pycache__"))
    with (package / "contracts" / "__init__.py").open("a", encoding="utf-8") as source:
        source.write(alteration)
    paths = [str(folder), str(original.parent), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONSAFEPATH": "1"}


def _scenario(seed: int) -> Scenario:
    """Trades that match, and of each asset manager some whose commission differs."""
    told = [one for manager in MANAGERS for one in matched(manager, 3)]
    told += [mismatched(manager, "commission") for manager in MANAGERS for _ in range(2)]
    Random(seed).shuffle(told)  # noqa: S311 - for play, and the same each time
    blocks = trades(told, seed).blocks
    return Scenario(tuple(_untold(block) if _is_judged_otherwise(block) else block for block in blocks))


def _is_judged_otherwise(block: Block) -> bool:
    return block.story == "mismatched" and block.client != MANAGER_A.client


def _untold(block: Block) -> Block:
    """Both sides hear that their messages were received, and nothing else."""
    expected = [replace(one, final="", differences={}) for one in block.expected]
    return replace(block, expected=expected)


def _disputed(provider: Provider) -> list[int]:
    query = "SELECT position FROM decided WHERE finality = 'disputed' ORDER BY position"
    return [row[0] for row in rows(provider, query)]


def _undisputed(stage: Stage, due: int) -> Iterator[str]:
    found = {sp: _disputed(stage.providers[sp]) for sp in SIDES}
    if len({tuple(positions) for positions in found.values()}) != 1 or len(found[BROKER.sp]) != due:
        yield f"{due} trades differ, disputed are {found}"
    for sp, positions in found.items():
        raised = alarms(stage.providers[sp])
        for position in positions:
            if f"disputed/{position}" not in raised:
                yield f"{sp} has raised no alarm about position {position}"


def _released(stage: Stage) -> Iterator[str]:
    for provider in stage.providers.values():
        for (name,) in rows(
            provider,
            "SELECT delivery.id FROM delivery JOIN outcome ON outcome.id = delivery.outcome"
            " JOIN decided USING (position) WHERE outcome.kind = 'result' AND finality = 'disputed'",
        ):
            yield f"{provider.sp} has queued {name}, which is disputed"
