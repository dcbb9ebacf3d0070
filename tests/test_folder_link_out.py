"""The folder link, out: a client finds each delivery whole, or it stays queued."""

import resource
from pathlib import Path

import pytest
from folder_scene import Store, client_in, names, never_too_large, running, until

from adapters.folder_link import FolderLink
from adapters.link import ClientAwayError, Delivery


async def test_deliveries_become_whole_files_named_after_their_ids(tmp_path: Path) -> None:
    """A client finds results and refusals in their folders, and a repeat is the same file."""
    client = client_in(tmp_path)
    link = FolderLink([client], never_too_large)
    async with running(link, Store().receive):
        await until(client.archive_folder.is_dir)
        for _ in range(2):
            await link.send(Delivery("r-1", "fund house", "result", b"matched"))
            await link.send(Delivery("r-2", "fund house", "copy", b"copy"))
            await link.send(Delivery("r-3", "fund house", "refusal", b"line 3"))
    assert {name: (client.out_folder / name).read_bytes() for name in names(client.out_folder)} == {
        "r-1.csv": b"matched",
        "r-2.csv": b"copy",
    }
    assert (client.error_folder / "r-3.csv").read_bytes() == b"line 3"
    assert names(client.error_folder) == ["r-3.csv"]


async def test_a_delivery_that_cannot_be_written_stays_queued(tmp_path: Path) -> None:
    """A share that is away or a full disk delays a result, and leaves no half written file."""
    client = client_in(tmp_path)
    link = FolderLink([client], never_too_large)
    with pytest.raises(ClientAwayError, match="No such file or directory"):
        await link.send(Delivery("r-1", "fund house", "result", b"matched"))
    client.out_folder.mkdir(parents=True)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        # The nearest thing to a full disk that needs no disk: the kernel refuses to write beyond this size.
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        with pytest.raises(ClientAwayError, match="File too large"):
            await link.send(Delivery("r-1", "fund house", "result", b"x" * 200))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(client.out_folder) == []


async def test_what_a_crash_left_half_written_is_removed_at_the_start(tmp_path: Path) -> None:
    """Crashes do not fill a client's folder."""
    client = client_in(tmp_path)
    client.out_folder.mkdir(parents=True)
    (client.out_folder / ".yakujo-x.tmp").write_bytes(b"half")
    (client.out_folder / ".theirs.tmp").write_bytes(b"not ours")
    async with running(FolderLink([client], never_too_large), Store().receive):
        await until(lambda: names(client.out_folder) == [".theirs.tmp"])


@pytest.mark.parametrize("delivery_id", ["", "../r", "a/b", ".hidden", "a\0", "長"])
async def test_an_id_that_leads_out_of_the_folder_is_never_written(tmp_path: Path, delivery_id: str) -> None:
    """No id can name a file elsewhere."""
    link = FolderLink([client_in(tmp_path)], never_too_large)
    with pytest.raises(ValueError, match="cannot be a file name"):
        await link.send(Delivery(delivery_id, "fund house", "result", b""))
