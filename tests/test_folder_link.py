"""The folder link, in: no file is lost, taken half written, or followed out of its folder."""

import asyncio
import os
import stat
import sys
import tracemalloc
from pathlib import Path

import pytest
from folder_scene import Store, client_in, digest_of, drop, names, never_too_large, running, until
from pydantic import ValidationError
from structlog.testing import capture_logs

from adapters.folder_files import StillChangingError, identity_of, marked, read_whole
from adapters.folder_link import FolderLink, Oversized
from adapters.link import Arrival


async def test_finished_files_are_received_in_order_of_names_and_archived(tmp_path: Path) -> None:
    """A client's files arrive once each, in order; what is not finished, or not meant, stays alone."""
    client, store = client_in(tmp_path), Store()
    for name in ("b.csv", "a.csv", ".c.csv", "d.csv.tmp", "e.csv.part", "f.txt", "g.tmp"):
        drop(client, name, name.encode())
    link = FolderLink([client_in(tmp_path, pattern="*.csv*")], never_too_large)
    async with running(link, store.receive):
        await until(
            lambda: len(names(client.archive_folder)) == 2 if client.archive_folder.exists() else False
        )
        drop(client, "a.csv", b"second of that name")
        await until(lambda: len(names(client.archive_folder)) == 3)
    taken = [("a.csv", b"a.csv"), ("b.csv", b"b.csv"), ("a.csv", b"second of that name")]
    assert [(arrival.client, arrival.raw) for arrival in store.arrivals] == [
        ("fund house", raw) for _, raw in taken
    ]
    for arrival, (name, raw) in zip(store.arrivals, taken, strict=True):
        assert (arrival.origin.split(":")[0], arrival.origin.split(":")[2]) == (name, digest_of(raw))
    assert names(client.in_folder) == [".c.csv", "d.csv.tmp", "e.csv.part", "f.txt", "g.tmp"]
    for arrival in store.arrivals:
        name, _, digest = arrival.origin.split(":")
        kept = client.archive_folder / f"{name.removesuffix('.csv')}.{digest[:16]}.csv"
        assert kept.read_bytes() == arrival.raw


async def test_the_same_content_dropped_again_is_another_arrival(tmp_path: Path) -> None:
    """A client that sends a file again, because nothing came back, is answered again."""
    client, store = client_in(tmp_path), Store()
    async with running(FolderLink([client], never_too_large), store.receive):
        drop(client, "a.csv", b"trades")
        await until(lambda: len(store.arrivals) == 1 and not names(client.in_folder))
        drop(client, "a.csv", b"trades")
        await until(lambda: len(store.arrivals) == 2)
    assert store.arrivals[0].origin != store.arrivals[1].origin


