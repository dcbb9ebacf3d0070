"""A network of one, made for trying out: an SP with a broker and an asset manager that exchange files.

It is made of the same plan, clients' files and samples that are shipped as examples in conf/.
"""

import secrets
import shutil
import tomllib
from decimal import Decimal
from pathlib import Path

from node.clients import shared_folder
from node.identity import create_identity
from node.key_files import load_keys
from node.network import Network
from node.secret_files import passphrase_in
from node.settings import EmbeddedLedger, NodeSettings
from node.setup import NODE_FILE, SetupError, found_alone, make_member, write_node

CLIENTS = ("broker-files", "manager-cp932")
FIRST_PORT = 14222
PROVIDER_BIC = "SPAAJPJT"


def make_trial(folder: Path, sp: str, first_port: int, passphrase_file: Path | None) -> Network:
    """Make a node in `folder` that runs at once. Raises SetupError, KeyFileError.

    first_port: the nats-server takes it and the next two. passphrase_file: encrypts the private keys.
    """
    if (folder / NODE_FILE).exists():
        raise SetupError(f"{folder / NODE_FILE} exists and is not overwritten: choose another folder")
    shipped = shared_folder("conf")
    plan = tomllib.loads((shipped / "plan.toml").read_text(encoding="utf-8"), parse_float=Decimal)
    leis = [institution["lei"] for institution in plan["institutions"]]
    passphrase = passphrase_in(passphrase_file)
    card = make_member(folder, sp, leis, passphrase)
    identities = [create_identity(folder / "institutions" / lei, lei, passphrase) for lei in leis]
    founder = load_keys(folder / "keys", passphrase).signing
    network = found_alone(plan, [card], identities, {sp: founder})
    settings = NodeSettings(
        sp=sp,
        passphrase_file=passphrase_file.absolute() if passphrase_file else None,
        provider_bic=PROVIDER_BIC,
        ledger=EmbeddedLedger(
            kind="embedded",
            client_port=first_port,
            cluster_port=first_port + 1,
            monitor_port=first_port + 2,
            cluster_secret_file=Path("keys/cluster.secret"),
        ),
    )
    write_node(folder, network, settings, secrets.token_hex(32))
    _copy_examples(shipped, folder)
    return network


def lay_out_examples(folder: Path, sp: str) -> None:
    """Put what a founder edits beside his keys: plan.toml and node.toml. Keeps what is there."""
    shipped = shared_folder("conf")
    for name in ("plan.toml", NODE_FILE):
        if not (folder / name).exists():
            text = (shipped / name).read_text(encoding="utf-8").replace('sp = "sp1"', f'sp = "{sp}"')
            (folder / name).write_text(text, encoding="utf-8")
    (folder / "clients").mkdir(mode=0o700, exist_ok=True)


def _copy_examples(shipped: Path, folder: Path) -> None:
    """The clients' files with their comments, files to drop, and the folders to drop them into."""
    for name in CLIENTS:
        shutil.copyfile(shipped / "clients" / f"{name}.toml", folder / "clients" / f"{name}.toml")
        for part in ("in", "out", "error", "archive"):
            (folder / "exchange" / name / part).mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copytree(shipped / "samples", folder / "samples", dirs_exist_ok=True)
