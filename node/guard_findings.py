"""What the guard reads out of a server's monitoring: pure functions on the objects that it answers with.

    copy_in(jsz, stream) -> Copy | None        what this server holds of the stream
    damage(copy) -> str | None                 why that cannot be right

Nothing here asks whether a follower is `current`: followers say no of each other for ever, also in health.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FIRST_SEQUENCE = 1  # of every stream: a later generation is filled with all blocks from the first

# What a server says where files of its store are not what it wrote.
_CORRUPT = re.compile(r"corrupt|checksum|bad magic|unexpected EOF", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Copy:
    """One server's copy of the stream.

    messages: how many it has. first, last: their sequences. deleted: how many are missing between. lost: how
    many it knows to have lost. leader: the name of the stream's leader as this server knows it, "" if none.
    """

    messages: int
    first: int
    last: int
    deleted: int = 0
    lost: int = 0
    leader: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)


def copy_in(jetstream: Mapping[str, Any], stream: str) -> Copy | None:
    """The copy in an answer of /jsz?accounts=true&streams=true&config=true; None where there is none."""
    for account in jetstream.get("account_details") or ():
        for detail in account.get("stream_detail") or ():
            if detail.get("name") == stream:
                return _copy(detail)
    return None


def _copy(detail: Mapping[str, Any]) -> Copy:
    state = detail.get("state") or {}
    lost = state.get("lost") or {}
    return Copy(
        messages=int(state.get("messages") or 0),
        first=int(state.get("first_seq") or 0),
        last=int(state.get("last_seq") or 0),
        deleted=int(state.get("num_deleted") or 0),
        lost=len(lost.get("msgs") or ()) or int(bool(lost)),
        leader=str((detail.get("cluster") or {}).get("leader") or ""),
        config=detail.get("config") or {},
    )


def damage(copy: Copy, first: int = FIRST_SEQUENCE) -> str | None:
    """Why a copy is damaged, whatever others hold; None where it holds all from `first` to its last.

    A copy that only ends too early is none: a server that was killed gets the rest from its peers.
    """
    if copy.lost:
        return f"the server has lost {copy.lost} blocks that it can name"
    missing = max(0, copy.last - first + 1) - copy.messages
    if copy.deleted or missing:
        return f"{max(copy.deleted, abs(missing))} of {copy.last} blocks are not there"
    if copy.messages and copy.first != first:
        return f"the first block has sequence {copy.first}, not {first}"
    return None


def is_off(jetstream: Mapping[str, Any]) -> bool:
    """Whether JetStream is not enabled, or has switched itself off, as for want of room."""
    return bool(jetstream.get("disabled"))


def illness(health: Mapping[str, Any]) -> str | None:
    """What the full health check finds wrong; None where all is well."""
    if health.get("status") == "ok":
        return None
    return str(health.get("error") or health.get("status") or "the health check says nothing")


def names_corruption(text: str) -> bool:
    """Whether a server's log line or health text speaks of damaged files."""
    return _CORRUPT.search(text) is not None