async def test_folders_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    """Trades of one client are not open to other users of the machine."""
    client = client_in(tmp_path / "new")
    async with running(FolderLink([client], never_too_large), Store().receive):
        await until(client.archive_folder.is_dir)
    for folder in (*client.folders, client.in_folder.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_crash_before_the_file_is_moved_hands_the_same_origin_over_again(tmp_path: Path) -> None:
    """A file is never lost between the folder and the store, and the store can tell the repeat."""
    client, store = client_in(tmp_path), Store()
    drop(client, "a.csv", b"trades")

    async def crash_after_storing(arrival: Arrival) -> None:
        await store.receive(arrival)
        raise RuntimeError("killed here")

    with pytest.raises(ExceptionGroup):
        await FolderLink([client], never_too_large).run(crash_after_storing)
    assert names(client.in_folder) == ["a.csv"]
    async with running(FolderLink([client], never_too_large), store.receive):
        await until(lambda: not names(client.in_folder))
    assert len(store.arrivals) == 2
    assert store.arrivals[0] == store.arrivals[1]
    assert [file.read_bytes() for file in client.archive_folder.iterdir()] == [b"trades"]


async def test_a_file_that_cannot_be_moved_is_received_once_and_moved_when_it_can_be(tmp_path: Path) -> None:
    """A full or absent archive neither floods the store nor the log, and heals without a restart."""
    client, store = client_in(tmp_path), Store()
    with capture_logs() as logs:
        async with running(FolderLink([client], never_too_large), store.receive):
            await until(client.archive_folder.is_dir)
            client.archive_folder.rmdir()
            drop(client, "a.csv", b"trades")
            await until(lambda: logs)
            await asyncio.sleep(0.1)
            assert names(client.in_folder) == ["a.csv"]
            client.archive_folder.mkdir()
            await until(lambda: names(client.archive_folder))
    assert len(store.arrivals) == 1
    assert [(log["file"], log["reason"]) for log in logs] == [("a.csv", "No such file or directory")]


async def test_a_folder_that_goes_away_is_logged_once_and_served_again(tmp_path: Path) -> None:
    """A network share may come and go."""
    client, store = client_in(tmp_path), Store()
    with capture_logs() as logs:
        async with running(FolderLink([client], never_too_large), store.receive):
            await until(client.archive_folder.is_dir)
            client.in_folder.rename(tmp_path / "gone")
            await until(lambda: logs)
            await asyncio.sleep(0.1)
            (tmp_path / "gone").rename(client.in_folder)
            drop(client, "a.csv", b"trades")
            await until(lambda: store.arrivals)
    assert len(logs) == 1


async def test_a_newer_file_of_the_same_name_is_not_archived_unread(tmp_path: Path) -> None:
    """A client that replaces its file while we read it has both versions received."""
    client, store = client_in(tmp_path), Store()
    drop(client, "a.csv", b"first")

    async def replace_meanwhile(arrival: Arrival) -> None:
        await store.receive(arrival)
        if arrival.raw == b"first":
            drop(client, "a.csv", b"second")

    async with running(FolderLink([client], never_too_large), replace_meanwhile):
        await until(lambda: len(store.arrivals) == 2 and not names(client.in_folder))
    assert [arrival.raw for arrival in store.arrivals] == [b"first", b"second"]
    assert (client.archive_folder / marked("a.csv", digest_of(b"second")[:16])).read_bytes() == b"second"


def test_a_file_that_grows_while_it_is_read_is_left_for_later(tmp_path: Path) -> None:
    """A half written file is never taken for a whole one."""
    file = tmp_path / "a.csv"
    file.write_bytes(b"half")
    seen = identity_of(file)
    with file.open("ab") as growing:
        growing.write(b" and half")
    with pytest.raises(StillChangingError):
        read_whole(file, seen)
    assert read_whole(file, identity_of(file)) == b"half and half"


async def test_links_folders_and_pipes_are_left_and_logged_once(tmp_path: Path) -> None:
    """Nobody can make the daemon read another file through its folder, or wait for ever on a pipe."""
    client, store = client_in(tmp_path), Store()
    secret = tmp_path / "secret.csv"
    secret.write_bytes(b"not yours")
    drop(client, "z.csv", b"trades")
    (client.in_folder / "a.csv").symlink_to(secret)
    (client.in_folder / "b.csv").mkdir()
    os.mkfifo(client.in_folder / "c.csv")
    with capture_logs() as logs:
        async with running(FolderLink([client], never_too_large), store.receive):
            await until(lambda: store.arrivals)
            await asyncio.sleep(0.1)
    assert [arrival.raw for arrival in store.arrivals] == [b"trades"]
    assert names(client.in_folder) == ["a.csv", "b.csv", "c.csv"]
    assert [(log["file"], log["reason"]) for log in logs] == [
        (name, "not a regular file") for name in ("a.csv", "b.csv", "c.csv")
    ]


async def test_an_unreadable_file_is_logged_once_and_taken_when_it_can_be_read(tmp_path: Path) -> None:
    """A wrong permission is mended by the permission alone."""
    client, store = client_in(tmp_path), Store()
    drop(client, "a.csv", b"trades")
    (client.in_folder / "a.csv").chmod(0)
    if os.access(client.in_folder / "a.csv", os.R_OK):
        pytest.skip("this user may read every file")
    with capture_logs() as logs:
        async with running(FolderLink([client], never_too_large), store.receive):
            await until(lambda: logs)
            await asyncio.sleep(0.1)
            (client.in_folder / "a.csv").chmod(0o600)
            await until(lambda: store.arrivals)
    assert [log["reason"] for log in logs] == ["Permission denied"]


async def test_a_file_over_the_limit_is_refused_unread_and_kept(tmp_path: Path) -> None:
    """A 50 MB file costs no memory, is answered, and is not lost; a crash asks for the same refusal again."""
    client, store = client_in(tmp_path), Store()
    refused: list[Oversized] = []
    client.in_folder.mkdir(parents=True)
    with (client.in_folder / ".big").open("wb") as sparse:
        sparse.truncate(50_000_000)
    (client.in_folder / ".big").rename(client.in_folder / "big.csv")

    async def crash(oversized: Oversized) -> None:
        refused.append(oversized)
        raise RuntimeError("killed here")

    async def refuse(oversized: Oversized) -> None:
        refused.append(oversized)

    tracemalloc.start()
    try:
        with pytest.raises(ExceptionGroup):
            await FolderLink([client], crash).run(store.receive)
        async with running(FolderLink([client], refuse), store.receive):
            await until(lambda: not names(client.in_folder))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000
    assert store.arrivals == []
    first, again = refused
    assert first == again
    assert (first.client, first.name, first.size, first.size_max) == (
        "fund house",
        "big.csv",
        50_000_000,
        20_000_000,
    )
    assert names(client.error_folder) == [first.kept_as]
    assert (client.error_folder / first.kept_as).stat().st_size == 50_000_000


@pytest.mark.skipif(sys.platform == "darwin", reason="its file system refuses such names")
async def test_names_that_are_long_or_not_utf_8_are_taken(tmp_path: Path) -> None:
    """A name can be neither too long to archive nor impossible to store."""
    client, store = client_in(tmp_path), Store()
    long_name = "長" * 83 + ".csv"
    drop(client, os.fsdecode(b"\x94z\x95\xaa.csv"), b"CP932 name")
    drop(client, long_name, b"long name")
    async with running(FolderLink([client], never_too_large), store.receive):
        await until(lambda: len(store.arrivals) == 2 and not names(client.in_folder))
    assert {arrival.origin.split(":")[0].encode() for arrival in store.arrivals} == {
        rb"\x94z\x95\xaa.csv",
        long_name.encode(),
    }
    assert len(names(client.archive_folder)) == 2


async def test_one_client_in_trouble_does_not_hold_up_another(tmp_path: Path) -> None:
    """Each client is served by itself."""
    broken, sound, store = client_in(tmp_path, "broken"), client_in(tmp_path, "sound"), Store()
    (tmp_path / "broken").write_bytes(b"a file where a folder should be")
    drop(sound, "a.csv", b"trades")
    with capture_logs() as logs:
        async with running(FolderLink([broken, sound], never_too_large), store.receive):
            await until(lambda: store.arrivals)
            await until(lambda: logs)
            (tmp_path / "broken").unlink()
            drop(broken, "b.csv", b"trades")
            await until(lambda: len(store.arrivals) == 2)
    assert [arrival.client for arrival in store.arrivals] == ["sound", "broken"]


def test_folders_that_would_mix_files_up_are_refused_at_the_start(tmp_path: Path) -> None:
    """A slip in the configuration cannot send one client's files as another's, or results back in."""
    with pytest.raises(ValidationError, match="four different folders"):
        client_in(tmp_path, out_folder=tmp_path / "fund house" / "x" / ".." / "in")
    one = client_in(tmp_path)
    with pytest.raises(ValueError, match="same name"):
        FolderLink([one, one], never_too_large)
    with pytest.raises(ValueError, match="same folder in"):
        FolderLink([one, client_in(tmp_path, "other", in_folder=one.in_folder)], never_too_large)
