"""What must hold whatever happens, read from the stores of all nodes after it is over."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

from node.demo.providers import Provider
from node.store import each, read_store


def rows(provider: Provider, query: str, *values: object) -> list[Any]:
    """What a query finds in a node's store, beside the running node. Raises StoreError, sqlite3.Error."""
    with closing(read_store(provider.store)) as connection:
        return each(connection, query, *values)


def archive_deviations(providers: Iterable[Provider]) -> Iterator[str]:
    """Where nodes do not hold the same blocks in order, judged alike, as far as both have come by now."""
    archives = [(provider, _archive(provider)) for provider in providers]
    for provider, archive in archives:
        if missing := sorted(set(range(1, len(archive) + 1)) - archive.keys()):
            yield f"{provider.sp} holds {len(archive)} blocks, and not sequence {missing[0]}"
    (first, ours), *others = archives
    for other, theirs in others:
        for sequence in sorted(ours.keys() & theirs.keys()):
            if ours[sequence] != theirs[sequence]:
                yield f"{first.sp} and {other.sp} part at sequence {sequence}"
                break


def fault_deviations(providers: Iterable[Provider], expected: Mapping[int, str]) -> Iterator[str]:
    """Where a node has judged blocks otherwise than expected; a block that came twice is always harmless."""
    for provider in providers:
        found = faults(provider)
        for sequence in sorted(found.keys() | expected.keys()):
            fault, due = found.get(sequence, "none"), expected.get(sequence, "none")
            if fault != due and (fault, due) != ("repeated", "none"):
                yield f"{provider.sp} finds with the block at sequence {sequence}: {fault}; due is {due}"


def counted_deviations(providers: Iterable[Provider]) -> Iterator[str]:
    """Messages that count twice, and messages of an institution that overtook one another."""
    for provider in providers:
        for source, times in rows(
            provider,
            "SELECT source, COUNT(*) FROM said JOIN outcome USING (position) WHERE kind = 'receipt'"
            " GROUP BY source HAVING COUNT(*) > 1",
        ):
            yield f"{provider.sp} has accepted the message {source[:16]} {times} times"
        for reference, times in rows(
            provider,
            "SELECT reference, COUNT(*) FROM reference JOIN outcome USING (position)"
            " WHERE outcome.kind = 'receipt' GROUP BY sender, reference, reference.kind HAVING COUNT(*) > 1",
        ):
            yield f"{provider.sp} has accepted the reference {reference} {times} times"
        yield from _overtaken(provider)


def apart_deviations(first: Provider, second: Provider) -> Iterator[str]:
    """What two nodes that can read the same have not come to alike."""
    for table, columns in (
        ("outcome", "id, position, outcome"),
        ("decided", "position, digest, finality"),
        ("state", "key, value"),
        ("said", "position, sp, source, fault"),
    ):
        query = f"SELECT {columns} FROM {table}"  # noqa: S608 - the names above
        ours, theirs = ({tuple(row) for row in rows(provider, query)} for provider in (first, second))
        if different := ours ^ theirs:
            yield f"{len(different)} rows of {table} stand at one of {first.sp} and {second.sp} alone"


def alarm_deviations(providers: Iterable[Provider]) -> Iterator[str]:
    """Alarms that no fault of the drill's own has raised."""
    for provider in providers:
        for key, text in alarms(provider).items():
            yield f"{provider.sp} has an alarm about {key}: {text}"


def alarms(provider: Provider) -> dict[str, str]:
    """What a person must look at, by what it is about."""
    return dict(rows(provider, "SELECT key, text FROM alarm WHERE cleared IS NULL ORDER BY key"))


def faults(provider: Provider) -> dict[int, str]:
    """The blocks that do not count, by sequence, with the reason."""
    return dict(rows(provider, "SELECT sequence, fault FROM archive WHERE fault IS NOT NULL"))


def unattested(providers: Iterable[Provider]) -> int:
    """How many positions are not attested by both sides yet, as nodes have it."""
    query = "SELECT COUNT(*) FROM decided WHERE finality = 'open'"
    return sum(rows(provider, query)[0][0] for provider in providers)


def newest_number(provider: Provider, sp: str) -> int:
    """The number of an SP's last block, as a node has it."""
    query = "SELECT COALESCE(MAX(seq), 0) FROM archive WHERE sp = ? AND fault IS NULL"
    [(number,)] = rows(provider, query, sp)
    return int(number)


def _archive(provider: Provider) -> dict[int, tuple[object, ...]]:
    found = rows(provider, "SELECT sequence, digest, first, entries, fault, state, time FROM archive")
    return {row[0]: tuple(row[1:]) for row in found}


def _overtaken(provider: Provider) -> Iterator[str]:
    """What a client handed over later must stand later on the ledger."""
    before: dict[str, int] = {}
    for client, raw, position in rows(
        provider,
        "SELECT raw.client, raw.id, MIN(said.position) FROM raw JOIN submission ON submission.raw = raw.id"
        " JOIN said ON said.source = submission.source AND said.sp = ? WHERE raw.state = 'ordered'"
        " GROUP BY raw.id ORDER BY raw.id",
        provider.sp,
    ):
        if position < before.get(client, -1):
            yield f"at {provider.sp} message {raw} of {client} has overtaken one before it"
        before[client] = position
