"""`yakujo prove`."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict

from node.attested_places import stored_secret
from node.commands.options import HERE, AsJson, Folder, print_json, screen, settings_in
from node.commands.status import at
from node.disclosure import SEALED, DisclosureInvalidError, sealed_with, write_disclosure
from node.disclosure import disclose as disclosed
from node.inspection import View, reading
from node.keyring import KeyRing
from node.private_file import write_private
from node.proof import write_proof
from node.proof_check import Verdict, listed
from node.proof_subjects import Subject, subjects
from node.proving import Proven
from node.proving import prove as proven
from node.settings import NodeSettings, SettingsError
from node.startup import protection
from node.tracing import NotFoundError

PROOF, DISCLOSURE = ".tlog-proof", ".disclosure"


class Written(BaseModel):
    """A proof that was written. what: the entry in words, empty where this node cannot read it.

    disclosure: the file with its key, where one was asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path
    what: str
    verdict: Verdict
    disclosure: Path | None


Named = Annotated[
    str,
    typer.Argument(
        metavar="REF",
        help="A client's reference, a trade's, a result's or a delivery's id, position:34, any entry of "
        "the ledger, or decision:ab12, what was said for it.",
        show_default=False,
    ),
]
Output = Annotated[
    Path,
    typer.Option(
        metavar="DIRECTORY",
        help="Where to write the proofs. By default the current one.",
        show_default=False,
    ),
]


def prove(
    name: Named,
    folder: Folder = HERE,
    *,
    output: Output = HERE,
    disclose: Annotated[
        bool,
        typer.Option(
            "--disclose",
            help="Write the key of each proven message beside its proof: who has both reads this message "
            "and no other.",
        ),
    ] = False,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Do not look for attestations: they are sealed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Export the proof that an entry is on the ledger, for anybody to check with `yakujo verify`.

    For a trade: of everything that was said about it, and of the attestations of its last result, each in a
    file of its own, position-34.tlog-proof. A proof shows whose block holds the entry, when, and who signed
    the root; of the entry it shows the ciphertext. Exit code 2 where nothing is called REF or too few members
    have signed yet: that takes a second.
    """
    settings = settings_in(folder)
    if disclose and without_keys:
        raise SettingsError("--disclose needs keys: leave out --without-keys")
    ring = None if without_keys else KeyRing.load(settings.keys_folder, protection(settings))
    with reading(settings) as view:
        chosen = subjects(view, name, ring)
        found = [proven(view.connection, view.network, one.position) for one in chosen]
        keys = [_disclosure(view, ring, one) if disclose and ring is not None else None for one in found]
    output.mkdir(parents=True, exist_ok=True)
    written = [_write(output, *one) for one in zip(chosen, found, keys, strict=True)]
    if as_json:
        print_json(written)
    else:
        _print(written, settings)


def _disclosure(view: View, ring: KeyRing, found: Proven) -> bytes | None:
    """The key of a sealed entry; None where the entry is public. Raises NotFoundError."""
    proof = found.proof
    if found.verdict.kind not in SEALED:
        return None
    key_id = sealed_with(proof.entry)
    secret = stored_secret(view.connection, view.network.id, ring, key_id)
    if secret is None:
        raise NotFoundError(
            f"position {proof.position} cannot be disclosed: this node does not have the secret of its day"
        )
    try:
        return write_disclosure(disclosed(proof.entry, proof.sp, proof.position, secret))
    except DisclosureInvalidError as error:
        raise NotFoundError(f"position {proof.position} cannot be disclosed: {error}") from error


def _write(folder: Path, subject: Subject, found: Proven, key: bytes | None) -> Written:
    file = folder / f"position-{subject.position}{PROOF}"
    file.write_bytes(write_proof(found.proof))
    beside = file.with_suffix(DISCLOSURE) if key is not None else None
    if beside is not None and key is not None:
        write_private(beside, key)
    return Written(file=file, what=subject.what, verdict=found.verdict, disclosure=beside)


def _print(written: list[Written], settings: NodeSettings) -> None:
    console = screen()
    for one in written:
        console.print(f"{one.file}: {_sentence(one)}", soft_wrap=True)
        if one.disclosure is not None:
            console.print(f"{one.disclosure}: who has it reads this message", soft_wrap=True)
    console.print(
        f"Check one: yakujo verify {written[0].file} --network {settings.network_file}", soft_wrap=True
    )


def _sentence(one: Written) -> str:
    """What a proof proves."""
    found = one.verdict
    what = one.what or f"an entry of kind {found.kind} that this node does not read"
    when = f" at {at(found.block_time)} by its clock" if found.block_time else ""
    signers = listed(sorted({each.sp for each in found.cosigners if each.counted}))
    place = f"entry {found.index + 1} of block {found.block} of {found.sp}{when}"
    return (
        f"position {found.position}, {what}; {place}, under the root of {found.size} entries that {signers} "
        "signed"
    )
