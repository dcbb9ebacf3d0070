"""The HTTP server alone: who gets in, how much is taken, and that every refusal says what to do."""

import asyncio
import datetime
import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from adapters.http_access import Access, Account, token_digest
from adapters.http_limits import HttpLimits
from adapters.http_server import HEAD_BYTES_MAX, Listening
from tests.http_scene import ACCOUNTS, ALICE, BOB, SECONDS_MAX, serving, until


def detail(problem: Any) -> str:
    assert problem["type"] == "about:blank"
    return str(problem["detail"])


async def test_clients_are_told_by_their_tokens():
    """Each of a client's tokens counts; of nobody else's, and no part of one."""
    async with serving() as server:
        assert await server.ask("/who") == (200, {"client": "alice", "bytes": 0})
        assert await server.ask("/who", BOB) == (200, {"client": "bob", "bytes": 0})
        assert await server.ask("/open", "") == (200, {"client": "", "bytes": 0})
        for wrong in ("", "nobody", ALICE[:-1], ALICE + "x", token_digest(ALICE), "x" * 300):
            status, problem = await server.ask("/who", wrong)
            assert (status, "Bearer" in detail(problem)) == (401, True)
            assert "www-authenticate" in server.head.lower()
        assert (await server.ask("/who", "", Authorization=f"Basic {ALICE}"))[0] == 401


def test_a_token_is_one_clients():
    with pytest.raises(ValueError, match="same token"):
        Access((*ACCOUNTS, Account("carol", (token_digest(BOB),))))


async def test_bodies_are_bounded():
    """Too large is refused unread, whether it says so beforehand or not; too slow is refused as well."""
    async with serving(HttpLimits(body_seconds=0.2)) as server:
        assert await server.ask("/who", method="POST", body=b"x" * 1_000) == (
            200,
            {"client": "alice", "bytes": 1_000},
        )
        assert (await server.ask("/who", method="POST", body=b"x" * 1_001))[0] == 413
        head = f"POST /who HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {ALICE}\r\n"
        head += "Content-Type: application/json\r\n"
        chunks = b"800\r\n" + b"x" * 0x800 + b"\r\n0\r\n\r\n"
        assert (await server.raw(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunks))[0] == 413
        assert (await server.raw(head.encode() + b"Content-Length: 1000\r\n\r\nx"))[0] == 408
        assert (await server.ask("/who", method="GET", body=b"x"))[0] == 413
        assert (await server.ask("/who", method="POST", body=b"x", Content_Encoding="gzip"))[0] == 415
        assert (await server.ask("/who", method="POST", body=b"x", Content_Type="text/xml"))[0] == 415


async def test_heads_are_bounded():
    async with serving() as server:
        assert (await server.ask("/who", Cookie="x" * (HEAD_BYTES_MAX + 1)))[0] == 400
        assert (await server.ask("/" + "x" * (HEAD_BYTES_MAX + 1)))[0] == 400
        assert (await server.raw(b"\x16\x03\x01 nothing of HTTP\r\n\r\n"))[0] == 400
        assert (await server.ask("/who", Idempotency_Key="x" * 200))[0] == 400
        assert (await server.ask("/who?a=1&a=2"))[0] == 400
        assert (await server.ask("/who?" + "&".join(f"a{n}=1" for n in range(50))))[0] == 400
        assert await server.ask("/who") == (200, {"client": "alice", "bytes": 0})


async def test_what_is_not_there():
    async with serving() as server:
        status, problem = await server.ask("/nothing")
        assert (status, "openapi" in detail(problem)) == (404, True)
        assert (await server.ask("/who", method="DELETE"))[0] == 405


async def test_too_many_requests_of_one_client():
    """Who asks too fast is told when to come again; others are served meanwhile."""
    async with serving(HttpLimits(calls_per_second=0.01, burst=3)) as server:
        found = [(await server.ask("/who"))[0] for _ in range(4)]
        assert found == [200, 200, 200, 429]
        assert "retry-after: " in server.head.lower()
        assert (await server.ask("/who", BOB))[0] == 200


