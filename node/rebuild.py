"""A new generation of the ledger's stream, from the members' archives: what operators do, with nodes stopped.

    look(settings)              how far this node's archive goes, for the members to find the longest
    propose(settings, file)     the statement, of this node's archive, with its signature
    sign(settings, file)        adds this member's signature, where its own archive says the same
    enter(settings, file)       takes the new generation: the old server's data is moved aside, never deleted

What the engine had acknowledged and the statement leaves out is not lost while its author has its store:

- The block was still under way: its author publishes the same bytes under the same number again, behind what
  was carried over. Its last number that counts is in every archive, so nothing can stand in between.
- The author has read it back: then its archive is the longer one. It neither signs nor enters a statement
  that ends before, but proposes itself.
- The author's store is lost too: `yakujo restore` gets back what the archives hold, and what can be read of
  the old outbox is published again. What is on no disk any more its clients must send again.
- A longer archive was away, and the others have gone on without it: the sequences that only it has were
  given to other blocks. It does not start like this; `yakujo restore` gives it the ledger that was agreed.
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.archive_comparison import LongerArchiveError, check_begins_with
from node.archive_reading import Archive, ArchiveDamagedError, read_archive
from node.ballot import check_free, first_free, keep_ballot, read_ballot
from node.block_key import next_key
from node.generation import (
    FIRST,
    Consistency,
    Generation,
    GenerationError,
    Statement,
    check_majority,
    generation_file,
    generation_in,
    members_at,
    read_generation,
    signed_by,
    signers,
    write_generation,
)
from node.key_files import load_keys
from node.network import Network, load_network
from node.orphan import end_orphan
from node.settings import EmbeddedLedger, NodeSettings
from node.startup import alone, check_network, protection, server_folder
from node.store import STORE_FILE, close_store, each, open_store
from node.store_file import as_store_error
from node.store_seal import sync
from node.tree_tiles import consistency_path

ENDS_SHOWN = 32  # of the last blocks: archives that differ by a few can be compared
SERVER_STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Looked:
    """A node that does not run, and its whole archive. current: its generation, None for the first."""

    settings: NodeSettings
    network: Network
    current: Generation | None
    archive: Archive
    connection: sqlite3.Connection

    @property
    def number(self) -> int:
        """Of its generation."""
        return FIRST if self.current is None else self.current.statement.generation


@dataclass(frozen=True, slots=True)
class Entered:
    """A generation that was taken. aside: where the server's old data is now; None where there was none."""

    generation: Generation
    aside: Path | None


@contextmanager
def looking(settings: NodeSettings) -> Iterator[Looked]:
    """The node's archive, looked over as at a start and then read whole; the node cannot start meanwhile.

    Raises SettingsError while it runs, StoreError and GenerationError where its store or archive is damaged.
    """
    network = load_network(settings.network_file)
    current = generation_in(settings.network_file, network)
    settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = settings.data_folder / STORE_FILE
    with alone(settings.data_folder):
        connection = open_store(path)
        try:
            check_network(connection, network)
            yield Looked(settings, network, current, _archive(connection, path), connection)
        finally:
            close_store(connection, path)


def look(settings: NodeSettings) -> tuple[int, Archive]:
    """The generation that a node is in, and its archive. Raises what `looking` raises."""
    with looking(settings) as node:
        return node.number, node.archive


def propose(
    settings: NodeSettings, file: Path, sizes: Sequence[int] = (), number: int | None = None
) -> Generation:
    """Write the statement of this node's archive, signed, to `file`.

    sizes: of shorter archives that are to be comparable with it. number: of the generation, by default the
    next one. Raises GenerationError and what `looking` raises.
    """
    if file.exists():
        raise GenerationError(f"{file} exists and is not overwritten: name another file")
    with looking(settings) as node:
        if node.archive.sequence == 0:
            raise GenerationError("this node's archive is empty: a member that has the ledger must propose")
        asked = _statement(node, node.number + 1 if number is None else number)
        _check_newer(node, asked)
        statement = first_free(read_ballot(settings.network_file), asked)
        consistency = tuple(_consistency(node, sizes))
        proposed = Generation(statement=statement, acts=node.archive.acts, consistency=consistency)
        signed = signed_by(proposed, settings.sp, _key(node, proposed))
        keep_ballot(settings.network_file, statement)
        write_generation(file, signed)
        return signed


