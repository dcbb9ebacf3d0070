"""Whatever bytes a client sends: handed over as they came, or rejected, or the session ends. Never lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fix_peers import BareClient, Inbox, fix_text, free_port, running, session, until, value

from adapters.fix_link import FixLink

pytest.importorskip("quickfix")

Fields = list[tuple[int, str | bytes]]
REPORT: Fields = [
    (755, "R1"), (71, "0"), (794, "4"), (87, "3"), (857, "0"), (54, "1"), (55, "7203"), (53, "1000"),
    (6, "2500"), (75, "20261120"), (78, "1"), (79, "FUND1"), (80, "1000"),
]  # fmt: skip


@asynccontextmanager
async def logged_on(state: Path, inbox: Inbox, **more: int) -> AsyncIterator[tuple[FixLink, BareClient, int]]:
    """An acceptor and a client on bare bytes that is logged on."""
    port, client = free_port(), BareClient("BRK")
    async with running([session("BRK", "acceptor", port)], state, inbox, **more) as link:
        await client.connect(port)
        await until(lambda: link.connected("BRK"))
        try:
            yield link, client, port
        finally:
            await client.close()


def without(tag: int) -> Fields:
    """The report without a field."""
    return [field for field in REPORT if field[0] != tag]


def changed(tag: int, text: str | bytes) -> Fields:
    """The report with another value in a field."""
    return [(number, text if number == tag else old) for number, old in REPORT]


HANDED_OVER: dict[str, Fields] = {
    "good": REPORT,
    "missing required field": without(54),
    "unknown code": changed(54, "Z"),
    "quantity is no number": changed(53, "many"),
    "quantity of an allocation is no number": changed(80, "1e3"),
    "date is no date": changed(75, "yesterday"),
    "empty value": changed(55, ""),
    "group count too high": changed(78, "9"),
    "group without entries": [(78, "0"), *without(78)[:9]],
    "field of another message": [*REPORT, (11, "ORDER")],
    "tag of no dictionary": [*REPORT, (4999, "x")],
    "user-defined tag": [*REPORT, (20001, "x")],
    "session field after the body": [*REPORT, (50, "DESK")],
    "Shift_JIS text": [*REPORT, (354, "12"), (355, "約定照合".encode("cp932") + "ソ表".encode("cp932"))],
    "EUC-JP text": [*REPORT, (354, "8"), (355, "約定照合".encode("euc_jp"))],
    "data length too long": [*REPORT, (354, "999999999"), (355, "short")],
    "data length too short": [*REPORT, (354, "1"), (355, "longer")],
    "data length is no number": [*REPORT, (354, "-5"), (355, "text")],
    "data without its length": [*REPORT, (355, "text")],
    "NUL": [*REPORT, (58, b"a\0b")],
}  # fmt: skip

REJECTED: dict[str, tuple[str, Fields]] = {
    "unknown message type": ("ZZ", REPORT),
    "group count is no number": ("AS", changed(78, "some")),
    "repeated field": ("AS", [*REPORT, (58, "once"), (58, "twice")]),
    "field separator in data": ("AS", [*REPORT, (354, "3"), (355, b"a\x01b")]),
    "no equals sign": ("AS", [*REPORT, (58, b"x\x01nonsense")]),
    "tag is no number": ("AS", [*REPORT, (58, b"x\x01abc=1")]),
    "empty tag": ("AS", [*REPORT, (58, b"x\x01=1")]),
}


async def test_business_faults_reach_the_format(tmp_path: Path) -> None:
    """What a message says wrongly is for the format to answer: the bytes arrive exactly as they were sent."""
    inbox = Inbox()
    async with logged_on(tmp_path, inbox) as (_, client, _port):
        sent = [client.framed("AS", *fields) for fields in HANDED_OVER.values()]
        for raw in sent:
            client.write(raw)
        await until(lambda: len(inbox.arrivals) + len(client.rejects()) >= len(sent))
    arrived = [arrival.raw for arrival in inbox.arrivals]
    assert [name for name, raw in zip(HANDED_OVER, sent, strict=True) if raw not in arrived] == []
    assert arrived == sent


async def test_session_faults_are_rejected_and_kept(tmp_path: Path) -> None:
    """What the engine cannot accept is answered by a reject, kept in the daemon, and the session goes on."""
    inbox = Inbox()
    async with logged_on(tmp_path, inbox) as (link, client, _):
        sent = []
        for count, (kind, fields) in enumerate(REJECTED.values(), 1):
            sent.append(client.framed(kind, *fields))
            client.write(sent[-1])
            await until(lambda count=count: len(client.rejects()) == count)
        good = client.framed("AS", *REPORT)
        client.write(good)
        await until(lambda: len(inbox.arrivals) == 1)
        assert inbox.arrivals[0].raw == good
        assert [value(raw, 45) for raw in client.rejects()] == [value(raw, 34) for raw in sent]
        assert [raw for _, raw, _ in inbox.rejects] == sent
        assert link.status()[0].refused_by_engine == len(sent)


async def test_garbled_message_is_asked_for_again(tmp_path: Path) -> None:
    """A message that the line has garbled is ignored, as FIX has it, and asked for again."""
    inbox = Inbox()
    async with logged_on(tmp_path, inbox) as (_, client, _port):
        first, second = client.framed("AS", *REPORT), client.framed("AS", *changed(755, "R2"))
        client.write(first.replace(b"FUND1", b"FUND2"))
        client.write(second)
        await until(lambda: any(value(raw, 35) == "2" for raw in client.heard))
        assert inbox.arrivals == []
        client.write(first)
        await until(lambda: len(inbox.arrivals) == 2)
        assert [arrival.raw for arrival in inbox.arrivals] == [first, second]


async def test_early_messages_keep_their_bytes(tmp_path: Path) -> None:
    """Messages that overtake a gap are handed over in order once it is filled, as the bytes that came."""
    inbox = Inbox()
    async with logged_on(tmp_path, inbox) as (_, client, _port):
        sent = [client.framed("AS", *changed(755, f"R{number}")) for number in range(20)]
        for raw in [*sent[1:], sent[0]]:
            client.write(raw)
        await until(lambda: len(inbox.arrivals) == len(sent))
        assert [arrival.raw for arrival in inbox.arrivals] == sent


async def test_repeated_message_is_handed_over_once(tmp_path: Path) -> None:
    """A possible duplicate of what was stored stays with the engine."""
    inbox = Inbox()
    async with logged_on(tmp_path, inbox) as (_, client, _port):
        client.write(client.framed("AS", *REPORT))
        await until(lambda: len(inbox.arrivals) == 1)
        again = client.framed("AS", (43, "Y"), (122, "20261122-00:00:00"), *REPORT, number=2)
        client.write(again)
        client.write(client.framed("AS", *changed(755, "R2")))
        await until(lambda: len(inbox.arrivals) == 2)
        assert inbox.references() == ["R1", "R2"]


async def test_reset_makes_new_origins(tmp_path: Path) -> None:
    """After the client restarts the sequence numbers, number 2 is another message: its origin differs."""
    inbox, port = Inbox(), free_port()
    async with running([session("BRK", "acceptor", port)], tmp_path, inbox) as link:
        for count in (1, 2):
            client = BareClient("BRK")
            await client.connect(port, (141, "Y"))
            client.write(client.framed("AS", *REPORT))
            await until(lambda count=count: len(inbox.arrivals) == count)
            await client.close()
            await until(lambda: not link.connected("BRK"))
    assert len({arrival.origin for arrival in inbox.arrivals}) == 2


async def test_ten_megabytes(tmp_path: Path) -> None:
    """A very long message arrives whole, where the settings let it."""
    inbox = Inbox()
    async with logged_on(tmp_path, inbox, message_bytes_max=16 * 1024 * 1024) as (_, client, _port):
        long = client.framed("AS", *REPORT, (58, "x" * 10_000_000))
        client.write(long)
        await until(lambda: len(inbox.arrivals) == 1)
        assert inbox.arrivals[0].raw == long


async def test_too_long_a_message_ends_the_connection(tmp_path: Path) -> None:
    """Over the limit the client is cut off, the engine lives, and the client may log on again."""
    inbox = Inbox()
    async with logged_on(tmp_path, inbox, message_bytes_max=100_000) as (link, client, port):
        pid = link.child_pid
        client.write(client.framed("AS", *REPORT, (58, "x" * 200_000)))
        await until(lambda: client.closed)
        await client.close()
        await until(lambda: not link.connected("BRK"))
        await client.connect(port, (141, "Y"))
        await until(lambda: link.connected("BRK"))
        assert link.child_pid == pid
        assert inbox.arrivals == []


@pytest.mark.parametrize(
    "first", [b"GET / HTTP/1.1\r\n\r\n", fix_text((35, "AS")), b"8=FIX.4.4\x019=9999\x01" + b"x" * 99_999]
)
async def test_strangers(tmp_path: Path, first: bytes) -> None:
    """Who does not log on is turned away, and disturbs nobody."""
    inbox = Inbox()
    async with logged_on(tmp_path, inbox) as (_, client, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(first)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        client.write(client.framed("AS", *REPORT))
        await until(lambda: len(inbox.arrivals) == 1)


async def test_client_connected_twice(tmp_path: Path) -> None:
    """A second connection under the same name is turned away and the first goes on."""
    inbox = Inbox()
    async with logged_on(tmp_path, inbox) as (_, client, port):
        second = BareClient("BRK")
        await second.connect(port)
        await until(lambda: second.closed)
        await second.close()
        client.write(client.framed("AS", *REPORT))
        await until(lambda: len(inbox.arrivals) == 1)
