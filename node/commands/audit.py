"""`yakujo audit`."""

import asyncio
import logging
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.table import Table

from node.audit_keys import keys_in, no_keys, own_keys
from node.audit_report import AuditFinding, AuditReport, RelationshipAudit
from node.auditing import audit as audited
from node.commands.exits import FOUND
from node.commands.options import HERE, AsJson, Folder, PassphraseFile, print_json, screen, settings_in
from node.commands.progress_bar import block_bar
from node.network import Network, load_network
from node.secret_files import passphrase_in
from node.settings import NodeSettings, SettingsError
from node.setup import NETWORK_FILE, NODE_FILE
from node.store import STORE_FILE

Archive = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Another store, such as a copy of another SP's yakujo.db.", show_default=False
    ),
]
Keys = Annotated[
    Path | None,
    typer.Option(
        metavar="DIRECTORY",
        help="Keys to read with instead of the node's: a reader's, to whom days were granted, or another "
        "node's.",
        show_default=False,
    ),
]


def audit(
    folder: Folder = HERE,
    *,
    archive: Archive = None,
    keys: Keys = None,
    passphrase_file: PassphraseFile = None,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Check what is public alone: no contract is replayed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a whole archive again, by applying all of it anew and comparing every result.

    Signatures, numbers and places of all blocks, why some were passed over, the tree, the checkpoints, the
    acts; with keys also every submission, decision, outcome and attestation, and the contracts' state. Works
    beside a running node, and where there is no node: FOLDER then holds network.toml and a copy of a node's
    yakujo.db. Needs as much room in the temporary directory as the store has. Exit code 0: all is as it must
    be. 1: something is not. 2: it could not be done. What could not be checked is told in either case.
    """
    if without_keys and keys is not None:
        raise SettingsError("--keys and --without-keys exclude one another")
    settings = settings_in(folder) if (folder / NODE_FILE).exists() else None
    network = _network(folder, settings)
    path = archive or (settings.data_folder if settings is not None else folder) / STORE_FILE
    if keys is not None:
        reads = keys_in(keys, passphrase_in(passphrase_file), network)
    elif settings is not None and not without_keys:
        reads = own_keys(settings, is_own=archive is None)
    else:
        reads = no_keys()
    # What a replay logs, the node has logged when it was new.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with block_bar(shown=sys.stderr.isatty()) as watcher:
        found = asyncio.run(audited(path, network, reads, watcher))
    if as_json:
        print_json(found)
    else:
        _print(screen(), network, found)
    raise typer.Exit(FOUND if found.found else 0)


def _network(folder: Path, settings: NodeSettings | None) -> Network:
    """Of a node, or of a folder that is none and has a network file."""
    if settings is not None:
        return load_network(settings.network_file)
    if not (folder / NETWORK_FILE).exists():
        raise SettingsError(f"{folder} has neither {NODE_FILE} nor {NETWORK_FILE}: name a node's folder")
    return load_network(folder / NETWORK_FILE)


def _print(console: Console, network: Network, found: AuditReport) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in _lines(network, found):
        table.add_row(name, value)
    console.print(table)
    for sentence in _not_checked(network, found):
        console.print(f"not checked: {sentence}", style="yellow", soft_wrap=True)
    for one in found.findings:
        console.print(f"! {_place(one)}{one.text}", style="bold red", soft_wrap=True)
    if found.found > len(found.findings):
        console.print(f"! and {found.found - len(found.findings):,} more", style="bold red")
    end = f"{found.found:,} findings" if found.found else "nothing found"
    console.print(
        f"{found.size:,} entries in {found.seconds:,.1f} s, {found.entries_per_second:,} entries/s: {end}",
        soft_wrap=True,
    )


def _lines(network: Network, found: AuditReport) -> Iterator[tuple[str, str]]:
    yield "archive", found.archive
    yield "network", f"{found.network}, id {found.network_id}"
    yield "ledger", f"{found.sequence:,} blocks, {found.size:,} entries"
    yield "root", found.root
    yield "keys", found.keys
    yield "right", _counted(found.checked)
    yield "entries", _counted(found.entries)
    yield "passed over", _counted(found.passed_over)
    for one in found.relationships:
        if one.replayed == "whole":
            yield "replayed", _parties(network, one)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{what} {count:,}" for what, count in counts.items()) or "none"


def _not_checked(network: Network, found: AuditReport) -> Iterator[str]:
    yield from found.not_checked
    for one in found.relationships:
        if one.replayed != "whole":
            how = "the contract" if one.replayed == "not" else "all of the contract"
            yield f"{how} for {_parties(network, one)}: {one.reason}"


def _parties(network: Network, one: RelationshipAudit) -> str:
    broker, investor = (
        network.by_lei[lei].name if lei in network.by_lei else lei for lei in (one.broker, one.investor)
    )
    return f"{broker} and {investor}"


def _place(one: AuditFinding) -> str:
    if one.sequence is not None:
        return f"the block at sequence {one.sequence}: "
    return f"position {one.position}: " if one.position is not None else ""
