"""What the three nodes hold, read beside them from their stores: heads, outcomes, deliveries."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

from node.demo.clients import Client, FixClient
from node.demo.providers import Provider
from node.replica import Head, head
from node.store import StoreError, each, read_store
from node.tree_tiles import root

_ENGINES_OWN = {"8", "9", "10", "34", "43", "49", "52", "56", "122"}


def head_of(provider: Provider) -> Head:
    """How far a node has applied the ledger."""
    with closing(read_store(provider.store)) as connection:
        return head(connection)


def is_quiet(provider: Provider) -> bool:
    """Whether a node has nothing left to do: all read, all on the ledger, all delivered."""
    waiting = (
        "SELECT EXISTS (SELECT 1 FROM raw WHERE state = 'stored')"
        " OR EXISTS (SELECT 1 FROM outbox) OR EXISTS (SELECT 1 FROM delivery WHERE delivered IS NULL)"
    )
    try:
        with closing(read_store(provider.store)) as connection:
            return not connection.execute(waiting).fetchone()[0]
    except (StoreError, sqlite3.Error):
        return False  # not there yet, or busy being recovered


def entries_applied(provider: Provider) -> int:
    """The size of a node's ledger, 0 where it has none yet."""
    try:
        return head_of(provider).size
    except (StoreError, sqlite3.Error):
        return 0


def head_deviations(providers: tuple[Provider, ...]) -> Iterator[str]:
    """Nodes whose ledgers are not equal as far as all of them are, or have blocks that did not count.

    One may have read a checkpoint more than the others at this moment.
    """
    size = min(head_of(provider).size for provider in providers)
    roots = {provider.sp: _root_at(provider, size) for provider in providers}
    if len(set(roots.values())) != 1:
        yield f"the ledgers differ at {size} entries: {roots}"
    for provider in providers:
        with closing(read_store(provider.store)) as connection:
            faults = each(
                connection, "SELECT fault FROM archive WHERE fault NOT NULL AND fault <> 'repeated'"
            )
        if faults:
            yield f"{provider.sp} passed over blocks: {[row[0] for row in faults]}"


def _root_at(provider: Provider, size: int) -> str:
    with closing(read_store(provider.store)) as connection:
        return root(connection, size).hex()


def outcome_deviations(providers: tuple[Provider, ...]) -> Iterator[str]:
    """Outcomes that two nodes, both able to read the trade, did not compute alike."""
    known: dict[str, tuple[str, str]] = {}
    positions: dict[str, set[int]] = {}
    for provider in providers:
        with closing(read_store(provider.store)) as connection:
            rows = each(connection, "SELECT id, position, outcome FROM outcome")
            positions[provider.sp] = {row[0] for row in each(connection, "SELECT position FROM said")}
        for identity, _, outcome in rows:
            other = known.setdefault(identity, (provider.sp, outcome))
            if other[1] != outcome:
                yield f"{provider.sp} and {other[0]} differ in outcome {identity}"
    first, *others = providers  # the broker's provider can read all; each other reads its own part of that
    for provider in others:
        if not positions[provider.sp] <= positions[first.sp]:
            yield f"{provider.sp} has read what {first.sp} has not"
    if positions[first.sp] != set().union(*(positions[provider.sp] for provider in others)):
        yield f"{first.sp} has read what no other has"


def delivery_deviations(provider: Provider, client: Client) -> Iterator[str]:
    """Deliveries that a client did not get, got twice, or got without their being queued."""
    with closing(read_store(provider.store)) as connection:
        rows = each(
            connection,
            # What the FIX engine refuses by itself is between the engines: the application sees nothing.
            "SELECT id, bytes FROM delivery WHERE client = ? AND id NOT LIKE 'engine-%' ORDER BY number",
            client.firm.client,
        )
    if isinstance(client, FixClient):
        queued = Counter(_content(raw) for _, raw in rows)
        came = Counter(_content(native.raw) for native in client.heard())
    else:
        queued = Counter(row[0] for row in rows)
        came = Counter(native.id.rpartition(".")[0] for native in client.heard())
    if lost := queued - came:
        yield f"{client.firm.client}: {lost.total()} deliveries did not come"
    if surplus := came - queued:
        yield f"{client.firm.client}: {surplus.total()} answers came twice or from nowhere"


def _content(raw: bytes) -> str:
    """A FIX message without what engines add and without its order, which they change."""
    fields = raw.decode("utf-8", "backslashreplace").split("\x01")
    return "|".join(sorted(f for f in fields if f and f.partition("=")[0] not in _ENGINES_OWN))