def sign(settings: NodeSettings, file: Path) -> Generation:
    """Add this member's signature to `file`. Raises GenerationError and what `looking` raises."""
    with looking(settings) as node:
        proposed = read_generation(file)
        signers(proposed, node.network, file)
        _check_newer(node, proposed.statement)
        check_free(read_ballot(settings.network_file), proposed.statement)
        try:
            check_begins_with(node.archive, proposed, at_once=True)
        except LongerArchiveError:  # it will propose, and then for a later generation than the one refused
            keep_ballot(settings.network_file, proposed.statement, refused=True)
            raise
        signed = signed_by(proposed, settings.sp, _key(node, proposed))
        keep_ballot(settings.network_file, proposed.statement)
        write_generation(file, signed)
        return signed


def enter(settings: NodeSettings, file: Path) -> Entered:
    """Take the generation in `file`: from its next start on the node is in it. May be repeated.

    Raises GenerationError and what `looking` raises; nothing has been changed then.
    """
    with looking(settings) as node:
        signed = read_generation(file)
        check_majority(signed, node.network, file)
        if node.current is not None and node.current.statement == signed.statement:
            return Entered(node.current, None)
        _check_newer(node, signed.statement)
        check_begins_with(node.archive, signed, at_once=False)
        aside = _move_server_aside(settings, node.number)  # first: old data must not get into the new cluster
        own = generation_file(settings.network_file)
        if node.current is not None:
            write_generation(own.with_name(f"generation-{node.number}.toml"), node.current)
        write_generation(own, signed)
        sync(own.parent)
        return Entered(signed, aside)


def _archive(connection: sqlite3.Connection, path: Path) -> Archive:
    try:
        return read_archive(connection)
    except ArchiveDamagedError as error:
        raise GenerationError(
            f"{path} cannot speak for the ledger: {error}. Another member must propose; `yakujo restore` "
            "brings this node back once the others run again"
        ) from error
    except sqlite3.Error as error:
        raise as_store_error(path, "read", error) from error


def _statement(node: Looked, number: int) -> Statement:
    """What this archive comes to, for the generation of this number."""
    return Statement(
        network=node.network.id.hex(),
        generation=number,
        sequence=node.archive.sequence,
        size=node.archive.size,
        root=node.archive.root,
        blocks=node.archive.blocks,
    )


def _consistency(node: Looked, sizes: Sequence[int]) -> Iterator[Consistency]:
    """Paths from the ends of the last blocks, and from these sizes."""
    size = node.archive.size
    if too_large := [one for one in sizes if one > size]:
        raise GenerationError(
            f"this archive has {size} entries: one with {too_large[0]} is longer, and must propose instead"
        )
    query = "SELECT first + entries FROM archive ORDER BY sequence DESC LIMIT ?"
    ends = {row[0] for row in each(node.connection, query, ENDS_SHOWN)}
    for one in sorted({*ends, *sizes} - {0, size}):
        path = consistency_path(node.connection, one, size)
        yield Consistency(size=one, hashes=tuple(hash_.hex() for hash_ in path))


def _check_newer(node: Looked, statement: Statement) -> None:
    if statement.generation <= node.number:
        raise GenerationError(
            f"the statement is for generation {statement.generation}, and this node is in generation "
            f"{node.number} already"
        )


def _key(node: Looked, proposed: Generation) -> Ed25519PrivateKey:
    """The key by which the members know this one at the statement's last block."""
    sp, folder, wrapping = node.settings.sp, node.settings.keys_folder, protection(node.settings)
    public = members_at(proposed, node.network).get(sp)
    if public is None:
        raise GenerationError(f"{sp} is no member at the statement's last block: it cannot sign")
    for key in (load_keys(folder, wrapping).signing, next_key(folder, wrapping)):
        if key is not None and key.public_key() == public:
            return key
    raise GenerationError(f"the signing key in {folder} is not the one by which the members know {sp}")


def _move_server_aside(settings: NodeSettings, number: int) -> Path | None:
    """Move all that the node's own server has away, in one step, and end one that outlived its daemon."""
    if not isinstance(settings.ledger, EmbeddedLedger):
        return None
    folder = server_folder(settings)
    asyncio.run(end_orphan(folder / "nats.pid", str(folder / "nats.conf"), SERVER_STOP_SECONDS))
    if not folder.exists():
        return None
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    aside = folder.rename(folder.with_name(f"{folder.name}-of-generation-{number}-{stamp}"))
    sync(aside.parent)
    return aside