async def test_requests_under_way_are_bounded():
    async with serving(HttpLimits(calls_per_client=2, calls=3)) as server:
        waiting = [asyncio.create_task(server.ask("/wait")) for _ in range(2)]
        await until(lambda: server.handlers.waiting == 2)
        assert (await server.ask("/who"))[0] == 429
        waiting.append(asyncio.create_task(server.ask("/wait", BOB)))
        await until(lambda: server.handlers.waiting == 3)
        assert (await server.ask("/open", ""))[0] == 503
        server.handlers.go_on.set()
        assert [status for status, _ in await asyncio.gather(*waiting)] == [200, 200, 200]
        assert (await server.ask("/who"))[0] == 200


async def test_connections_are_bounded():
    """One too many is cut off; when another has gone there is room again."""
    async with serving(HttpLimits(connections=2)) as server:
        held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
        await asyncio.sleep(0.1)
        assert await server.ask("/who") == (0, None)
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        await asyncio.sleep(0.1)
        assert (await server.ask("/who"))[0] == 200


@pytest.mark.parametrize("sent", [b"", b"GET /who HTTP/1.1\r\nHost: he"])
async def test_a_connection_that_asks_nothing_is_cut_off(sent: bytes):
    async with serving(HttpLimits(head_seconds=0.2)) as server:
        assert await server.raw(sent) == (0, None)
        assert (await server.ask("/who"))[0] == 200


async def test_an_answer_has_so_much_time():
    async with serving() as server:
        status, problem = await server.ask("/slow")
        assert (status, "longer" in detail(problem)) == (503, True)


async def test_a_fault_is_told_without_what_was_asked():
    """Neither the reply nor the log repeats anything of the request."""
    async with serving() as server:
        with capture_logs() as logged:
            status, problem = await server.ask("/fail?word=confidential")
        assert (status, "fault" in detail(problem)) == (500, True)
        assert [entry["error"] for entry in logged] == ["RuntimeError"]
        assert "confidential" not in f"{problem}{logged}"


async def test_it_ends_at_once():
    """Whoever waits, for an answer or with a request half sent."""
    async with serving() as server:
        waiting = asyncio.create_task(server.ask("/wait"))
        half = asyncio.create_task(server.raw(b"GET /who HTTP/1.1\r\n"))
        await until(lambda: server.handlers.waiting == 1)
        server.task.cancel()
        async with asyncio.timeout(SECONDS_MAX):
            await asyncio.gather(server.task, return_exceptions=True)
            assert (await half)[0] == 0
            assert (await waiting)[0] in (0, 500)


def test_no_other_address_without_tls(tmp_path: Path):
    """Tokens and trades are never sent in clear over a network."""
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):  # noqa: S104 - refused, which is the point
        with pytest.raises(ValueError, match="certificate_file"):
            Listening(host, 443)
    for host in ("127.0.0.1", "::1", "localhost"):
        assert Listening(host, 443).tls() is None
    with pytest.raises(ValueError, match="belong together"):
        Listening("127.0.0.1", 443, certificate_file=tmp_path / "c.pem")
    (tmp_path / "c.pem").write_text("no certificate")
    with pytest.raises(ValueError, match="cannot be used"):
        Listening("0.0.0.0", 443, tmp_path / "c.pem", tmp_path / "c.pem").tls()  # noqa: S104 - the same


async def test_tls(tmp_path: Path):
    certificate, key = self_signed(tmp_path)
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with serving(certificate_file=certificate, key_file=key) as server:
        head = f"GET /who HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {ALICE}\r\n\r\n".encode()
        assert await server.raw(head, trusting) == (200, {"client": "alice", "bytes": 0})
        assert (await server.raw(head))[0] in (0, 400)


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "node")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths
