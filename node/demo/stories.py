"""What happens to a block: each story says what both sides send, and what each must hear for it."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from typing import Final

from canonical.message import part_reference
from node.demo import fix_messages, words
from node.demo.book import Book
from node.demo.faults import CsvFault, FixFault, IsoFault
from node.demo.figures import (
    Differences,
    Figures,
    differences,
    with_price,
    with_quantity,
    with_share,
)
from node.demo.market import MANAGER_A, MANAGER_C, Firm
from node.demo.scenario import UNKNOWN, Block, Expected
from node.demo.words import Message, Way

MISMATCHES: Final[dict[str, Callable[[Figures], Figures]]] = {
    "quantity": lambda figures: with_quantity(figures, 100),
    "price": lambda figures: with_price(figures, Decimal("0.1")),
    "commission": lambda figures: with_share(figures, commission=1),
    "consumption tax": lambda figures: with_share(figures, tax=1),
    "net, by a fee": lambda figures: with_share(figures, fee=500),
}
NOT_AFFIRMED: Final = "not our trade"
DONE_ONCE: Final = "received before and done once"
OTHER_CONTENT: Final = "used for other content"


class Teller:
    """Tells the stories of one manager's blocks. way: how the broker speaks this time."""

    def __init__(self, book: Book, block: Block, manager: Firm, way: Way) -> None:
        self._book = book
        self._block = block
        self._manager = manager
        self._way = way
        # Two of three trades have an order number that both sides know; the others pair by their economics.
        order = self._reference("N") if block.number % 3 else ""
        self._figures = book.figures(manager, order=order)

    def matched(self) -> None:
        """Both sides say the same."""
        self._broker(self._figures, "matched")
        self._investor(self._figures, "matched")

    def calculated(self) -> None:
        """Asset manager C computes nothing: it splits the block and takes over what the agreed rules give."""
        self._broker(self._figures, "matched")
        split = words.investors(self._reference("I"), self._manager, self._figures, own_figures=False)
        said = replace(split, content=fix_messages.calculated(split.content))
        self._say(said, Expected(said.client, said.reference, final="matched"))
        self._block.figures.append(self._figures)

    def affirmed(self) -> None:
        """Asset manager C splits the block and affirms the broker's figures."""
        self._affirmed(refused="")

    def not_affirmed(self) -> None:
        """Asset manager C does not affirm the figures of one fund."""
        self._affirmed(refused=self._figures.shares[-1].fund.code)

    def mismatched(self, detail: str) -> None:
        """The asset manager computes one thing otherwise."""
        if detail == "quantity":  # by its economics alone nobody could say that it is the same trade
            self._figures = replace(self._figures, order=self._reference("N"))
        theirs = MISMATCHES[detail](self._figures)
        found = self._differences(theirs)
        self._broker(self._figures, "mismatched", found)
        self._investor(theirs, "mismatched", found)

    def repeated(self, *, by_broker: bool) -> None:
        """One side sends a message a second time; it counts once."""
        messages = self._broker(self._figures, "matched")
        said = self._investor(self._figures, "matched")
        answered = [message for message in messages if message.is_answered]
        again = self._book.random.choice(answered) if by_broker else said
        if isinstance(again.content, dict):  # FIX has a mark for it: PossResend
            again = replace(again, content=again.content | {"97": "Y"})
        self._block.sendings.append(again.sending(times=2))
        self._expect_refusal(again, DONE_ONCE)

    def reused(self, *, by_broker: bool) -> None:
        """One side gives a second message a reference that it used before; the second is refused."""
        messages = self._broker(self._figures, "matched")
        said = self._investor(self._figures, "matched")
        other = with_share(self._figures, commission=3)
        if by_broker:
            again = self._broker_messages(other)[-1]
            assert again.reference == messages[-1].reference
        else:
            again = words.investors(said.reference, self._manager, other)
        self._block.sendings.append(again.sending(times=2))
        self._expect_refusal(again, OTHER_CONTENT)

    def cancelled(self, *, by_broker: bool) -> None:
        """One side speaks and takes it back before the other side says anything."""
        if by_broker:
            self._way = Way.REPORT
            [said] = self._broker(self._figures, "")
        else:
            said = self._investor(self._figures, "")
        back = words.cancelling(said, f"{said.reference}X")
        self._say(back, Expected(back.client, back.reference, final="cancelled"))

    def replaced(self, *, by_broker: bool) -> None:
        """One side speaks with a wrong figure and replaces it by the right one."""
        wrong = with_share(self._figures, commission=7)
        if by_broker:
            self._way = Way.REPORT
            [said] = self._broker(wrong, "", passing=True)
            self._investor(self._figures, "matched", passing=True)
            right = words.brokers(Way.REPORT, f"{said.reference}R", self._manager, self._figures)[0]
        else:
            self._broker(self._figures, "matched", passing=True)
            said = self._investor(wrong, "", passing=True)
            right = words.investors(f"{said.reference}R", self._manager, self._figures)
        right = words.replacing(right, said.reference)
        self._say(right, Expected(right.client, right.reference, final="matched", passing=True))

    def refused_fix(self, fault: FixFault, *, by_broker: bool, mended: bool) -> None:
        """A FIX message with a fault; when mended, it is sent again under the same reference and matches."""
        self._way = Way.REPORT
        sound = (
            self._broker_messages(self._figures)[0] if by_broker else self._investor_message(self._figures)
        )
        fields = deepcopy(sound.content)
        fault.change(fields)
        self._block.sendings.append(replace(sound, content=fields).sending(times=2))
        self._refused(sound, fault.names, mended=mended)

    def refused_csv(self, fault: CsvFault, *, mended: bool) -> None:
        """Rows with a fault."""
        sound = self._investor_message(self._figures)
        rows = deepcopy(sound.content)
        fault.change(rows)
        self._block.sendings.append(replace(sound, content=rows).sending(times=2))
        self._refused(sound, fault.names, mended=mended)

    def refused_iso(self, fault: IsoFault, *, mended: bool) -> None:
        """A file with a fault; where a part of a block is refused alone, the block waits for it."""
        sound = self._investor_message(self._figures)
        sending = sound.sending(times=2)
        self._block.sendings.append(replace(sending, raw=fault.change(sending.raw)))
        if not fault.is_parts:
            self._refused(sound, fault.names, mended=mended)
            return
        part = f"{sound.reference}-{len(self._figures.shares)}"
        self._block.expected.append(Expected(sound.client, part, 0, (fault.names,)))
        if mended:
            last = replace(sound, content=sound.content[-1:])
            self._broker(self._figures, "matched")
            self._block.sendings.append(last.sending(times=3))
            self._block.expected.append(Expected(sound.client, sound.reference, final="matched"))

    def unreadable(self, raw: bytes, names: tuple[str, ...]) -> None:
        """A file of which nothing can be read."""
        suffix = "csv" if self._manager is MANAGER_A else "xml"
        name = f"{self._reference('I')}.{suffix}"
        client = self._manager.client
        self._block.sendings.append(
            replace(self._investor_message(self._figures).sending(), name=name, raw=raw)
        )
        self._block.expected.append(Expected(client, UNKNOWN, 0, (names,)))

    def _affirmed(self, refused: str) -> None:
        found: Differences = {(refused, "affirmation"): ("none", NOT_AFFIRMED)} if refused else {}
        final = "mismatched" if refused else "matched"
        messages = self._broker(self._figures, final, found)
        said = words.investors(self._reference("I"), self._manager, self._figures, own_figures=False)
        self._say(said, Expected(said.client, said.reference, final=final, differences=found))
        accounts = [share.fund.code for share in self._figures.shares]
        names = [message.reference for message in messages if message.account]
        if not names:  # the copies of a report of all funds, one per fund
            whole, of = messages[0].reference, len(accounts)
            names = [part_reference(whole, number, of) for number in range(1, of + 1)]
        self._block.affirms |= {n: account != refused for n, account in zip(names, accounts, strict=True)}

    def _broker(
        self, figures: Figures, final: str, found: Differences | None = None, *, passing: bool = False
    ) -> list[Message]:
        """Have the broker say it; the messages."""
        messages = self._broker_messages(figures)
        for message in messages:
            concerned = message.concerns(found or {})
            # A confirmation of one fund is done when that fund is, whatever becomes of the others.
            own = "matched" if final and message.account and not concerned else final
            self._say(message, Expected(message.client, message.reference, 1, (), own, concerned, passing))
        self._block.figures.append(figures)
        return messages

    def _investor(
        self, figures: Figures, final: str, found: Differences | None = None, *, passing: bool = False
    ) -> Message:
        """Have the asset manager say it; the message."""
        message = self._investor_message(figures)
        self._say(message, Expected(message.client, message.reference, 1, (), final, found or {}, passing))
        self._block.figures.append(figures)
        return message

    def _say(self, message: Message, expected: Expected) -> None:
        self._block.sendings.append(message.sending())
        if message.is_answered:
            self._block.expected.append(expected)

    def _refused(self, message: Message, names: tuple[str, ...], *, mended: bool) -> None:
        """What the refusal of `message` names; when mended, both sides then say the same."""
        if not mended:
            self._block.expected.append(Expected(message.client, message.reference, 0, (names,)))
            return
        self._broker(self._figures, "matched")
        self._investor(self._figures, "matched")
        self._expect_refusal(message, *names)

    def _expect_refusal(self, message: Message, *names: str) -> None:
        """One refusal more for what is expected of `message`."""
        for at, expected in enumerate(self._block.expected):
            if (expected.client, expected.reference) == (message.client, message.reference):
                refusals = (*expected.refusals, names)
                self._block.expected[at] = replace(expected, refusals=refusals)

    def _differences(self, theirs: Figures) -> Differences:
        """What the two sides' figures differ in, as far as both formats say it."""
        fund_gross = self._way is not Way.REPORT and self._manager is not MANAGER_C
        block_gross = self._manager is not MANAGER_A
        return differences(self._figures, theirs, block_gross=block_gross, fund_gross=fund_gross)

    def _broker_messages(self, figures: Figures) -> list[Message]:
        return words.brokers(self._way, self._reference("B"), self._manager, figures)

    def _investor_message(self, figures: Figures) -> Message:
        return words.investors(self._reference("I"), self._manager, figures)

    def _reference(self, kind: str) -> str:
        """A reference of this block: "B" the broker's, "I" the investor's, "N" the order's number."""
        return f"X{self._manager.letter}-{kind}{self._block.number:05}"
