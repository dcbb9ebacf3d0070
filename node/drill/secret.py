"""A provider that is party to nothing: nothing of what others trade stands anywhere at it."""

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Final

from node.demo.market import BROKER, MANAGER_A, SECURITIES
from node.demo.providers import Provider
from node.demo.secrecy import found_in, words_of
from node.demo.stories import Teller
from node.drill.account import Account, Asked
from node.drill.stage import Stage
from node.drill.trades import Told, matched, mismatched, trades
from node.inspection import reading, status_of
from node.settings import load_settings
from node.setup import NETWORK_FILE, NODE_FILE
from node.trades import list_trades

OUTSIDER: Final = "sp3"
SHOWN_FILE: Final = "shown.json"


async def secret(asked: Asked, account: Account) -> None:
    """The broker trades with one asset manager alone; neither uses the third provider."""
    told: list[Told] = [
        *matched(MANAGER_A, 8),
        *(mismatched(MANAGER_A, what) for what in ("price", "commission")),
    ]
    told += [(MANAGER_A, "cancelled", partial(Teller.cancelled, by_broker=way)) for way in (True, False)]
    scenario = trades(told, asked.seed)
    async with Stage(asked, account, scenario) as stage:
        await stage.play_over(asked.seconds)
        await stage.settle()
        account.tell(f"at rest: {stage.heads()}")
        words = words_of(scenario, [MANAGER_A.client]) | set(_names())
        outsider, party = stage.providers[OUTSIDER], stage.providers[BROKER.sp]
        await asyncio.to_thread(_save_what_is_shown, outsider)
        leaked = await asyncio.to_thread(found_in, outsider.folder, words, (NETWORK_FILE,))
        known = await asyncio.to_thread(found_in, party.data, words)
        account.tell(
            f"searched all files of {OUTSIDER} for {len(words)} words; {BROKER.sp} has {len(known)} of them"
        )
        account.must(
            f"no name, code, account or amount stands in any file, log or display of {OUTSIDER}",
            (f"{word} stands at {OUTSIDER}" for word in sorted(leaked)),
        )
        account.must(
            f"the same search does find them at {BROKER.sp}, which is party to it",
            [] if len(known) > len(words) // 2 else ["it does not: the search is blind"],
        )
        await stage.hold()
        stage.hold_quiet()


def _names() -> Iterator[str]:
    """What the scenario's words lack: who the two firms are, and what they trade.

    Their LEIs are no secret: who has delegated to whom stands in the network file, which every member has.
    """
    for firm in (BROKER, MANAGER_A):
        yield from (firm.name, firm.bic)
    for security in SECURITIES:
        yield from (security.isin, security.name)


def _save_what_is_shown(provider: Provider) -> None:
    """Put beside the provider's files what `yakujo status` and `yakujo trades` show there."""
    with reading(load_settings(provider.folder / NODE_FILE)) as view:
        shown = [status_of(view), *list_trades(view)]
    text = "\n".join(one.model_dump_json() for one in shown)
    (provider.folder / SHOWN_FILE).write_text(text, encoding="utf-8")
