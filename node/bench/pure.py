"""Steps without any input or output, each done alone: reading, and the cryptography."""

import datetime
from collections.abc import Sequence

from adapters.link import Arrival
from node.bench.limits import seconds_each
from node.bench.scene import SP, Scene
from node.block import Block, open_block, sign_block
from node.clients import Client
from node.directory import Directory
from node.entry import SealedEntry, decode_entry, encode_entry
from node.reading import Reader, Ready
from node.sealing import DaySecret, new_secret, open_sealed, seal

BATCH = 100


def reading_seconds(clients: dict[str, Client], arrivals: Sequence[Arrival]) -> float:
    """From native text to validated canonical messages, for each message."""

    def work() -> None:
        for arrival in arrivals:
            client = clients[arrival.client]
            [decoded] = client.decode(arrival.raw)
            given = {"@sender": client.institution.lei, "@raw": "0" * 64}
            said = client.read(decoded.message, (decoded,), given)
            assert said.messages, said.problems

    return seconds_each(work, len(arrivals))


def sealing_seconds(scene: Scene, clients: dict[str, Client], arrivals: Sequence[Arrival]) -> float:
    """Sealing, signing the block, verifying it and opening, for each message, in blocks of `BATCH`."""
    reader = Reader(Directory(scene.network))
    items = [reader.items(clients[a.client], "0" * 64, a.raw)[0] for a in arrivals[:BATCH]]
    ready = [item for item in items if isinstance(item, Ready)]
    broker, investor = ready[0].parties
    day = datetime.date(2026, 11, 20)
    secret = new_secret(scene.network.id, broker, investor, day)
    plaintexts = [item.plaintext for item in ready]
    return seconds_each(lambda: _there_and_back(scene, secret, plaintexts), len(plaintexts))


def _there_and_back(scene: Scene, secret: DaySecret, plaintexts: list[bytes]) -> None:
    network = scene.network
    entries = tuple(encode_entry(seal(secret, SP, plaintext)) for plaintext in plaintexts)
    raw = sign_block(Block(1, network.id, SP, 1, 0, entries), scene.keys.signing)
    opened = open_block(raw, network.signing_keys, network.id)
    for entry, plaintext in zip(opened.entries, plaintexts, strict=True):
        sealed = decode_entry(entry)
        assert isinstance(sealed, SealedEntry)
        assert open_sealed(sealed, secret, SP) == plaintext
