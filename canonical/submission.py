"""What one institution says at once: the unit that is sealed, ordered and accepted or refused whole.

A FIX allocation report with accounts says two things, an execution notice and a confirmation. Both come
from one raw message, so both hold or neither: they travel as one submission.
"""

from typing import Annotated, NamedTuple

from pydantic import Field, TypeAdapter

from canonical.base import Canonical
from canonical.encoding import canonical_bytes, digest_of_bytes
from canonical.identifiers import Lei
from canonical.message import Message

MESSAGES_MAX = 4


class Submission(Canonical):
    """sender: the LEI of the institution that speaks. source: SHA-256 of the raw bytes, for evidence."""

    sender: Lei
    source: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    messages: Annotated[tuple[Message, ...], Field(min_length=1, max_length=MESSAGES_MAX)]


SUBMISSION: TypeAdapter[Submission] = TypeAdapter(Submission)


class ReadSubmission(NamedTuple):
    """A submission as it was read. digests: of its messages, in order (canonical.encoding.digest)."""

    submission: Submission
    digests: tuple[str, ...]


def read_submission(raw: bytes) -> ReadSubmission:
    """Read `raw` back, as `from_canonical_bytes` does, and digest its messages from the same bytes.

    Raises ValueError (pydantic's ValidationError is one) where that is not the one byte form of what it says.
    """
    submission = SUBMISSION.validate_json(raw, strict=True)
    messages = [canonical_bytes(message) for message in submission.messages]
    rest = canonical_bytes(submission, "messages")
    if b'{"messages":[%b],%b' % (b",".join(messages), rest[1:]) != raw:
        raise ValueError("not in canonical byte form")
    return ReadSubmission(submission, tuple(map(digest_of_bytes, messages)))
