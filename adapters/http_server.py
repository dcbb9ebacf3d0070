"""The one HTTP server of a node: who may ask, how much, and that every refusal is told alike.

It knows nothing of what is asked. Its loop is the node's own, it takes no signals, and it logs no more than
that something failed, and where: requests hold what is nobody's business.
"""

import asyncio
import logging
import ssl
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from adapters.http_access import Access
from adapters.http_call import Call, RefusedError, Reply, Route, refused
from adapters.http_connection import Connections
from adapters.http_limits import Admission, HttpLimits

HEAD_BYTES_MAX = 8_190  # of the request line, and of each header
HEADERS_MAX = 64
QUERY_FIELDS_MAX = 20
KEY_CHARACTERS_MAX = 128
HANDSHAKE_SECONDS = 10.0
ENDING_SECONDS = 2.0  # for what is under way when the node ends
_JSON_TYPES = ("application/json", "application/octet-stream")

_silent = logging.getLogger("yakujo.http")  # the library's own words quote requests
_silent.addHandler(logging.NullHandler())
_silent.propagate = False
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen. Raises ValueError for an address of others without TLS."""

    host: str
    port: int
    certificate_file: Path | None = None
    key_file: Path | None = None

    def __post_init__(self) -> None:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file belong together: give both, or neither")
        if self.certificate_file is None and not _is_loopback(self.host):
            raise ValueError(
                f"{self.host} can be reached from elsewhere: give certificate_file and key_file, "
                "or listen on 127.0.0.1"
            )

    def tls(self) -> ssl.SSLContext | None:
        """The context of TLS 1.2 or later; None where it is not used. Raises ValueError."""
        if self.certificate_file is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate_file, self.key_file, password=_no_password)
        except (OSError, ssl.SSLError) as error:
            reason = error.strerror or type(error).__name__
            text = f"{self.certificate_file} and {self.key_file} cannot be used: {reason}"
            raise ValueError(text) from error
        return context


class HttpServer:
    """Serves routes until cancelled."""

    def __init__(
        self, listening: Listening, access: Access, routes: Sequence[Route], limits: HttpLimits
    ) -> None:
        self._listening = listening
        self._access = access
        self._limits = limits
        self._routes = routes
        self._tls = listening.tls()
        self._admission: Admission | None = None
        self._connections: Connections | None = None

    async def run(self) -> None:
        """Serve. Raises OSError where the address cannot be had."""
        loop = asyncio.get_running_loop()
        self._admission = Admission(self._limits, loop.time)
        runner = web.AppRunner(
            self._application(),
            handle_signals=False,
            access_log=None,
            logger=_silent,
            auto_decompress=False,
            max_line_size=HEAD_BYTES_MAX,
            max_field_size=HEAD_BYTES_MAX,
            max_headers=HEADERS_MAX,
            lingering_time=1.0,
            shutdown_timeout=ENDING_SECONDS,
        )
        await runner.setup()
        assert runner.server is not None
        self._connections = Connections(runner.server, self._limits.connections, self._limits.head_seconds)
        try:
            server = await loop.create_server(
                self._connections,
                self._listening.host,
                self._listening.port,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if self._tls else None,
            )
            try:
                await loop.create_future()
            finally:
                server.close()
        finally:
            await runner.cleanup()

    def _application(self) -> web.Application:
        largest = max((route.bytes_max for route in self._routes), default=0)
        application = web.Application(middlewares=[self._told], client_max_size=largest or 1)
        for route in self._routes:
            application.router.add_route(route.method, route.path, self._served(route))
        return application

    @web.middleware
    async def _told(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every end as a reply: also what the library refuses, and what only a fault in here can cause."""
        assert self._connections is not None
        self._connections.begin(request.transport)
        try:
            return await handler(request)
        except RefusedError as error:
            return _response(error.reply)
        except web.HTTPException as error:
            headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            return _response(refused(error.status, _library_words(error.status), headers=headers).reply)
        except Exception as error:  # noqa: BLE001 whatever it is, one request must not stop the node
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(last.filename).name}:{last.lineno}"
            log.error("a request failed", error=type(error).__name__, where=where)  # noqa: TRY400 its text may quote the request
            text = "a fault of the service provider: ask again, and tell it if that does not help"
            return _response(refused(500, text).reply)
        finally:
            self._connections.end(request.transport)

    def _served(self, route: Route) -> Handler:
        async def serve(request: web.Request) -> web.StreamResponse:
            assert self._admission is not None
            client = "" if route.is_open else self._client_of(request)
            with self._admission.admitted(client):
                body = await self._body(request, route)
                return _response(await _in_time(route, _call(request, client, body)))

        return serve

    def _client_of(self, request: web.Request) -> str:
        client = self._access.client_of(request.headers.get("Authorization", ""))
        if client is None:
            text = "no token, or one that is not known: send Authorization: Bearer and your token"
            raise refused(401, text, headers={"WWW-Authenticate": 'Bearer realm="yakujo"'})
        return client

    async def _body(self, request: web.Request, route: Route) -> bytes:
        """The body, if the route takes one."""
        if (request.content_length or 0) > route.bytes_max:
            raise _too_large(route.bytes_max)
        if route.bytes_max == 0:
            return b""
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise refused(415, "compressed bodies are not taken: send it as it is")
        if request.content_type not in _JSON_TYPES:
            raise refused(415, "send JSON, with Content-Type: application/json")
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                return await request.read()
        except TimeoutError:
            raise refused(408, f"the body has not come within {self._limits.body_seconds:g} s") from None
        except web.HTTPRequestEntityTooLarge:
            raise _too_large(route.bytes_max) from None


def _too_large(bytes_max: int) -> RefusedError:
    text = f"at most {bytes_max} bytes are taken: split it" if bytes_max else "no body is taken here"
    return refused(413, text)


def _call(request: web.Request, client: str, body: bytes) -> Call:
    asked = dict(request.query)
    if len(asked) != len(request.query):
        raise refused(400, "a parameter stands twice: give each once")
    if len(asked) > QUERY_FIELDS_MAX:
        raise refused(400, f"more than {QUERY_FIELDS_MAX} parameters: leave some out")
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > KEY_CHARACTERS_MAX or not key.isprintable():
        raise refused(400, f"Idempotency-Key has at most {KEY_CHARACTERS_MAX} characters: shorten it")
    return Call(
        client=client,
        names=dict(request.match_info),
        asked=asked,
        accepts=request.headers.get("Accept", ""),
        key=key,
        body=body,
    )


async def _in_time(route: Route, call: Call) -> Reply:
    try:
        async with asyncio.timeout(route.seconds_max):
            return await route.handler(call)
    except TimeoutError:
        text = f"this took longer than {route.seconds_max:g} s: ask for less, or later"
        raise refused(503, text, headers={"Retry-After": "5"}) from None


def _response(reply: Reply) -> web.Response:
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Server": "yakujo",
        **reply.headers,
    }
    response = web.Response(
        status=reply.status, body=reply.body, headers={**headers, "Content-Type": reply.content_type}
    )
    if reply.status in _CLOSING:
        response.force_close()
    return response


_CLOSING = (408, 413)  # where a body was not read to its end


_WORDS = {
    404: "there is nothing at this path: /v1/openapi.json lists what there is",
    405: "not by this method: /v1/openapi.json says by which",
    417: "only Expect: 100-continue is understood",
}


def _library_words(status: int) -> str:
    return _WORDS.get(status, HTTPStatus(status).description or HTTPStatus(status).phrase)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _no_password() -> bytes:
    """A key that asks for a passphrase must not make the daemon ask a terminal."""
    return b""
