"""What members and institutions have proposed and decided, as a node's store has it.

decisions_of(view) -> Decisions        proposal_of(register, prefix) -> Proposal
"""

from node.act import Agreement
from node.act_records import stored_register
from node.act_submission import SubmissionError
from node.act_words import deadlines_in_words, in_words, short_contract
from node.contract_history import Chosen
from node.inspection import Shown, View
from node.proposals import Proposal, State
from node.register import Register

PREFIX_DIGITS_MIN = 4


class WordShown(Shown):
    """Who has said it, and where: a member, or an institution by its LEI."""

    by: str
    position: int


class DecisionShown(Shown):
    """Something that several must say. kind: of its act. act: in words. needed: of the words.

    ended: where it was decided, withdrawn or left pointless. effective_from: the first position it holds for.
    document: the id of what two sides agree on, which they alone can read.
    """

    id: str
    kind: str
    act: str
    said: tuple[WordShown, ...]
    needed: int
    state: State
    ended: int | None
    effective_from: int | None
    document: str | None = None


class ChoiceShown(Shown):
    """Which contract judges entries from a position on; None: nothing is decided from there on."""

    since: int
    contract: str | None


class Decisions(Shown):
    """All of them, in the order in which they were first proposed, and what they have led to.

    contracts: by position, also those to come. installed: what each member says it has. quorums: how many
    members must vote for what is of a kind, in words. deadlines: of the network, in words.
    """

    decisions: tuple[DecisionShown, ...]
    contracts: tuple[ChoiceShown, ...]
    installed: dict[str, tuple[str, ...]]
    quorums: dict[str, str]
    deadlines: tuple[str, ...]


def decisions_of(view: View) -> Decisions:
    """What has been proposed and decided, as this node knows it."""
    register = stored_register(view.connection, view.network)
    members = len(register.now.members)
    return Decisions(
        decisions=tuple(_shown(one, register) for one in register.proposals.all),
        contracts=tuple(ChoiceShown(since=c.since, contract=c.contract) for c in register.contracts.all),
        installed=dict(sorted(register.installed.items())),
        quorums={
            kind: f"{quorum}: {quorum.needed(members)} of {members}"
            for kind, quorum in sorted(register.quorums.items())
        },
        deadlines=tuple(map(deadlines_in_words, register.now.deadlines)),
    )


def proposal_of(register: Register, prefix: str, *, pending: bool = False) -> Proposal:
    """The last proposal whose id begins so. pending: that is not decided yet. Raises SubmissionError."""
    if len(prefix) < PREFIX_DIGITS_MIN:
        raise SubmissionError(
            f"give at least {PREFIX_DIGITS_MIN} digits of the id that `yakujo decisions` shows"
        )
    among = register.proposals.open if pending else register.proposals.all
    found = {one.id: one for one in among if one.id.startswith(prefix.lower())}
    if len(found) > 1:
        raise SubmissionError(f"{prefix} begins the ids of {len(found)} proposals: give more digits")
    for one in found.values():
        return one
    raise SubmissionError(f"no {'pending ' if pending else ''}proposal has an id that begins with {prefix}")


def in_force(chosen: Chosen) -> str:
    """A choice of contract, for people."""
    return short_contract(chosen.contract) if chosen.contract is not None else "none: stopped"


def _shown(one: Proposal, register: Register) -> DecisionShown:
    return DecisionShown(
        id=one.id,
        kind=str(type(one.act).model_fields["act"].default),
        act=in_words(one.act),
        said=tuple(WordShown(by=by, position=at) for by, at in sorted(one.said.items(), key=lambda s: s[1])),
        needed=register.needed_for(one.act) if one.state is State.PENDING else one.needed,
        state=one.state,
        ended=one.ended,
        effective_from=one.since,
        document=one.act.document if isinstance(one.act, Agreement) else None,
    )
