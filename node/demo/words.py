"""A side's figures put into its own format's messages, with what each message's answers may tell of."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from node.demo import csv_messages, fix_messages, iso_messages
from node.demo.faults import with_bad_bytes
from node.demo.figures import BLOCK, Differences, Figures
from node.demo.market import BROKER, MANAGER_A, MANAGER_B, Firm
from node.demo.scenario import Sending


class Way(StrEnum):
    """In which messages the broker tells of a trade."""

    REPORT = "AS with accounts"
    EXECUTION = "8, then an AK per fund"
    CAPTURE = "AE, then an AK per fund"
    RECAP = "AS without accounts, then an AK per fund"


@dataclass(frozen=True, slots=True)
class Message:
    """One native message before it is bytes.

    native: its type. content: FIX fields, CSV rows, or an ISO 20022 file's messages. account: of the one fund
    that it is about. is_answered: whether the format has an answer to it.
    """

    client: str
    native: str
    reference: str
    content: Any
    account: str = ""
    is_answered: bool = True

    @property
    def shows_funds(self) -> bool:
        """Whether its answers tell of funds."""
        return self.native != Way.RECAP

    def concerns(self, found: Differences) -> Differences:
        """Those of a trade's differences that answers to this message tell."""
        if self.account:
            return {key: values for key, values in found.items() if key[0] == self.account}
        return {key: values for key, values in found.items() if key[0] == BLOCK or self.shows_funds}

    def sending(self, times: int = 1) -> Sending:
        """The message as it is sent for the `times`-th time."""
        name = self.reference if times == 1 else f"{self.reference}-{times}"
        if self.client == MANAGER_A.client:
            return Sending(self.client, f"{name}.csv", with_bad_bytes(csv_messages.written(self.content)))
        if self.client == MANAGER_B.client:
            return Sending(self.client, f"{name}.xml", iso_messages.written(self.content))
        native = fix_messages.REPORT if self.native == Way.RECAP else self.native
        raw = with_bad_bytes(fix_messages.encoded(native, self.content))
        return Sending(self.client, f"{native}-{name}", raw)


def brokers(way: Way, reference: str, manager: Firm, figures: Figures) -> list[Message]:
    """What the broker says, in the order in which it says it."""
    client = BROKER.client
    if way is Way.REPORT:
        report = fix_messages.report(reference, manager, figures)
        return [Message(client, fix_messages.REPORT, reference, report)]
    return [_notice(way, reference, manager, figures), *_confirmations(reference, manager, figures)]


def _notice(way: Way, reference: str, manager: Firm, figures: Figures) -> Message:
    client = BROKER.client
    if way is Way.RECAP:
        report = fix_messages.report(reference, manager, figures, accounts=False)
        return Message(client, Way.RECAP, reference, report)
    if way is Way.EXECUTION:
        fields = fix_messages.execution(reference, manager, figures)
        return Message(client, fix_messages.EXECUTION, reference, fields, is_answered=False)
    fields = fix_messages.capture(reference, manager, figures)
    return Message(client, fix_messages.CAPTURE, reference, fields, is_answered=False)


def _confirmations(reference: str, manager: Firm, figures: Figures) -> Iterator[Message]:
    for number, share in enumerate(figures.shares, start=1):
        own = f"{reference}-{number}"
        fields = fix_messages.confirmation(own, reference, manager, figures, share)
        yield Message(BROKER.client, fix_messages.CONFIRMATION, own, fields, share.fund.code)


def investors(reference: str, manager: Firm, figures: Figures, *, own_figures: bool = True) -> Message:
    """What the asset manager says."""
    if manager is MANAGER_A:
        remark = f"{reference} 消費税切捨て"
        rows = csv_messages.rows(reference, figures, remark=remark)
        return Message(manager.client, "csv", reference, rows)
    if manager is MANAGER_B:
        messages = iso_messages.messages(reference, figures, remark=f"{reference} 消費税切捨て")
        return Message(manager.client, "setr.027", reference, messages)
    fields = fix_messages.instruction(reference, manager, figures, own_figures=own_figures)
    return Message(manager.client, fix_messages.INSTRUCTION, reference, fields)


def replacing(message: Message, earlier: str) -> Message:
    """`message` as what takes the place of the same side's `earlier`."""
    if message.client == MANAGER_A.client:
        return replace(message, content=csv_messages.replacing(message.content, earlier))
    return replace(message, content=fix_messages.replaced(message.content, earlier))


def cancelling(message: Message, reference: str) -> Message:
    """What takes `message` back, with a reference of its own."""
    if message.client == MANAGER_A.client:
        content: Any = csv_messages.cancelling(message.content, reference)
    else:
        content = fix_messages.cancelling(message.content, reference)
    return replace(message, reference=reference, content=content)
