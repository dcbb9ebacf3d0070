"""A trace on the screen."""

import json
from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from canonical.amounts import Price, plain
from canonical.answer_text import unaffirmed_text
from canonical.difference_words import difference_text, explained
from canonical.message import (
    AllocationInstruction,
    CalculationRequest,
    Confirmation,
    ExecutionNotice,
    InvestorCalculation,
    Message,
)
from canonical.result import Rejection, Result
from canonical.submission import Submission
from canonical.trade import Allocation, BlockFigures, FundFigures, Terms
from node.commands.status import at
from node.commands.trades import trade_table
from node.contract_wait import ContractWait
from node.trace_parts import Arrived, Delivered, Said, Trace

INDENT = 9
FUNDS_MAX = 20
CONTRACT_CHARACTERS = 27  # its name and enough of the digest to tell versions apart


def print_trace(console: Console, found: Trace, *, in_full: bool) -> None:
    """Print all of it. in_full: the canonical form as it is, not in words."""
    if found.waits is not None:
        _print_wait(console, found.waits)
    if found.trades:
        console.print(trade_table(list(found.trades)))
    else:
        console.print(f"{found.asked} belongs to no trade")
    for number, said in enumerate(found.messages, start=1):
        console.print(Rule(f"{number}. {_title(said)}", align="left"))
        _print_message(console, said, in_full=in_full)
    if found.results:
        console.print(Rule("results", align="left"))
    for result in found.results:
        _print_result(console, result)
    shortened = any(not part.whole for part in _native(found))
    if shortened:
        console.print("Some texts are shortened: --save DIRECTORY writes them whole.", style="dim")


def _native(found: Trace) -> Iterator[Arrived | Delivered]:
    for said in found.messages:
        yield from said.arrivals
        yield from said.deliveries


def _title(said: Said) -> str:
    """Who said what, and what became of it."""
    if said.canonical is None:
        state = said.arrivals[0].state
        return f"{said.sender}: {said.fault or _FATES.get(state, 'not on the ledger')}"
    what = " and ".join(_kind_and_reference(message) for message in said.canonical.messages)
    return f"{said.sender}: {what}" + (" - refused" if isinstance(said.entry, Rejection) else "")


_FATES = {
    "held": "waits for its other parts",
    "stored": "waits to be read",
    "ordered": "on its way to the ledger, or there and not decided yet",
}


def _print_wait(console: Console, waits: ContractWait) -> None:
    told = f"{waits.text}; {waits.submissions} submissions wait to be decided"
    console.print(told, style="bold red", soft_wrap=True)
    if waits.contract is not None:
        console.print(f"needed: the release that has {waits.contract}", style="red", soft_wrap=True)


def _kind_and_reference(message: Message) -> str:
    return f"{message.kind.value.replace('_', ' ')} {message.reference}"


def _print_message(console: Console, said: Said, *, in_full: bool) -> None:
    for arrival in said.arrivals:
        _print_arrival(console, arrival)
    if not said.arrivals:
        console.print("arrived  at another service provider, which keeps the raw message")
    if said.canonical is not None:
        _print_canonical(console, said.canonical, in_full=in_full)
    if said.place is not None:
        place = said.place
        block = f"block {place.sequence}, number {place.seq} of {place.sp}, {at(place.time)}"
        console.print(f"ordered  at position {place.position} in {block}")
        for words in place.corrected:
            console.print(f"corrected  {words}", soft_wrap=True)
    if said.entry is not None:
        console.print(f"contract {said.entry.contract[:CONTRACT_CHARACTERS]}: {said.entry.kind}")
    for problem in said.entry.problems if isinstance(said.entry, Rejection) else ():
        was = f", was {problem.value!r}" if problem.value else ""
        console.print(f"         {problem.field}: {problem.text} ({problem.rule}{was})", style="red")
    for delivery in said.deliveries:
        _print_delivery(console, delivery)


def _print_arrival(console: Console, raw: Arrived) -> None:
    which = f"raw:{raw.id}, {raw.bytes} bytes, {raw.state}"
    console.print(f"arrived  {at(raw.received)} from {raw.client} as {which}")
    console.print(f"         SHA-256 {raw.digest}", style="dim")
    _print_native(console, raw.text)


