"""From the queue to the clients: in order per client, each until its link has taken it for good.

Where another node has signed another ledger than this one's, results wait until that is settled.

A client that is away keeps its place: its deliveries wait, those of others go on. A delivery is marked as
done after its link has taken it; a crash in between sends it again with the same id.
"""

import asyncio
import sqlite3
import time
from collections.abc import Mapping
from functools import partial

import structlog

from adapters.link import ClientAwayError, Delivery, Link, LotLink
from node.deliveries import ANSWER
from node.store import Store, each

BATCH_MAX = 64
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.1, 5.0

log = structlog.get_logger(__name__)


class Outbound:
    """Delivers what is queued. links: by client. changed: set when there may be something new."""

    def __init__(self, links: Mapping[str, Link], store: Store, changed: asyncio.Event) -> None:
        self._links = links
        self._store = store
        self._changed = changed
        self._more = {client: asyncio.Event() for client in links}

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as group:
            for client, link in self._links.items():
                group.create_task(self._serve(client, link), name=f"deliver {client}")
            while True:
                await self._changed.wait()
                self._changed.clear()
                for more in self._more.values():
                    more.set()

    async def _serve(self, client: str, link: Link) -> None:
        pause = PAUSE_SECONDS_MIN
        while True:
            self._more[client].clear()
            batch = self._store.read(
                partial(_queued, client=client)
            )  # what is being applied holds up no answer
            if not batch:
                await self._more[client].wait()
                continue
            sent = await self._send(link, batch, is_news=pause == PAUSE_SECONDS_MIN)
            pause = PAUSE_SECONDS_MIN if sent else min(2 * pause, PAUSE_SECONDS_MAX)
            if sent < len(batch):
                await asyncio.sleep(pause)

    async def _send(self, link: Link, batch: list[tuple[int, Delivery]], *, is_news: bool) -> int:
        """Send in order, as far as the client can be reached; how many went out, marked as delivered.

        is_news: whether to log what is in the way.
        """
        sent: list[tuple[int, int]] = []
        numbers = iter([number for number, _ in batch])

        def taken() -> None:
            sent.append((time.time_ns() // 1000, next(numbers)))

        try:
            if isinstance(link, LotLink):
                await link.send_lot([delivery for _, delivery in batch], taken)
            else:
                for _, delivery in batch:
                    await link.send(delivery)
                    taken()
        except ClientAwayError as error:
            if is_news or sent:
                log.info("client is away, its deliveries wait", client=batch[0][1].client, reason=str(error))
        except ValueError:  # only a faulty format or mapping causes it; other clients must not suffer
            stuck = batch[len(sent)][1]
            log.error("a delivery cannot be handed over", client=stuck.client, delivery=stuck.id)  # noqa: TRY400 its text may quote the delivery
        finally:
            if sent:
                await asyncio.shield(self._store.write(partial(_mark, sent=sent)))
        return len(sent)


def _queued(connection: sqlite3.Connection, client: str) -> list[tuple[int, Delivery]]:
    rows = each(
        connection,
        "SELECT number, id, client, kind, bytes FROM delivery WHERE client = ? AND delivered IS NULL"
        " AND (kind <> ? OR NOT EXISTS (SELECT 1 FROM alarm WHERE key GLOB 'diverged/*' AND cleared IS NULL))"
        " ORDER BY number LIMIT ?",
        client,
        ANSWER,
        BATCH_MAX,
    )
    return [(row[0], Delivery(*row[1:])) for row in rows]


def _mark(connection: sqlite3.Connection, sent: list[tuple[int, int]]) -> None:
    """sent: when a link took each, in microseconds since 1970, and its number."""
    connection.executemany("UPDATE delivery SET delivered = ? WHERE number = ?", sent)
