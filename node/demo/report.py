"""What the demo has shown, as data."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from node.demo import csv_messages
from node.demo.answers import MISMATCHED, REFUSED, Heard
from node.demo.figures import BLOCK
from node.demo.ledger_view import head_of
from node.demo.market import BROKER, FIRMS, MANAGER_A, MANAGERS, Firm
from node.demo.scenario import Block
from node.demo.secrecy import foreign_words, found_in
from node.demo.stage import Demo
from node.demo.stories import DONE_ONCE, OTHER_CONTENT
from node.setup import NETWORK_FILE

FORMATS = {
    "broker": "FIX 4.4",
    "manager-a": "CSV, CP932",
    "manager-b": "ISO 20022",
    "manager-c": "FIX 4.4",
}


class Part(BaseModel):
    """Base of what a report is made of."""

    model_config = ConfigDict(frozen=True)


class StoryCount(Part):
    """Blocks with one story. as_expected: those of which every answer was as it had to be."""

    story: str
    blocks: int
    as_expected: int
    details: dict[str, int]


class FieldCount(Part):
    """A field that differed. times: in blocks and funds, as told. example: one, as a client was told."""

    field: str
    times: int
    example: str


class Refusal(Part):
    """A refusal as a client was told."""

    client: str
    format: str
    reference: str
    problems: tuple[str, ...]


class ClientCount(Part):
    """What a client was told, by status, and where its native answers lie. example: one, on one line."""

    client: str
    name: str
    format: str
    provider: str
    answers: dict[str, int]
    copies: int
    where: tuple[str, ...]
    example: str


class NodeHead(Part):
    """How far a node has applied the ledger; chain: a digest of all entries."""

    provider: str
    blocks: int
    entries: int
    chain: str


class Secrecy(Part):
    """The search for plaintext at a provider that is no party to some relationships.

    words: searched for. found: in this node's files. found_at_party: in those of one that may read them.
    """

    provider: str
    relationships: tuple[str, ...]
    words: int
    found: tuple[str, ...]
    party: str
    found_at_party: int


class Seconds(Part):
    """How long it took."""

    start: float
    play: float
    check: float


class Report(Part):
    """All of it. as_expected: nothing differs from what the scenario expects."""

    as_expected: bool
    blocks: int
    seed: int
    messages_sent: int
    answers: int
    duplicates_refused: int
    stories: tuple[StoryCount, ...]
    mismatched: tuple[FieldCount, ...]
    refused: tuple[Refusal, ...]
    clients: tuple[ClientCount, ...]
    heads: tuple[NodeHead, ...]
    secrecy: tuple[Secrecy, ...]
    deviations: tuple[str, ...]
    seconds: Seconds
    folder: str | None


def report_of(demo: Demo, seed: int, seconds: Seconds, kept: Path | None) -> Report:
    """The report of a demo that has settled and still runs."""
    deviations = demo.deviations()
    secrecy = tuple(_secrecy(demo))
    refused = tuple(_refusals(demo))
    return Report(
        as_expected=not deviations and all(not s.found and s.found_at_party for s in secrecy),
        blocks=len(demo.scenario.blocks),
        seed=seed,
        messages_sent=demo.sent,
        answers=demo.answers,
        duplicates_refused=sum(_is_repetition(refusal) for refusal in refused),
        stories=tuple(_stories(demo)),
        mismatched=tuple(_fields(demo)),
        refused=refused,
        clients=tuple(_client(demo, firm, kept) for firm in FIRMS),
        heads=tuple(_head(demo, sp) for sp in demo.providers),
        secrecy=secrecy,
        deviations=tuple(deviations),
        seconds=seconds,
        folder=str(kept) if kept is not None else None,
    )


def _stories(demo: Demo) -> Iterator[StoryCount]:
    wrong = demo.verdict.deviations().keys()
    by_story: dict[str, list[Block]] = {}
    for block in demo.scenario.blocks:
        by_story.setdefault(block.story, []).append(block)
    for story, blocks in sorted(by_story.items(), key=lambda item: -len(item[1])):
        good = [b for b in blocks if not any((e.client, e.reference) in wrong for e in b.expected)]
        details = Counter(block.detail for block in blocks)
        yield StoryCount(story=story, blocks=len(blocks), as_expected=len(good), details=dict(details))


def _fields(demo: Demo) -> Iterator[FieldCount]:
    """Fields that differed, each counted once per trade and fund: both sides are told of it."""
    told: dict[str, set[tuple[str, str]]] = {}
    examples: dict[str, str] = {}
    for client, answer in _all_heard(demo):
        if answer.status == MISMATCHED and client != BROKER.client:
            for (scope, name), (ours, theirs) in answer.differences.items():
                told.setdefault(name, set()).add((answer.reference, scope))
                text = f"{answer.reference} {scope or 'block'}: broker {ours}, investor {theirs}"
                if name not in examples or scope != BLOCK:
                    examples[name] = text
    for name, places in sorted(told.items(), key=lambda item: (-len(item[1]), item[0])):
        yield FieldCount(field=name, times=len(places), example=examples[name])


def _refusals(demo: Demo) -> Iterator[Refusal]:
    for client, answer in _all_heard(demo):
        if answer.status == REFUSED:
            yield Refusal(
                client=client,
                format=FORMATS[client],
                reference=answer.reference,
                problems=answer.problems,
            )


def _is_repetition(refusal: Refusal) -> bool:
    text = "".join(refusal.problems)
    return DONE_ONCE in text and OTHER_CONTENT not in text


def _client(demo: Demo, firm: Firm, kept: Path | None) -> ClientCount:
    return ClientCount(
        client=firm.client,
        name=firm.name,
        format=FORMATS[firm.client],
        provider=firm.sp,
        answers=dict(Counter(heard.status for client, heard in _all_heard(demo) if client == firm.client)),
        copies=demo.verdict.copies[firm.client],
        where=tuple(str(path) for path in demo.clients[firm.client].answers) if kept is not None else (),
        example=_example(demo, firm),
    )


def _example(demo: Demo, firm: Firm) -> str:
    """An answer that tells of a mismatch, else any, as its bytes say it; FIX with "|" between the fields."""
    told = [heard for client, heard in _all_heard(demo) if client == firm.client]
    told.sort(key=lambda heard: heard.status != MISMATCHED)
    raw = next((n.raw for n in demo.clients[firm.client].heard() if told and n.id == told[0].id), b"")
    text = raw.decode(csv_messages.ENCODING if firm is MANAGER_A else "utf-8", "backslashreplace")
    return " ".join(text.replace("\x01", "|").split())


def _head(demo: Demo, sp: str) -> NodeHead:
    head = head_of(demo.providers[sp])
    return NodeHead(provider=sp, blocks=head.sequence, entries=head.size, chain=head.root)


def _secrecy(demo: Demo) -> Iterator[Secrecy]:
    """For each provider that is no party to some relationships; the broker's is party to all."""
    words = {sp: foreign_words(demo.scenario, sp) for sp in demo.providers if sp != BROKER.sp}
    at_party = found_in(demo.providers[BROKER.sp].data, set().union(*words.values()))
    for sp, foreign in words.items():
        yield Secrecy(
            provider=sp,
            relationships=tuple(f"{BROKER.client} and {m.client}" for m in MANAGERS if m.sp != sp),
            words=len(foreign),
            found=tuple(sorted(found_in(demo.providers[sp].folder, foreign, but=(NETWORK_FILE,)))),
            party=BROKER.sp,
            found_at_party=len(at_party & foreign),
        )


def _all_heard(demo: Demo) -> Iterator[tuple[str, Heard]]:
    for (client, _), answers in demo.verdict.heard.items():
        for heard in answers:
            yield client, heard
