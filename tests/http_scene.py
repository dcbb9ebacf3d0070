"""An HTTP server alone, with routes that show what it does, and raw requests to it."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from adapters.http_access import Access, Account, new_token, token_digest
from adapters.http_call import Call, Reply, Route
from adapters.http_limits import HttpLimits
from adapters.http_server import HttpServer, Listening
from tests.running_node import free_ports

ALICE, BOB = new_token(), new_token()
ACCOUNTS = (
    Account("alice", (token_digest(new_token()), token_digest(ALICE))),
    Account("bob", (token_digest(BOB),)),
)
SECONDS_MAX = 20


class Handlers:
    """What the routes of these tests do."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.waiting = 0

    async def who(self, call: Call) -> Reply:
        """Tell who asks."""
        return Reply(200, json.dumps({"client": call.client, "bytes": len(call.body)}).encode())

    async def wait(self, _: Call) -> Reply:
        """Reply when the test says so."""
        self.waiting += 1
        await self.go_on.wait()
        return Reply(200, b"{}")

    async def fail(self, call: Call) -> Reply:
        """Break, as only a fault can."""
        raise RuntimeError(f"the request said {call.asked}")

    def routes(self) -> tuple[Route, ...]:
        """All of them."""
        return (
            Route("GET", "/who", self.who),
            Route("POST", "/who", self.who, bytes_max=1_000),
            Route("GET", "/open", self.who, is_open=True),
            Route("GET", "/wait", self.wait),
            Route("GET", "/slow", self.wait, seconds_max=0.1),
            Route("GET", "/fail", self.fail),
        )


class Server:
    """One that runs. port: where."""

    def __init__(self, port: int, handlers: Handlers, task: asyncio.Task[None]) -> None:
        self.port, self.handlers, self.task = port, handlers, task

    async def raw(self, sent: bytes, tls: ssl.SSLContext | None = None) -> tuple[int, Any]:
        """Send bytes; status and body of what comes back, (0, None) where nothing does."""
        async with asyncio.timeout(SECONDS_MAX):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=tls)
            try:
                writer.write(sent)
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(
                    int(x.split(":")[1]) for x in head.lower().split("\r\n") if x.startswith("content-length")
                )
                body = await reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError):
                return 0, None
            finally:
                writer.close()
        self.head = head
        is_json = "json" in head.lower()
        return int(head.split()[1]), json.loads(body) if is_json else body

    async def ask(
        self, path: str, token: str = ALICE, *, method: str = "GET", body: bytes = b"", **headers: str
    ) -> tuple[int, Any]:
        """One request of a client."""
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: here",
            *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items()),
        ]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        if body:
            lines += [f"Content-Length: {len(body)}"]
            lines += [] if "Content_Type" in headers else ["Content-Type: application/json"]
        return await self.raw("\r\n".join([*lines, "", ""]).encode() + body)


@asynccontextmanager
async def serving(limits: HttpLimits | None = None, **tls: Any) -> AsyncIterator[Server]:
    """One that runs, on loopback. tls: its certificate and key."""
    handlers, port = Handlers(), free_ports(1)
    server = HttpServer(
        Listening("127.0.0.1", port, **tls), Access(ACCOUNTS), handlers.routes(), limits or HttpLimits()
    )
    task = asyncio.create_task(server.run())
    try:
        await listening(port)
        yield Server(port, handlers, task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    """Return when the condition holds; fail where it never does."""
    async with asyncio.timeout(SECONDS_MAX):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)


async def listening(port: int) -> None:
    """Return when somebody listens there."""
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            try:
                (await asyncio.open_connection("127.0.0.1", port))[1].close()
            except OSError:
                await asyncio.sleep(0.01)
            else:
                return
