"""A node that was away while the ledger grew catches up, and says how fast."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from itertools import count, islice
from typing import Final

from node.demo import csv_messages
from node.demo.figures import Figures, share
from node.demo.ledger_view import entries_applied
from node.demo.market import MANAGER_A, SECURITIES
from node.demo.providers import Part, Provider
from node.demo.scenario import Scenario, Sending
from node.drill.account import Account, Asked
from node.drill.holding import apart_deviations, archive_deviations, counted_deviations, rows
from node.drill.stage import Stage

AWAY: Final = "sp1"
ALLOCATIONS_PER_FILE: Final = 200
FILES_AHEAD: Final = 3
TOLD_EVERY_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.1
SETTLE_SECONDS_MAX: Final = 600.0


async def behind(asked: Asked, account: Account) -> None:
    """The ledger grows by asked.count entries while the node is away."""
    async with Stage(asked, account, Scenario(())) as stage:
        away, grows = stage.providers[AWAY], stage.providers[MANAGER_A.sp]
        await stage.level()
        await stage.kill(AWAY, Part.DAEMON, Part.LEDGER)
        before = entries_applied(away)
        account.tell(f"kill -9: daemon and nats-server of {AWAY}, at {before} entries")
        sent = await _grow(stage, grows, before + asked.count)
        account.tell(f"{sent} allocations are on the ledger, sent through {grows.sp}")
        await stage.start(AWAY)
        await _progress(account, "catching up", away, before, entries_applied(grows))
        await stage.attested(AWAY, grows.sp, seconds=SETTLE_SECONDS_MAX)
        account.tell(f"at rest: {stage.heads()}")
        account.must(
            "all archives hold the same blocks in the same order",
            archive_deviations(stage.providers.values()),
        )
        account.must("every allocation counts once", [*_uncounted(away, sent), *counted_deviations([away])])
        account.must(f"{AWAY} and {grows.sp} agree in all outcomes and states", apart_deviations(away, grows))
        stage.hold_quiet()


async def _grow(stage: Stage, provider: Provider, size: int) -> int:
    """Have asset manager A send allocations until the ledger has so many entries; how many it sent."""
    files, sent = _files(), 0
    growing = asyncio.create_task(
        _progress(stage.account, "the ledger grows", provider, entries_applied(provider), size)
    )
    while not growing.done():
        unread = len(list(provider.client_folder(MANAGER_A.client, "in").glob("*.csv")))
        for sending in islice(files, FILES_AHEAD if unread + _waiting(provider) == 0 else 0):
            await stage.clients[MANAGER_A.client].send(sending)
            sent += ALLOCATIONS_PER_FILE
        await asyncio.sleep(LOOK_SECONDS)
    await growing
    text = f"{provider.sp} has published all that it was sent"
    await stage.until_true(lambda: not _waiting(provider), text, SETTLE_SECONDS_MAX)
    return sent


async def _progress(account: Account, what: str, provider: Provider, start: int, size: int) -> None:
    """Return when a node has applied so many entries; tell meanwhile how far it is, and how fast."""
    loop = asyncio.get_running_loop()
    began = told = loop.time()
    while (at := entries_applied(provider)) < size:
        now = loop.time()
        if at <= start:
            began = now  # it is still being started
        elif now - told >= TOLD_EVERY_SECONDS:
            told, rate = now, (at - start) / (now - began)
            left = (size - at) / rate
            account.tell(f"{what}: {at} of {size} entries, {rate:.0f} per second, {left:.0f} s left")
        await asyncio.sleep(LOOK_SECONDS)
    seconds = max(loop.time() - began, LOOK_SECONDS)
    done = at - start
    account.tell(f"{what}: {done} entries in {seconds:.1f} s, {done / seconds:.0f} per second")


def _files() -> Iterator[Sending]:
    """Files of allocations of one fund each, every one with an order number of its own."""
    numbers = count(1)
    while True:
        given = [row for number in islice(numbers, ALLOCATIONS_PER_FILE) for row in _allocation(number)]
        yield Sending(MANAGER_A.client, "allocations.csv", csv_messages.written(given))


def _allocation(number: int) -> list[csv_messages.Row]:
    security, fund = SECURITIES[number % len(SECURITIES)], MANAGER_A.funds[number % len(MANAGER_A.funds)]
    price, quantity = Decimal(security.price), 100 * number  # no two are alike, as on a real day
    shares = (share(fund, quantity, price, buys=True),)
    figures = Figures(True, security, quantity, price, shares, f"XA-N{number:06}")  # noqa: FBT003 - a buy
    return csv_messages.rows(f"XA-I{number:06}", figures)


def _waiting(provider: Provider) -> int:
    """How many files and messages wait to be published."""
    query = "SELECT (SELECT COUNT(*) FROM raw WHERE state = 'stored') + (SELECT COUNT(*) FROM outbox)"
    [(found,)] = rows(provider, query)
    return int(found)


def _uncounted(provider: Provider, sent: int) -> Iterator[str]:
    [(found,)] = rows(provider, "SELECT COUNT(*) FROM outcome WHERE kind = 'receipt'")
    if found != sent:
        yield f"{provider.sp} has accepted {found} allocations, {sent} were sent"
