"""`yakujo verify`."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.table import Table

from node.commands.exits import FOUND
from node.commands.options import AsJson, print_json, screen
from node.commands.status import at
from node.disclosure import (
    DisclosedVerdict,
    DisclosureInvalidError,
    FalseDisclosure,
    with_said,
)
from node.document import OPENING_BYTES_MAX
from node.document_disclosure import said_by
from node.network import Network, load_network
from node.note import NoteInvalidError, VerifierKey, verifier_key
from node.proof import PROOF_BYTES_MAX, ProofInvalidError, read_proof
from node.proof_check import Refutation, Verdict, listed
from node.proof_check import verify as verified
from node.proof_keys import StrangeKeyError
from node.settings import SettingsError

Found: TypeAlias = Verdict | Refutation | FalseDisclosure
Key = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The key of the proven message, as `yakujo prove --disclose` writes it: shows what it says. Or "
        "the document that a proven act names, as `yakujo document --opening` writes it.",
        show_default=False,
    ),
]


def verify(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The proof, as `yakujo prove` writes it.", show_default=False),
    ],
    *,
    network: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="The network file, which names the founders. Compare the id that is printed.",
            show_default=False,
        ),
    ],
    vkey: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY",
            help="A member's key for cosignatures as you were told it, name+id+key; it stands instead of "
            "what the network file and the proof say of that member. May be repeated.",
        ),
    ] = None,
    at_least: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many members must have signed. By default more than half of the known ones.",
            show_default=False,
        ),
    ] = None,
    disclosure: Key = None,
    as_json: AsJson = False,
) -> None:
    """Check a proof that an entry is on the ledger, offline: no node, no store, no connection.

    It holds where more than half of the members have signed a root that the entry is under. Their keys are
    those in the network file, changed by the members' votes that the proof carries. Exit code 0: it holds.
    1: it does not, or not any more, or the disclosure does not; the reason is told. 2: it cannot be checked.
    """
    founded = load_network(network)
    found = _found(file, founded, _keys(vkey or ()), at_least, disclosure)
    if as_json:
        print_json(found)
    else:
        _print(found)
    raise typer.Exit(0 if found.holds else FOUND)


def _found(
    file: Path, network: Network, keys: list[VerifierKey], at_least: int | None, disclosure: Path | None
) -> Found:
    raw = _read(file, PROOF_BYTES_MAX)
    key = _read(disclosure, OPENING_BYTES_MAX) if disclosure is not None else None
    try:
        proof = read_proof(raw)
        verdict = verified(proof, network, vkeys=keys, at_least=at_least)
        return verdict if key is None else with_said(verdict, said_by(proof, key))
    except ProofInvalidError as error:
        return Refutation(reason=error.reason, text=str(error))
    except DisclosureInvalidError as error:
        return FalseDisclosure(text=str(error))
    except StrangeKeyError as error:
        raise SettingsError(f"--vkey: {error}") from error


def _read(file: Path, limit: int) -> bytes:
    with file.open("rb") as opened:
        return opened.read(limit + 1)


def _keys(texts: Iterable[str]) -> list[VerifierKey]:
    try:
        return [verifier_key(text) for text in texts]
    except NoteInvalidError as error:
        raise SettingsError(f"--vkey: {error}") from error


def _print(found: Found) -> None:
    console = screen()
    if isinstance(found, Refutation | FalseDisclosure):
        what = (
            "proof does not hold" if isinstance(found, Refutation) else "proof holds, the disclosure does not"
        )
        console.print(f"The {what}: {found.text}.", style="red", soft_wrap=True)
        return
    console.print(_sentence(found), style="green", soft_wrap=True)
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in _lines(found):
        table.add_row(name, value)
    console.print(table, soft_wrap=True)
    if isinstance(found, DisclosedVerdict):
        said = json.dumps(found.said, ensure_ascii=False, indent=2)
        console.print(f"What it says, opened with its own key:\n{said}", soft_wrap=True)


def _sentence(found: Verdict) -> str:
    place = f"entry {found.index + 1} of block {found.block} of {found.sp}"
    when = f" at {at(found.block_time)} by its clock" if found.block_time else ""
    signers = listed(sorted({one.sp for one in found.cosigners if one.counted}))
    return (
        f"The proof holds: position {found.position} of network {found.network}, {place}{when}, "
        f"is under the root that {signers} signed."
    )


def _lines(found: Verdict) -> list[tuple[str, str]]:
    """The rest, for who compares."""
    signed = [
        ("signed", f"{one.sp} at {at(one.time)}{'' if one.counted else ', not counted: by a key not known'}")
        for one in found.cosigners
    ]
    return [
        ("network id", f"{found.network_id} (compare it with the one that you were told)"),
        ("entry", f"{found.kind}, SHA-256 {found.digest}"),
        ("root", f"{found.root}, of {found.size} entries"),
        *signed,
        ("needed", f"{found.needed} of {listed(found.members)}"),
    ]
