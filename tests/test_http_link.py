"""The HTTP link: what is posted is stored before anything else, and replies are bounded."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from adapters.http_access import Access
from adapters.http_limits import HttpLimits
from adapters.http_link import PAGE_BYTES_MAX, HttpLink, HttpSettings
from adapters.http_server import Listening
from adapters.link import Arrival, Delivery
from canonical.problems import Problem, Rule
from tests.http_scene import ACCOUNTS, BOB, Handlers, Server, listening, until
from tests.running_node import free_ports

WRONG = Problem(field="/messages", rule=Rule.REQUIRED, text="missing: give a value")


class FakeDesk:
    """A desk whose queue and findings a test sets. stored: what the link has handed over."""

    def __init__(self) -> None:
        self.is_open = True
        self.waiting = 0
        self.wrong: tuple[Problem, ...] = ()
        self.queue: list[Delivery] = []
        self.stored: list[Arrival] = []

    async def receive(self, arrival: Arrival) -> None:
        """Store it, once per origin."""
        if not any(arrival.origin and one.origin == arrival.origin for one in self.stored):
            self.stored.append(arrival)

    async def digest_of(self, _: str, origin: str) -> str | None:
        """Of what is stored."""
        found = [one for one in self.stored if one.origin == origin]
        return hashlib.sha256(found[0].raw).hexdigest() if found else None

    async def problems(self, _: str, raw: bytes) -> tuple[Problem, ...]:
        """What the test has set."""
        assert raw in [one.raw for one in self.stored], "it is stored before it is read"
        return self.wrong

    async def answers(self, _: str, __: str, limit: int) -> list[Delivery]:
        """From the queue."""
        return self.queue[:limit]

    def mark(self, _: str) -> int:
        """Always the same."""
        return 0

    async def news(self, _: str, __: int) -> None:
        """Nothing ever changes here."""
        self.waiting += 1
        await asyncio.get_running_loop().create_future()


@asynccontextmanager
async def linked(desk: FakeDesk) -> AsyncIterator[Server]:
    """A link that runs in front of a desk."""
    port = free_ports(1)
    link = HttpLink(HttpSettings(Listening("127.0.0.1", port), Access(ACCOUNTS), HttpLimits(), 1_000), desk)
    task = asyncio.create_task(link.run(desk.receive))
    try:
        await listening(port)
        yield Server(port, Handlers(), task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def post(server: Server, body: bytes, **headers: str) -> tuple[int, Any]:
    return await server.ask("/v1/submissions", method="POST", body=body, **headers)


async def test_what_is_posted_is_stored_under_its_client():
    desk = FakeDesk()
    async with linked(desk) as server:
        assert await post(server, b"{}") == (202, {"id": hashlib.sha256(b"{}").hexdigest()})
        assert (await server.ask("/v1/submissions", BOB, method="POST", body=b"[]"))[0] == 202
    assert [(one.client, one.raw) for one in desk.stored] == [("alice", b"{}"), ("bob", b"[]")]


async def test_what_is_wrong_is_stored_as_well():
    desk = FakeDesk()
    desk.wrong = (WRONG,)
    async with linked(desk) as server:
        status, problem = await post(server, b"{}")
    assert (status, [one["field"] for one in problem["problems"]]) == (400, ["/messages"])
    assert [one.raw for one in desk.stored] == [b"{}"]


async def test_where_there_is_no_room_nothing_is_taken():
    """So that its sender turns to another service provider."""
    desk = FakeDesk()
    desk.is_open = False
    async with linked(desk) as server:
        status, problem = await post(server, b"{}")
        assert "retry-after" in server.head.lower()
    assert (status, "another service provider" in problem["detail"]) == (503, True)
    assert desk.stored == []


async def test_one_key_one_body():
    desk = FakeDesk()
    async with linked(desk) as server:
        found = [await post(server, body, Idempotency_Key="k") for body in (b"{}", b"{}", b"[]")]
    assert [status for status, _ in found] == [202, 202, 409]
    assert len(desk.stored) == 1


async def test_a_reply_holds_so_much_and_at_least_one():
    """The rest comes with the next call; what a client said is in it as it is, to the byte."""
    desk = FakeDesk()
    large = json.dumps("約" * (PAGE_BYTES_MAX // 6), ensure_ascii=False).encode()
    desk.queue = [Delivery(f"d{number}", "alice", "copy", large) for number in range(5)]
    async with linked(desk) as server:
        _, page = await server.ask("/v1/answers")
        assert [answer["id"] for answer in page["answers"]] == ["d0"]
        assert page["answers"][0]["content"] == json.loads(large)
        desk.queue = [Delivery(f"d{number}", "alice", "copy", b'{"a":1}') for number in range(200)]
        _, page = await server.ask("/v1/answers")
        assert len(page["answers"]) == 100
        for wrong in ("limit=0", "limit=1000", "wait=61", "wait=-1", "until=now"):
            assert (await server.ask(f"/v1/answers?{wrong}"))[0] == 400


async def test_who_waits_is_answered_when_the_node_ends():
    """With nothing, in good order: the client asks again elsewhere, or later."""
    desk = FakeDesk()
    async with linked(desk) as server:
        waiting = asyncio.create_task(server.ask("/v1/answers?wait=60"))
        await until(lambda: desk.waiting)
        server.task.cancel()
        assert await waiting == (200, {"answers": []})
