"""The canonical layout: one class per kind of message, joined in a discriminated union.

Who says what and when stands in the sequence table of docs/sequence.md. `author` names the role that may
say it; None where either may.
"""

from datetime import date, time
from typing import Annotated, ClassVar, Literal, LiteralString

from pydantic import Field, TypeAdapter, model_validator

from canonical.amounts import Money, plain
from canonical.base import Canonical, Term
from canonical.identifiers import FundAccount, Links, Party, Reference, Remarks
from canonical.problems import Rule, violation
from canonical.trade import (
    FUNDS_MAX,
    Allocations,
    BlockFigures,
    Funds,
    Terms,
    assert_adds_up,
    assert_distinct,
)


class Role(Term):
    """The two sides of a relationship."""

    BROKER = "broker"
    INVESTOR = "investor"


class Kind(Term):
    """What a message says."""

    EXECUTION_NOTICE = "execution_notice"
    BLOCK_RESPONSE = "block_response"
    ALLOCATION_INSTRUCTION = "allocation_instruction"
    ALLOCATION_RESPONSE = "allocation_response"
    CONFIRMATION = "confirmation"
    INVESTOR_CALCULATION = "investor_calculation"
    AFFIRMATION = "affirmation"
    CANCELLATION = "cancellation"
    CHANGE_RESPONSE = "change_response"
    CALCULATION_REQUEST = "calculation_request"
    REMINDER = "reminder"


class Said(Canonical):
    """What every message carries.

    reference: the author's own, unique per author and kind for ever.
    replaces: the reference of the author's earlier message that this one takes the place of; whatever else
    the same raw message had said goes with it.
    links: what both sides can join their messages by.
    """

    author: ClassVar[Role | None] = None

    reference: Reference
    broker: Party
    investor: Party
    replaces: Reference | None = None
    links: Links = ()
    remarks: Remarks | None = None


class ExecutionNotice(Said):
    """Step 1: the block is done."""

    author = Role.BROKER
    kind: Literal[Kind.EXECUTION_NOTICE] = Kind.EXECUTION_NOTICE
    terms: Terms
    block: BlockFigures


class BlockResponse(Said):
    """Step 2: the investor agrees to the block or refuses it."""

    author = Role.INVESTOR
    kind: Literal[Kind.BLOCK_RESPONSE] = Kind.BLOCK_RESPONSE
    answers: Reference
    agreed: bool


class AllocationInstruction(Said):
    """Step 3: the block split by fund."""

    author = Role.INVESTOR
    kind: Literal[Kind.ALLOCATION_INSTRUCTION] = Kind.ALLOCATION_INSTRUCTION
    terms: Terms
    block: BlockFigures
    allocations: Allocations

    @model_validator(mode="after")
    def _whole(self) -> "AllocationInstruction":
        assert_distinct(self.allocations)
        assert_adds_up(self.block, self.allocations)
        return self


class AllocationResponse(Said):
    """Step 4: the broker takes the split or refuses it, whole or for some funds."""

    author = Role.BROKER
    kind: Literal[Kind.ALLOCATION_RESPONSE] = Kind.ALLOCATION_RESPONSE
    answers: Reference
    agreed: bool
    refused_accounts: Annotated[tuple[FundAccount, ...], Field(max_length=FUNDS_MAX)] = ()

    @model_validator(mode="after")
    def _refuses_or_agrees(self) -> "AllocationResponse":
        if self.agreed and self.refused_accounts:
            raise violation(Rule.NOT_ALLOWED, "agrees and refuses funds at once: say one of the two")
        return self


class _Figures(Said):
    """Money per fund. block: None where single funds are confirmed (FIX AK); else funds add up to it."""

    terms: Terms
    block: BlockFigures | None = None
    funds: Funds

    @model_validator(mode="after")
    def _whole(self) -> "_Figures":
        assert_distinct(self.funds)
        if self.block is not None:
            assert_adds_up(self.block, self.funds)
        for fund in self.funds:
            expected = fund.net_of(self.terms.side)
            if expected is not None and fund.net.amount != expected:
                raise violation(
                    Rule.SUM,
                    "net of {code} is {net}, gross, commission, taxes and fees give {expected}: correct one",
                    code=fund.account.code,
                    net=plain(fund.net.amount),
                    expected=plain(expected),
                )
        return self


