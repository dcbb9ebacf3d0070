"""What one institution says at once: the unit that is sealed, ordered and accepted or refused whole.

A FIX allocation report with accounts says two things, an execution notice and a confirmation. Both come
from one raw message, so both hold or neither: they travel as one submission.
"""

from typing import Annotated

from pydantic import Field, TypeAdapter

from canonical.base import Canonical
from canonical.identifiers import Lei
from canonical.message import Message

MESSAGES_MAX = 4


class Submission(Canonical):
    """sender: the LEI of the institution that speaks. source: SHA-256 of the raw bytes, for evidence."""

    sender: Lei
    source: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    messages: Annotated[tuple[Message, ...], Field(min_length=1, max_length=MESSAGES_MAX)]


SUBMISSION: TypeAdapter[Submission] = TypeAdapter(Submission)
