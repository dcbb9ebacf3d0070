"""Rules that the broker and the investor of the scene agree on: the document, and both sides' statements."""

from datetime import date
from typing import Any

from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey
from forging import say, stated
from founding import BROKER, INVESTOR, identity_of, keys_of, network
from scene import Node, Scene

from canonical.encoding import canonical_bytes
from canonical.rules import Rules
from node.act import AgreeRules
from node.document import About, Document, seal_document
from node.entry import ActEntry, DocumentEntry
from node.rules_document import RulesDocument

KEY = bytes(range(32))  # the same each time: equal rules have one id


def document(rules: Rules, since: date, **changes: Any) -> Document:
    """The document of a version of rules, the second if not said otherwise."""
    said = {"broker": BROKER, "investor": INVESTOR, "version": 2, **changes}
    text = canonical_bytes(RulesDocument(from_trade_date=since, rules=rules, **said))
    return Document(network().id, BROKER, INVESTOR, About.RULES, text, KEY)


def agreement(lei: str, named: Document, since: date, number: int = 1, version: int = 2) -> ActEntry:
    """A side's statement that the rules of a document hold."""
    said = AgreeRules(
        institution=lei,
        number=number,
        broker=BROKER,
        investor=INVESTOR,
        version=version,
        from_trade_date=since,
        document=named.id.hex(),
    )
    return stated(said, identity_of(lei))


def sealed(named: Document, *readers: tuple[str, str]) -> DocumentEntry:
    """A document for readers, SP and institution; for both sides' SPs of the founding if none are given."""
    return seal_document(named, [_key(*who) for who in readers or (("sp1", BROKER), ("sp2", INVESTOR))])


def _key(sp: str, lei: str) -> MLKEM768X25519PublicKey:
    return keys_of(sp, (lei,)).institutions[lei].encryption.public


async def agree(scene: Scene, node: Node, rules: Rules, since: date, *readers: tuple[str, str]) -> Document:
    """Have a node put the document for its readers, and then both statements, on the ledger."""
    named = document(rules, since)
    await say(scene, node, sealed(named, *readers))
    for lei in (BROKER, INVESTOR):
        await say(scene, node, agreement(lei, named, since))
    return named
