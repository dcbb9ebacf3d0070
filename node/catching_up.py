"""A node without clients: it applies what the ledger has, and ends."""

import asyncio
from contextlib import AsyncExitStack

from node.compose import applying
from node.keyring import KeyRing
from node.network import load_network
from node.progress import Watcher
from node.replica import Head, head
from node.settings import NodeSettings
from node.startup import alone, attached, check_network, protection
from node.store import STORE_FILE, Store


async def catch_up(settings: NodeSettings, watcher: Watcher) -> Head:
    """Apply all that the ledger has, without clients and without publishing; how far that is.

    watcher: told of each step. Raises what run_node raises.
    """
    network = load_network(settings.network_file)
    ring = KeyRing.load(settings.keys_folder, protection(settings))
    with alone(settings.data_folder):
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(Store(settings.data_folder / STORE_FILE))
            await store.write(lambda connection: check_network(connection, network))
            found = await stack.enter_async_context(attached(settings, network, create=False))
            *_, replica = await applying(
                settings, network, ring, store, found.ledger, changed=asyncio.Event(), watcher=watcher
            )
            try:
                async with asyncio.TaskGroup() as group:
                    reading = group.create_task(replica.run(), name="replica")
                    await replica.caught_up.wait()
                    reading.cancel()
            except BaseExceptionGroup as failed:
                raise _first(failed) from failed
            return await store.write(head)


def _first(error: BaseException) -> BaseException:
    """What a group of errors began with: a command tells one sentence."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