def _print_canonical(console: Console, submission: Submission, *, in_full: bool) -> None:
    if in_full:
        tree = submission.model_dump(mode="json", exclude_none=True)
        console.print("said")
        console.print(Padding(Text(json.dumps(tree, indent=1, ensure_ascii=False)), (0, 0, 0, INDENT)))
        return
    for message in submission.messages:
        console.print(f"said     {_kind_and_reference(message)}")
        for line in in_words(message):
            console.print(" " * INDENT + line)


def in_words(message: Message) -> Iterator[str]:
    """The canonical form in lines, without what is the same in all of them."""
    if isinstance(message, ExecutionNotice | AllocationInstruction | Confirmation | InvestorCalculation):
        yield _terms_in_words(message.terms, message.block)
    for name in ("cancels", "replaces", "answers", "agreed", "affirmed", "about", "adopts", "remarks"):
        if (value := getattr(message, name, None)) is not None:
            yield f"{name}: {value}"
    if isinstance(message, CalculationRequest) and message.net is not None:
        yield f"net: {plain(message.net.amount)} {message.net.currency}"
    if message.links:
        yield "links: " + ", ".join(f"{link.kind.value} {link.value}" for link in message.links)
    parts = [*getattr(message, "allocations", ()), *getattr(message, "funds", ())]
    yield from (_part_in_words(part) for part in parts[:FUNDS_MAX])
    if len(parts) > FUNDS_MAX:
        yield f"… and {len(parts) - FUNDS_MAX} more"


def _terms_in_words(terms: Terms, block: BlockFigures | None) -> str:
    figures = f" {block.quantity:,} at {_price(block.price)}" if block is not None else ""
    security = " / ".join(filter(None, (terms.instrument.isin, terms.instrument.japan_code)))
    return f"{terms.side.value}{figures} of {security}, {terms.trade_date}, settles {terms.settlement_date}"


def _part_in_words(part: Allocation | FundFigures) -> str:
    at_price = f" at {_price(part.price)}" if part.price is not None else ""
    shown = f"{part.account.code}: {part.quantity:,}{at_price}"
    if isinstance(part, Allocation):
        return shown
    charges = [("commission", part.commission), ("consumption tax", part.consumption_tax)]
    charges += [(fee.kind.value.replace("_", " "), fee.charge) for fee in part.fees]
    listed = "".join(f", {name} {charge.amount:,}" for name, charge in charges)
    return f"{shown}{listed}, net {part.net.amount:,} {part.net.currency}"


def _price(price: Price) -> str:
    return f"{price.value} {price.currency}"


def _print_delivery(console: Console, delivery: Delivered) -> None:
    when = (
        f"delivered {at(delivery.delivered)}"
        if delivery.delivered
        else f"waiting since {at(delivery.queued)}"
    )
    style = "red" if delivery.kind == "refusal" else "green" if delivery.delivered else "yellow"
    console.print(f"told     {delivery.client}: {delivery.kind} {delivery.status}, {when}", style=style)
    console.print(f"         {delivery.id}", style="dim")
    _print_native(console, delivery.text)


def _print_native(console: Console, text: str) -> None:
    console.print(Padding(Text(text, style="cyan", overflow="fold"), (0, 0, 0, INDENT)))


def _print_result(console: Console, result: Result) -> None:
    console.print(
        f"position {result.position}: {result.status}, block {result.block.status}, "
        f"{result.funds_matched} of {result.funds_total} funds matched ({result.id})"
    )
    if result.block.differences:
        console.print(f"         block: {difference_text(result.block.differences)}", style="red")
    for fund in result.funds:
        if fund.differences:
            console.print(
                f"         fund {fund.account.code}: {difference_text(fund.differences)}", style="red"
            )
        if fund.unaffirmed:
            text = unaffirmed_text(explained(fund.unaffirmed, result.unaffirmed, fund.account.code))
            console.print(f"         fund {fund.account.code}: {text}", style="yellow")
    if result.candidates:
        console.print(f"         fits equally well: {', '.join(result.candidates)}", style="yellow")
