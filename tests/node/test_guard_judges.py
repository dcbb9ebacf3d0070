"""Promises about what the guard does, on a server whose answers are made up."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from node import guard as guarding
from node.guard import GuardSettings, ServerGuard
from node.guard_disk import DiskMarks
from node.guard_findings import Copy
from node.guard_look import Look
from node.guard_state import Word
from node.jetstream_settings import stream_config
from node.ledger import Finding
from node.nats_config import ServerSettings

COPY = Copy(10, 1, 10, leader="sp2", config=stream_config("LEDGER", 3))
SOUND = Look((), COPY, "", off=False, illness=None)
NEVER_LOW = DiskMarks(full_percent=101, low_bytes=0)


@dataclass
class FakeServer:
    """A server that runs, and remembers how often it was stopped."""

    ready: bool = True
    trouble: str | None = None
    monitoring: str = "http://127.0.0.1:1"
    stops: list[str] = field(default_factory=list)

    async def fence(self) -> None:
        """Note it."""
        self.stops.append("fence")

    def unfence(self) -> None:
        """Note it."""
        self.stops.append("unfence")


@dataclass
class Scene:
    """A guard, what it sees, and its server."""

    guard: ServerGuard
    server: FakeServer
    look: Look = SOUND

    async def until(self, word: Word) -> None:
        """Wait for the guard to say it."""
        async with asyncio.timeout(20):
            while self.guard.state.word is not word:  # noqa: ASYNC110 - tests alone wait for it
                await asyncio.sleep(0.01)


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    """The guard at work, in haste."""
    for name in ("TICK", "LOOK", "ILL", "STALL", "GROUP"):
        monkeypatch.setattr(guarding, f"{name}_SECONDS", 0.02)
    server = ServerSettings("sp1", tmp_path / "nats", 1, 2, 3, "test", "x" * 16, ("127.0.0.1:9",))
    settings = GuardSettings("LEDGER", 3, ("sp1", "sp2", "sp3"), tmp_path, NEVER_LOW)
    fake = FakeServer()
    made = Scene(ServerGuard(server, settings, archived=lambda: 10), fake)
    monkeypatch.setattr(made.guard, "server", fake)

    async def looked(*_: object) -> Look:
        return made.look

    monkeypatch.setattr(guarding, "looked", looked)
    work = asyncio.create_task(made.guard.run())
    await made.until(Word.WELL)
    yield made
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work


async def test_a_copy_that_stays_behind_is_restarted_once_and_then_given_up(scene: Scene):
    """A replica that gets nothing more while others go on is of no use, however sound it is."""
    scene.look = replace(SOUND, copy=replace(COPY, messages=7, last=7))
    await scene.until(Word.FENCED)
    assert scene.server.stops == ["fence", "unfence"] * 2
    assert (scene.guard.state.restarted, scene.guard.state.fenced) == (1, 1)
    assert "stays at block 7" in scene.guard.state.text


async def test_without_a_leader_nobody_is_blamed_for_being_behind(scene: Scene):
    """Where the quorum is lost a server is not stopped: it is needed for the next one."""
    scene.look = replace(SOUND, copy=replace(COPY, messages=7, last=7, leader=""), illness="no meta leader")
    await scene.until(Word.NEEDS_A_PERSON)
    assert scene.server.stops == []
    assert "no meta leader" in scene.guard.state.text


async def test_settings_that_lose_blocks_are_told(scene: Scene):
    """They are the whole network's, so stopping one server would not help."""
    scene.look = replace(SOUND, findings=(Finding("stream LEDGER: max_age is 5, must be 0"),))
    await scene.until(Word.NEEDS_A_PERSON)
    assert scene.server.stops == []
    assert "max_age" in scene.guard.state.text


async def test_holes_stop_the_server_before_anything_else(scene: Scene):
    """They outweigh what may be wrong besides."""
    damaged = replace(COPY, messages=9, deleted=1)
    scene.look = replace(SOUND, copy=damaged, findings=(Finding("x"),), illness="something")
    await scene.until(Word.FENCED)
    assert scene.server.stops[:2] == ["fence", "unfence"]
    assert "1 of 10 blocks" in scene.guard.state.text


async def test_a_server_that_does_not_start_is_told_with_its_reason(scene: Scene):
    """An operator sees the port that is taken without reading logs."""
    scene.server.ready, scene.server.trouble = False, "address already in use"
    await scene.until(Word.NEEDS_A_PERSON)
    assert scene.guard.state.text == "it does not start: address already in use"
    scene.server.ready = True
    await scene.until(Word.WELL)