class Confirmation(_Figures):
    """Step 5: the broker's figures per fund."""

    author = Role.BROKER
    kind: Literal[Kind.CONFIRMATION] = Kind.CONFIRMATION


class InvestorCalculation(_Figures):
    """Step 6: the same figures as the investor computes them."""

    author = Role.INVESTOR
    kind: Literal[Kind.INVESTOR_CALCULATION] = Kind.INVESTOR_CALCULATION


class Affirmation(Said):
    """Step 7: the investor takes the broker's figures, or not, with the reason in the remarks.

    answers: the reference of the confirmation. account: the one fund meant; None for all of them.
    """

    author = Role.INVESTOR
    kind: Literal[Kind.AFFIRMATION] = Kind.AFFIRMATION
    answers: Reference
    account: FundAccount | None = None
    affirmed: bool


class Cancellation(Said):
    """Step 8: takes back the author's message with the reference `cancels`, in every kind that carries it."""

    kind: Literal[Kind.CANCELLATION] = Kind.CANCELLATION
    cancels: Reference


class ChangeResponse(Said):
    """Step 9: takes or refuses what the other side has asked for after match agreed.

    answers: the reference of the other side's cancellation or replacement. Who takes a replacement that has
    all figures says the same from then on.
    """

    kind: Literal[Kind.CHANGE_RESPONSE] = Kind.CHANGE_RESPONSE
    answers: Reference
    agreed: bool


class CalculationRequest(Said):
    """Step 10: asks what the agreed rules make of a trade, or takes that as the author's own figures.

    about: the reference of a message about the trade, the author's own or the other side's. net: of all funds
    together, as its author has seen it: a calculation that comes to another by now is not taken over.
    """

    kind: Literal[Kind.CALCULATION_REQUEST] = Kind.CALCULATION_REQUEST
    about: Reference
    adopts: bool = False
    net: Money | None = None

    @model_validator(mode="after")
    def _seen_before_adopted(self) -> "CalculationRequest":
        if self.net is not None and not self.adopts:
            text: LiteralString = (
                "a net amount is given where the calculation is taken over: else leave it out"
            )
            raise violation(Rule.NOT_ALLOWED, text)
        return self


class Reminder(Said):
    """Step 11: a deadline has passed: what is open is to be told again. A side's node says it, no client.

    trade_date, deadline: which, by the network's clock. after: where the reminder before it ended, empty at
    first: one goes only through so many trades.
    """

    kind: Literal[Kind.REMINDER] = Kind.REMINDER
    trade_date: date
    deadline: time
    after: Annotated[str, Field(pattern=r"^([0-7]{16}[0-9a-f]{16})?$")] = ""


NODE_KINDS = (Kind.REMINDER,)
"""What nodes say for institutions: no format has it, and no client hears whether it was in order."""


def part_reference(reference: str, number: int, of: int) -> str:
    """What part `number`, from 1, of a message is called where a format has a message per fund (FIX 664)."""
    return reference if of == 1 else f"{reference}/{number}"


def whole_reference(reference: str) -> tuple[str, int | None]:
    """The message and the part, from 1, that a part's reference names; None where it names the whole."""
    whole, _, number = reference.rpartition("/")
    return (whole, int(number)) if whole and number.isdecimal() else (reference, None)


Message = Annotated[
    ExecutionNotice
    | BlockResponse
    | AllocationInstruction
    | AllocationResponse
    | Confirmation
    | InvestorCalculation
    | Affirmation
    | Cancellation
    | ChangeResponse
    | CalculationRequest
    | Reminder,
    Field(discriminator="kind"),
]

MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)

CLASSES: dict[Kind, type[Said]] = {
    Kind.EXECUTION_NOTICE: ExecutionNotice,
    Kind.BLOCK_RESPONSE: BlockResponse,
    Kind.ALLOCATION_INSTRUCTION: AllocationInstruction,
    Kind.ALLOCATION_RESPONSE: AllocationResponse,
    Kind.CONFIRMATION: Confirmation,
    Kind.INVESTOR_CALCULATION: InvestorCalculation,
    Kind.AFFIRMATION: Affirmation,
    Kind.CANCELLATION: Cancellation,
    Kind.CHANGE_RESPONSE: ChangeResponse,
    Kind.CALCULATION_REQUEST: CalculationRequest,
    Kind.REMINDER: Reminder,
}
