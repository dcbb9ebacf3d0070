"""Whether the ledger that a statement of a generation speaks of begins with a node's own archive, or is it.

check_begins_with(own, proposed, at_once=...)
"""

from node.archive_reading import Archive
from node.generation import Generation, GenerationError
from node.tree import PathInvalidError, consistent


class LongerArchiveError(GenerationError):
    """This node's archive has blocks that the statement leaves out."""

    def __init__(self, own: int, said: int) -> None:
        super().__init__(
            f"this node's archive goes on to sequence {own}, and the statement ends at {said}: blocks that "
            "were acknowledged would be left out. Propose from this node: `yakujo rebuild FOLDER --propose "
            "FILE`. Where the others have gone on without it already, `yakujo restore` gives it their ledger"
        )


class OtherLedgerError(GenerationError):
    """This node's archive is not what the statement says."""

    def __init__(self, own: Archive) -> None:
        super().__init__(
            f"this node's archive is another ledger than the statement's: at sequence {own.sequence} it has "
            f"{own.size} entries with the root {own.root}. Do not go on: find out with the other members "
            "whose archive is right, each with `yakujo scrub`"
        )


class NotComparedError(GenerationError):
    """This node's archive is shorter, and the file has no path from where it ends."""

    def __init__(self, own: Archive) -> None:
        super().__init__(
            f"this node's archive ends at {own.size} entries, and the file lacks what it takes to compare "
            f"that with the statement: ask for one that was made with `--for-size {own.size}`"
        )


def check_begins_with(own: Archive, proposed: Generation, *, at_once: bool) -> None:
    """Raise one of the errors above unless the ledger of the statement begins with `own`.

    at_once: also where a shorter archive cannot be compared yet; else that is left to the node's start, which
    compares every block (node.refilling).
    """
    said = proposed.statement
    if own.sequence > said.sequence:
        raise LongerArchiveError(own.sequence, said.sequence)
    if own.sequence == said.sequence:
        is_begin = (own.size, own.root, own.blocks) == (said.size, said.root, said.blocks)
        is_begin = is_begin and own.acts == proposed.acts
    else:
        is_begin = own.acts == proposed.acts[: len(own.acts)] and _is_prefix(own, proposed, at_once=at_once)
    if not is_begin:
        raise OtherLedgerError(own)


def _is_prefix(own: Archive, proposed: Generation, *, at_once: bool) -> bool:
    """Whether the tree of the statement begins with this archive's, as far as that can be told."""
    said = proposed.statement
    if own.size == 0 or own.size >= said.size:
        return own.size == 0 or (own.size, own.root) == (said.size, said.root)
    path = next((one.hashes for one in proposed.consistency if one.size == own.size), None)
    if path is None:
        if at_once:
            raise NotComparedError(own)
        return True
    hashes = [bytes.fromhex(one) for one in path]
    try:
        return consistent(own.size, said.size, bytes.fromhex(own.root), bytes.fromhex(said.root), hashes)
    except PathInvalidError:
        return False
