"""Makes what a node needs before its first start: keys, a network file, settings, folders.

    make_member       an SP's keys, and its card: the public part that the other founders need
    assemble          the network file, from a plan and the founders' cards
    write_node        node.toml and the clients' files

A card and a network file hold public things alone; what is secret has mode 0600 and stays in the keys folder.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from canonical.base import Canonical
from canonical.identifiers import Lei
from node.key_files import create_keys
from node.keys import NodeKeys, signing_text
from node.network import Delegation, Member, Network, NetworkError, load_network
from node.network_faults import network_faults
from node.private_file import write_private
from node.settings import ClientSettings, NodeSettings

CARD_FILE = "member.toml"
NETWORK_FILE = "network.toml"
NODE_FILE = "node.toml"


class SetupError(Exception):
    """A node cannot be set up as asked; the message says what to change."""


class Card(Canonical):
    """What an SP tells the other founders: its own key, and those of its delegations by institution."""

    member: Member
    delegations: Mapping[Lei, Delegation]


def make_member(
    folder: Path, sp: str, institutions: Sequence[str], passphrase: bytes | None, bic: str | None = None
) -> Card:
    """Make the SP's keys in `folder`/keys and its card. Raises KeyFileExistsError where there are some."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = create_keys(folder / "keys", institutions, passphrase)
    card = card_of(sp, keys, bic)
    write_toml(folder / CARD_FILE, card)
    return card


def card_of(sp: str, keys: NodeKeys, bic: str | None) -> Card:
    """The public part of `keys`."""
    return Card(
        member=Member(sp=sp, signing_key=signing_text(keys.signing.public_key()), bic=bic),
        delegations={
            lei: Delegation(
                sp=sp,
                encryption_key=own.encryption.public_text,
                signing_key=signing_text(own.signing.public_key()),
            )
            for lei, own in keys.institutions.items()
        },
    )


def load_card(path: Path) -> Card:
    """The card in `path`. Raises SetupError."""
    try:
        return Card.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SetupError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        raise SetupError(f"{path} is not a member's card: {_first(error)}") from error


def assemble(plan: Mapping[str, Any], cards: Iterable[Card]) -> Network:
    """The network of a plan (a network without members' and institutions' keys) and the founders' cards.

    Raises SetupError where the two do not fit.
    """
    cards = sorted(cards, key=lambda card: card.member.sp)
    _check_cards(plan, cards)
    institutions = [
        {**institution, "delegations": _delegations(institution.get("lei"), cards)}
        for institution in plan.get("institutions", ())
    ]
    members = [card.member.model_dump(exclude_none=True) for card in cards]
    try:
        network = Network.model_validate({**plan, "members": members, "institutions": institutions})
    except ValidationError as error:
        raise SetupError(f"plan and cards do not fit: {_first(error)}") from error
    if fault := next(network_faults(network), None):
        raise SetupError(f"plan and cards do not fit: {fault}")
    return network


def _check_cards(plan: Mapping[str, Any], cards: Sequence[Card]) -> None:
    names = [card.member.sp for card in cards]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SetupError(f"two cards of {', '.join(twice)}: give one of each member")
    planned = {institution.get("lei") for institution in plan.get("institutions", ())}
    for card in cards:
        if strange := sorted(set(card.delegations) - planned):
            raise SetupError(
                f"the card of {card.member.sp} has a delegation of {strange[0]}: the plan lacks it"
            )


def _delegations(lei: object, cards: Sequence[Card]) -> list[dict[str, Any]]:
    delegations = [
        card.delegations[lei] for card in cards if isinstance(lei, str) and lei in card.delegations
    ]
    if not delegations:
        raise SetupError(f"no member's card has a delegation of {lei}: add it, or take it out of the plan")
    return [delegation.model_dump(exclude_none=True) for delegation in delegations]


def _first(error: ValidationError) -> str:
    """The first fault, with its place."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def write_node(folder: Path, network: Network, settings: NodeSettings, cluster_secret: str) -> None:
    """Write a node's settings, its clients' and the network file into `folder`, beside its keys."""
    write_toml(folder / NETWORK_FILE, network)
    written = load_network(folder / NETWORK_FILE)
    if written.id != network.id:
        raise NetworkError(f"{folder / NETWORK_FILE} does not read back as it was written")
    tree = settings.model_dump(mode="json", exclude_none=True, exclude={"clients"})
    write_tree(folder / NODE_FILE, tree)
    write_private(folder / "keys" / "cluster.secret", cluster_secret.encode())
    clients = folder / "clients"
    clients.mkdir(mode=0o700, exist_ok=True)
    for client in settings.clients:
        write_client(clients, client)


def write_client(folder: Path, client: ClientSettings) -> None:
    """Write one client's file."""
    write_tree(folder / f"{client.name}.toml", client.model_dump(mode="json", exclude_none=True))


def write_toml(path: Path, value: Canonical) -> None:
    """Write a canonical object as TOML."""
    write_tree(path, value.model_dump(mode="json", exclude_none=True))


def write_tree(path: Path, tree: Mapping[str, Any]) -> None:
    """Write TOML whole or not at all; readable by its owner alone."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.touch(mode=0o600)
    temporary.write_bytes(tomli_w.dumps(tree).encode())
    temporary.replace(path)
