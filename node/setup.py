"""Makes what a node needs before its first start: keys, a network file, settings, folders.

    make_member       an SP's keys, and its card: the public part that the other founders need
    sign_card         an institution's signature on the delegation that a card asks of it
    assemble          the network file, from a plan and the founders' cards; then each founder signs it
    write_node        node.toml and the clients' files

A card and a network file hold public things alone; what is secret has mode 0600 and stays in the keys folder.
"""

import datetime
import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import tomli_w
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field, ValidationError

from canonical.base import Canonical
from canonical.identifiers import Bic, Lei
from node.block import SP_NAME
from node.founding import is_founding_signature, sign_delegation, sign_network, unsigned_delegations
from node.identity import Identity
from node.key_files import create_keys
from node.keys import NodeKeys, signing_text
from node.network import (
    Delegation,
    FoundingSignature,
    Member,
    Network,
    NetworkError,
    first_fault,
    load_network,
)
from node.network_faults import network_faults
from node.private_file import write_private
from node.settings import ClientSettings, NodeSettings

CARD_FILE = "member.toml"
NETWORK_FILE = "network.toml"
NODE_FILE = "node.toml"


class SetupError(Exception):
    """A node cannot be set up as asked; the message says what to change."""


class Card(Canonical):
    """What an SP tells the other founders: its own key, and those of its delegations by institution.

    identity_keys: of the institutions that have signed theirs.
    """

    member: Member
    delegations: Mapping[Lei, Delegation]
    identity_keys: Mapping[Lei, str] = Field(default_factory=dict)

    def asked_of(self, lei: str) -> Delegation:
        """The delegation that the SP asks an institution for. Raises SetupError."""
        asked = self.delegations.get(lei)
        if asked is None:
            raise SetupError(f"the card of {self.member.sp} asks for no delegation of {lei}")
        return asked

    def fingerprint_of(self, lei: str) -> str:
        """What people compare before an institution signs: of the delegation's keys, 32 hex digits."""
        asked = self.asked_of(lei)
        keys = f"yakujo delegation 1\n{asked.sp}\n{asked.encryption_key}\n{asked.signing_key}\n"
        return hashlib.sha256(keys.encode()).hexdigest()[:32]


def make_member(
    folder: Path, sp: str, institutions: Sequence[str], passphrase: bytes | None, bic: str | None = None
) -> Card:
    """Make the SP's keys in `folder`/keys and its card.

    Raises SetupError where a name cannot be one, KeyFileExistsError where there are some keys.
    """
    check_names(sp_name(sp), institutions, bic)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = create_keys(folder / "keys", institutions, passphrase)
    card = card_of(sp, keys, bic)
    write_toml(folder / CARD_FILE, card)
    return card


def sp_name(text: str) -> str:
    """An SP's name. Raises SetupError where it cannot be one."""
    if SP_NAME.fullmatch(text) is None:
        raise SetupError(f"{text!r} is no SP's name: a-z, 0-9 and -, at most 32 of them")
    return text


class _Names(Canonical):
    institutions: tuple[Lei, ...]
    bic: Bic | None = None


def check_names(sp: str, institutions: Sequence[str], bic: str | None = None) -> None:
    """Raise SetupError where the card of an SP could not name these, before keys are made for them."""
    try:
        _Names(institutions=tuple(institutions), bic=bic)
    except ValidationError as error:
        raise SetupError(f"the card of {sp}: {first_fault(error, _Names)}") from error


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
        raise SetupError(f"{path} is not a member's card: {first_fault(error, Card)}") from error


def sign_card(card: Card, network_name: str, identity: Identity, until: datetime.date | None = None) -> Card:
    """The card with an institution's signature on its delegation. Raises SetupError where there is none.

    until: the last business day that the delegation is for.
    """
    asked = card.asked_of(identity.lei).model_copy(update={"until": until})
    signature = sign_delegation(network_name, identity.lei, asked, identity.signing)
    signed = asked.model_copy(update={"signature": signature})
    return card.model_copy(
        update={
            "delegations": {**card.delegations, identity.lei: signed},
            "identity_keys": {**card.identity_keys, identity.lei: identity.public_text},
        }
    )


def found_alone(
    plan: Mapping[str, Any],
    cards: Iterable[Card],
    identities: Iterable[Identity],
    founders: Mapping[str, Ed25519PrivateKey],
) -> Network:
    """A network whose every key is in one hand, for trials and tests. founders: signing keys by SP."""
    signed = list(cards)
    for identity in identities:
        asked = [identity.lei in card.delegations for card in signed]
        signed = [
            sign_card(c, plan["name"], identity) if asks else c for c, asks in zip(signed, asked, strict=True)
        ]
    network = assemble(plan, signed)
    for sp in sorted(founders):
        network = with_signature(network, sp, sign_network(network, founders[sp]))
    return network


def with_signature(network: Network, sp: str, signature: str) -> Network:
    """The network with a founder's signature. Raises SetupError where it is not one of this network."""
    kept = {one.sp: one for one in network.signatures} | {sp: FoundingSignature(sp=sp, signature=signature)}
    signed = network.model_copy(update={"signatures": tuple(kept[name] for name in sorted(kept))})
    if not is_founding_signature(network, sp, signature):
        raise SetupError(f"the signature of {sp} is not for this network: compare the networks' ids")
    return signed


def assemble(plan: Mapping[str, Any], cards: Iterable[Card]) -> Network:
    """The network of a plan (a network without members' and institutions' keys) and the founders' cards.

    Raises SetupError where the two do not fit, or an institution has not signed.
    """
    cards = sorted(cards, key=lambda card: card.member.sp)
    _check_cards(plan, cards)
    institutions = [
        {**institution, **_delegated(institution.get("lei"), cards)}
        for institution in plan.get("institutions", ())
    ]
    members = [card.member.model_dump(exclude_none=True) for card in cards]
    try:
        network = Network.model_validate({**plan, "members": members, "institutions": institutions})
    except ValidationError as error:
        raise SetupError(f"plan and cards do not fit: {first_fault(error, Network)}") from error
    if fault := next(chain(network_faults(network), unsigned_delegations(network)), None):
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


def _delegated(lei: object, cards: Sequence[Card]) -> dict[str, Any]:
    """An institution's identity key and delegations, as the cards have them."""
    asking = [card for card in cards if isinstance(lei, str) and lei in card.delegations]
    if not asking:
        raise SetupError(f"no member's card has a delegation of {lei}: add it, or take it out of the plan")
    named = str(lei)
    keys = {card.identity_keys.get(named) for card in asking}
    if None in keys:
        raise SetupError(f"{named} has not signed every card that names it: see `yakujo delegate`")
    if len(keys) > 1:
        raise SetupError(f"the cards have different identity keys of {named}: have it sign them again")
    delegations = [card.delegations[named].model_dump(mode="json", exclude_none=True) for card in asking]
    return {"identity_key": keys.pop(), "delegations": delegations}


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
