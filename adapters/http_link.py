"""The link of clients that use the node's API: they post what they say, and come for what they are told.

POST /v1/submissions   stored raw before anything else, then read as the inbound direction will read it:
                       202 where that finds nothing wrong, 400 with all that is wrong where it does. Either
                       way its answers come too, so that a broken connection loses nothing.
GET /v1/answers        from the durable queue, in order; asking on acknowledges what stood up to `after`
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from adapters.http_access import Access
from adapters.http_call import Call, Reply, Route, asked_in, json_reply, refused
from adapters.http_limits import HttpLimits
from adapters.http_server import HttpServer, Listening
from adapters.link import Arrival, Delivery, Receive
from canonical.problems import Problem

ANSWERS_MAX = 100
WAIT_SECONDS_MAX = 60.0
PAGE_BYTES_MAX = 8 * 1024 * 1024
ID_CHARACTERS_MAX = 256


class Taken(BaseModel):
    """A submission that is stored. id: SHA-256 of its bytes, by which its answers call it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str


class AnswersAsked(BaseModel):
    """after: the id of the last answer that was taken; what stood up to it is acknowledged. Empty: none yet.

    limit: at most so many at once. wait: seconds to wait where there is none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: str = Field(default="", max_length=ID_CHARACTERS_MAX)
    limit: int = Field(default=ANSWERS_MAX, ge=1, le=ANSWERS_MAX)
    wait: float = Field(default=0.0, ge=0, le=WAIT_SECONDS_MAX)


class Desk(Protocol):
    """What the node does for the clients of this link."""

    @property
    def is_open(self) -> bool:
        """Whether there is room for what arrives."""
        ...

    async def digest_of(self, client: str, origin: str) -> str | None:
        """The digest of what a client has sent under an origin; None where nothing was."""
        ...

    async def problems(self, client: str, raw: bytes) -> tuple[Problem, ...]:
        """All that is wrong with what a client has sent; none where it goes to the ledger."""
        ...

    async def answers(self, client: str, after: str, limit: int) -> list[Delivery] | None:
        """What is queued behind a delivery, in order, all up to that one acknowledged; None for no such."""
        ...

    def mark(self, client: str) -> int:
        """Another one whenever there may be more for a client."""
        ...

    async def news(self, client: str, mark: int) -> None:
        """Return once the mark of a client is another one."""
        ...


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where to listen, for whom, and how much. submission_bytes_max: of one body."""

    listening: Listening
    access: Access
    limits: HttpLimits
    submission_bytes_max: int


class HttpLink:
    """Serves any number of clients. routes: what else the server is to answer. Raises ValueError."""

    def __init__(self, settings: HttpSettings, desk: Desk, routes: Sequence[Route] = ()) -> None:
        self._desk = desk
        self._receive: Receive | None = None
        self._polls: set[asyncio.Task[object]] = set()
        own = (
            Route("POST", "/v1/submissions", self._submit, settings.submission_bytes_max),
            Route("GET", "/v1/answers", self._answers, seconds_max=WAIT_SECONDS_MAX + 30),
        )
        self.routes = (*own, *routes)
        self._server = HttpServer(settings.listening, settings.access, self.routes, settings.limits)

    async def run(self, receive: Receive) -> None:
        """Serve until cancelled."""
        self._receive = receive
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._server.run(), name="http server")
                group.create_task(self._end_polls(), name="http polls")
        finally:
            self._receive = None

    async def _end_polls(self) -> None:
        """When the node ends, answer those who wait at once."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            for poll in self._polls:
                poll.cancel()

    async def _submit(self, call: Call) -> Reply:
        if not self._desk.is_open:
            text = "the service provider has no room now: send it later, or through another service provider"
            raise refused(503, text, headers={"Retry-After": "60"})
        assert self._receive is not None
        digest = hashlib.sha256(call.body).hexdigest()
        origin = f"key:{call.key}" if call.key else ""
        await self._receive(Arrival(call.client, origin, call.body))
        if origin and await self._desk.digest_of(call.client, origin) != digest:
            raise refused(409, "this Idempotency-Key was used for another body: give each body its own")
        if problems := await self._desk.problems(call.client, call.body):
            text = "it is kept and goes no further: mend what is wrong and send it again"
            raise refused(400, text, problems, instance=f"/v1/submissions/{digest}")
        return json_reply(Taken(id=digest), 202, {"Location": f"/v1/submissions/{digest}"})

    async def _answers(self, call: Call) -> Reply:
        asked = asked_in(call, AnswersAsked)
        found = await (self._awaited(call.client, asked) if asked.wait else self._page(call.client, asked))
        return Reply(200, b'{"answers":[' + b",".join(map(_written, _fitting(found))) + b"]}")

    async def _page(self, client: str, asked: AnswersAsked) -> list[Delivery]:
        found = await self._desk.answers(client, asked.after, asked.limit)
        if found is None:
            text = "no answer of yours has this id: leave `after` out, and all that you have not taken comes"
            raise refused(404, text)
        return found

    async def _awaited(self, client: str, asked: AnswersAsked) -> list[Delivery]:
        """Wait for answers; none where none came in time, or the node ends."""
        poll: asyncio.Task[object] = asyncio.ensure_future(self._first(client, asked))
        self._polls.add(poll)
        try:
            await asyncio.wait({poll}, timeout=asked.wait)
            if not poll.done() or poll.cancelled():
                return []
            found = poll.result()
            assert isinstance(found, list)
            return found
        finally:
            self._polls.discard(poll)
            poll.cancel()

    async def _first(self, client: str, asked: AnswersAsked) -> object:
        while True:
            mark = self._desk.mark(client)
            if found := await self._page(client, asked):
                return found
            await self._desk.news(client, mark)


def _written(delivery: Delivery) -> bytes:
    """One answer. What it says is JSON already, and stays as it is, to the byte."""
    head = f'{{"id":{json.dumps(delivery.id)},"kind":{json.dumps(delivery.kind)},"content":'
    return head.encode() + delivery.raw + b"}"


def _fitting(found: Sequence[Delivery]) -> Sequence[Delivery]:
    """As many from the first on as one reply may hold, and at least one."""
    size, count = 0, 0
    for delivery in found:
        size += len(delivery.raw)
        if count and size > PAGE_BYTES_MAX:
            break
        count += 1
    return found[:count]
