"""The messages that were accepted: by their references, and by the halves that they speak of."""

from canonical.base import Canonical
from canonical.contracts.matching.v1.records import REFERENCE_BEGIN, Half, relationship
from canonical.contracts.state import View, Working
from canonical.message import Kind, Role
from canonical.result import Source


class MessageRecord(Canonical):
    """A message that was accepted. digest: of its canonical bytes. live: neither replaced nor cancelled.

    half: the half that it speaks of, its author's own for a statement, the other side's for a word.
    asks: it asks for a change of an agreed trade, and waits for the other side's word.
    """

    digest: str
    source: Source
    half: str
    live: bool = True
    asks: bool = False


class Messages(Canonical):
    """The messages that one side has given the same reference, one of a kind, in the order of entries."""

    messages: tuple[MessageRecord, ...] = ()

    def of(self, kind: Kind) -> MessageRecord | None:
        """The one of this kind."""
        return next((record for record in self.messages if record.source.kind is kind), None)


class Mentions(Canonical):
    """The keys of the messages that have spoken of a half that is no more."""

    keys: tuple[str, ...] = ()


def messages_key(between: str, role: Role, reference: str) -> str:
    """Where the messages of one side with this reference lie."""
    return f"{REFERENCE_BEGIN}{between}/{reference}/{role}"


def mentions_key(half: str) -> str:
    """Where the keys lie of the messages that have spoken of a half that is no more."""
    return f"half/{half}/mentions"


def message_of(view: View, between: str, role: Role, kind: Kind, reference: str) -> MessageRecord | None:
    """What is known of a message of one side; None where it was never accepted."""
    found = view(messages_key(between, role, reference))
    return found.of(kind) if isinstance(found, Messages) else None


def known(working: Working, between: str, role: Role, kind: Kind, reference: str) -> MessageRecord | None:
    """As message_of, while an entry is applied."""
    found = working.get(messages_key(between, role, reference), Messages)
    return found.of(kind) if found is not None else None


def in_force(working: Working, between: str, role: Role, kind: Kind, reference: str) -> MessageRecord | None:
    """The message in force with this reference; None where there is none."""
    record = known(working, between, role, kind, reference)
    return record if record is not None and record.live else None


def keep(working: Working, between: str, record: MessageRecord) -> None:
    """Keep what is known of a message, in the place of what was known of it."""
    source = record.source
    key = messages_key(between, source.author, source.reference)
    before = working.get(key, Messages)
    others = before.messages if before is not None else ()
    if any(other.source.kind is source.kind for other in others):
        kept = tuple(record if other.source.kind is source.kind else other for other in others)
    else:
        kept = (*others, record)
    working.put(key, Messages(messages=kept))


def end(working: Working, between: str, source: Source) -> None:
    """A message that was accepted is in force no more, and asks for nothing."""
    record = known(working, between, source.author, source.kind, source.reference)
    assert record is not None, f"{source.reference} was accepted"
    keep(working, between, record.model_copy(update={"live": False, "asks": False}))


def mention_of(source: Source) -> str:
    """Where a message has spoken of a half, as that keeps it."""
    return f"{source.author}/{source.reference}"


def mentions_with(half: Half, source: Source) -> tuple[str, ...]:
    """Where a half was spoken of, once this message has done so too."""
    place = mention_of(source)
    return half.mentions if place in half.mentions else (*half.mentions, place)


def mentioned(half: Half) -> tuple[str, ...]:
    """The keys of the messages that have spoken of a half."""
    between = relationship(half.broker, half.investor)
    parts = (place.partition("/") for place in half.mentions)
    return tuple(messages_key(between, Role(role), reference) for role, _, reference in parts)


def outlive(working: Working, half: str, keys: tuple[str, ...]) -> None:
    """Keep apart what has spoken of a half that goes, or is no more."""
    before = working.get(mentions_key(half), Mentions) or Mentions()
    working.put(mentions_key(half), Mentions(keys=tuple(dict.fromkeys((*before.keys, *keys)))))
