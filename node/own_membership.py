"""Whether a node is what its settings say, as of the ledger: member, key, delegations, clients.

The network file says how things stood at the founding. What has changed since is known once a node has
caught up; before, only what can never be right is refused (node.startup). Other members and institutions may
change it at any time, and must not be able to stop a node by it: a person is told, and the rest goes on.
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping
from functools import partial

from node.alarms import clear_alarm, raise_alarm
from node.block_key import BlockKey
from node.keyring import KeyRing
from node.keys import NodeKeys
from node.register import Register
from node.settings import NodeSettings, SettingsError
from node.store import Store, each

LOOK_SECONDS = 5.0
_ABOUT = "membership/"


async def watch_membership(
    settings: NodeSettings, register: Register, ring: KeyRing, store: Store, caught_up: asyncio.Event
) -> None:
    """Look once the node has caught up, and regularly. Raises SettingsError for a wrong key at the start."""
    key = BlockKey(settings.sp, register, ring.signing)
    await caught_up.wait()
    await store.write(lambda _: _refuse_strange_key(settings, register, key))
    while True:
        await store.write(partial(_tell, settings=settings, register=register, keys=ring.keys, key=key))
        await asyncio.sleep(LOOK_SECONDS)


def membership_faults(
    settings: NodeSettings, register: Register, keys: NodeKeys, key: BlockKey
) -> Mapping[str, str]:
    """What is not as the ledger has it, by what it is about, each with what to do."""
    return dict(_faults(settings, register, keys, key))


def _faults(
    settings: NodeSettings, register: Register, keys: NodeKeys, key: BlockKey
) -> Iterator[tuple[str, str]]:
    sp = settings.sp
    if not register.is_member(sp):
        text = "this SP is no member: its node follows the ledger and publishes nothing until it is admitted"
        yield "member", text
        return
    if key.now() is None:
        yield "key", _strange_key(settings)
    served = register.served_by(sp)
    for client in settings.clients:
        if client.institution not in served:
            text = f"client {client.name}: institution {client.institution} has no delegation to {sp}"
            yield f"client/{client.name}", f"{text}: have it delegate, or take the client's file away"
    for lei in sorted(served - set(keys.institutions)):
        text = f"{settings.keys_folder} lacks the keys of {lei}, which lets {sp} act for it"
        yield f"keys/{lei}", f"{text}: restore them, or have it sign the card of those that are there"


def _strange_key(settings: NodeSettings) -> str:
    return (
        f"the signing key in {settings.keys_folder} is not the one that the network has for {settings.sp}: "
        "restore it, or have the members vote for this one"
    )


def _refuse_strange_key(settings: NodeSettings, register: Register, key: BlockKey) -> None:
    if register.is_member(settings.sp) and key.now() is None:
        raise SettingsError(_strange_key(settings))


def _tell(
    connection: sqlite3.Connection,
    settings: NodeSettings,
    register: Register,
    keys: NodeKeys,
    key: BlockKey,
) -> None:
    """Raise an alarm for each fault, and end those that are over."""
    found = {f"{_ABOUT}{about}": text for about, text in _faults(settings, register, keys, key)}
    for about, text in found.items():
        raise_alarm(connection, about, text)
    told = each(connection, "SELECT key FROM alarm WHERE cleared IS NULL AND key GLOB ?", f"{_ABOUT}*")
    for (about,) in told:
        if about not in found:
            clear_alarm(connection, about)
