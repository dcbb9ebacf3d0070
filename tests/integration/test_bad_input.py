"""What clients send by mistake or malice, through the real links: each is told what is wrong and what to do.

No node has to be started again for any of it, and what arrived is kept.
"""

import asyncio
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from node.demo import Demo, csv_messages
from node.demo.answers import REFUSED, Heard, heard_in
from node.demo.clients import Client, FixClient
from node.demo.market import BROKER, MANAGER_A, MANAGER_B, MANAGER_C
from node.demo.programme import programme
from node.demo.scenario import UNKNOWN, Scenario, Sending
from node.store import read_store

SECONDS_MAX = 30
HEADER = csv_messages.written([])
XML = b'<?xml version="1.0" encoding="UTF-8"?>\n'

# What is dropped into a folder, by whom, and what the refusal must say.
FILES: dict[str, tuple[str, Callable[[], bytes], tuple[str, ...]]] = {
    "csv-empty": ("manager-a", lambda: b"", ("empty",)),
    "csv-header-alone": ("manager-a", lambda: HEADER, ("empty",)),
    "csv-of-50-megabytes": ("manager-a", lambda: b"x" * 50_000_000, ("too_large", "split it")),
    "csv-of-a-million-rows": ("manager-a", lambda: HEADER + b"a" + b",1,\n" * 1_000_000, ("too_large",)),
    "csv-of-bytes-that-are-no-text": ("manager-a", lambda: bytes(range(128, 256)) * 10, ("undecodable",)),
    "csv-in-utf-16": ("manager-a", lambda: HEADER.decode("cp932").encode("utf-16"), ("undecodable",)),
    "csv-that-is-xml": ("manager-a", lambda: XML + b"<a/>", ("no known column",)),
    "xml-empty": ("manager-b", lambda: b"", ("empty",)),
    "xml-of-50-megabytes": ("manager-b", lambda: XML + b"<a>" + b" " * 50_000_000 + b"</a>", ("split it",)),
    "xml-of-bytes-that-are-no-text": ("manager-b", lambda: bytes(range(128, 256)) * 10, ("not well-formed",)),
    "xml-cut-off": ("manager-b", lambda: XML + b"<Messages><AppHdr>", ("not well-formed",)),
    "xml-with-an-entity": (
        "manager-b",
        lambda: XML + b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        ("DTD",),
    ),
    "xml-nested-deep": ("manager-b", lambda: XML + b"<a>" * 100_000 + b"</a>" * 100_000, ("Document",)),
    "xml-of-another-message": ("manager-b", lambda: XML + b"<Document xmlns='urn:x'/>", ("not handled",)),
}
# What the broker sends on its FIX session, and what its refusal must say.
FIX = {
    "no-reference": (b"35=AS\x0171=0\x01794=4\x0187=3\x01", ("755",)),
    "not-agreed": (b"35=D\x0111=O1\x0155=X\x0154=1\x0160=20261120-06:00:00\x0140=1\x01", ("not agreed",)),
}
OWN_TYPE = b"35=U7\x019000=x\x01"  # refused by the FIX engine itself, with 35=3, which is between the engines

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(300)]


async def test_everybody_is_told_and_no_node_stops(tmp_path: Path):
    """Whatever one client sends, it hears of it in its own format, and the others' trades go on."""
    async with Demo(programme(6, seed=5), tmp_path) as demo:
        await send_files(demo)
        await send_fix(demo)
        await demo.play()
        await demo.settle()
        told = await refusals(demo)
        assert missing(told) == []
        trades = {key for key in demo.verdict.deviations() if "UNKNOWN" not in key and key[1]}
        assert trades == set(), "the others' trades have gone on"
        for provider in demo.providers.values():
            provider.check()
        assert is_engines_refusal_kept(demo)
        assert kept_bytes(demo) == {name for name, (_, make, _) in FILES.items() if len(make()) < 20_000_000}


async def test_a_stranger_is_not_let_in(tmp_path: Path):
    """A FIX engine under a name that nobody has agreed on gets no session; the agreed ones keep theirs."""
    async with Demo(Scenario(()), tmp_path) as demo:
        stranger = FixClient(MANAGER_C, demo.providers[BROKER.sp], tmp_path / "stranger")
        task = asyncio.create_task(stranger.run())
        try:
            await asyncio.sleep(3)  # it tries once a second
            assert not stranger.is_ready()
            assert demo.clients[BROKER.client].is_ready()
            demo.providers[BROKER.sp].check()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def send_files(demo: Demo) -> None:
    for name, (client, make, _) in FILES.items():
        suffix = "csv" if client == MANAGER_A.client else "xml"
        await demo.clients[client].send(Sending(client, f"{name}.{suffix}", make()))


async def send_fix(demo: Demo) -> None:
    client = BROKER.client
    bodies = {name: body for name, (body, _) in FIX.items()} | {"own-type": OWN_TYPE}
    for name, body in bodies.items():
        framed = b"8=FIX.4.4\x019=%d\x01%s10=000\x01" % (len(body), body)
        await demo.clients[client].send(Sending(client, name, framed))


async def refusals(demo: Demo) -> dict[str, list[Heard]]:
    """What each client was told to be refused without a reference, once there is enough of it."""
    due = {client: sum(owner == client for owner, _, _ in FILES.values()) for client in demo.clients}
    due[BROKER.client] = len(FIX)
    deadline = asyncio.get_running_loop().time() + SECONDS_MAX
    while True:
        told = {name: unread_refusals(client) for name, client in demo.clients.items()}
        is_enough = all(len(told[name]) >= count for name, count in due.items())
        if is_enough or asyncio.get_running_loop().time() > deadline:
            return told
        await asyncio.sleep(0.2)


def unread_refusals(client: Client) -> list[Heard]:
    answers = [heard_in(client.firm.client, native) for native in client.heard()]
    return [a for a in answers if a.status == REFUSED and a.reference in ("", UNKNOWN)]


def missing(told: dict[str, list[Heard]]) -> list[str]:
    """What no refusal says."""
    wanted = {name: (client, words) for name, (client, _, words) in FILES.items()}
    wanted |= {name: (BROKER.client, words) for name, (_, words) in FIX.items()}
    texts = {client: ["; ".join(a.problems) for a in answers] for client, answers in told.items()}
    return [
        f"{name}: {words} not in {texts[client]}"
        for name, (client, words) in wanted.items()
        if not any(all(word in text for word in words) for text in texts[client])
    ]


def kept_bytes(demo: Demo) -> set[str]:
    """The files whose bytes lie in their provider's store as they came."""
    kept: set[str] = set()
    for firm in (MANAGER_A, MANAGER_B):
        with closing(read_store(demo.providers[firm.sp].store)) as connection:
            stored = {row[0] for row in connection.execute("SELECT bytes FROM raw")}
        kept |= {n for n, (client, make, _) in FILES.items() if client == firm.client and make() in stored}
    return kept


def is_engines_refusal_kept(demo: Demo) -> bool:
    """Whether the store has what the engine refused, and its words."""
    with closing(read_store(demo.providers[BROKER.sp].store)) as connection:
        rows = connection.execute(
            "SELECT raw.bytes, delivery.bytes FROM raw JOIN delivery ON source = digest"
        ).fetchall()
    return any(b"\x0135=U7\x01" in raw and b"\x0135=3\x01" in reject for raw, reject in rows)
