"""What is wrong with a network beyond its form: names that stand twice or lead nowhere, unusable keys."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from canonical.message import Role
from node.keys import PublicKeyInvalidError, encryption_public_key, signing_public_key

if TYPE_CHECKING:
    from node.network import Institution, Network
Named: TypeAlias = Iterable[Sequence[tuple[str, str | None]]]
"""Of each entry of a list, its names: the field and the value."""


def network_faults(network: "Network") -> Iterator[str]:
    """Each fault as "place: what is wrong", in the order of the file."""
    yield from _time_zone(network)
    yield from _members(network)
    yield from _institutions(network)
    yield from _relationships(network)
    yield from _securities(network)
    yield from _twice("calendars", ([("name", calendar.name)] for calendar in network.calendars))
    yield from _funds(network)


def _time_zone(network: "Network") -> Iterator[str]:
    try:
        ZoneInfo(network.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"time_zone: {network.time_zone} is not known here: give one such as Asia/Tokyo"


def _members(network: "Network") -> Iterator[str]:
    yield from _twice("members", ([("sp", m.sp), ("signing_key", m.signing_key)] for m in network.members))
    for number, member in enumerate(network.members):
        yield from _key(f"members.{number}.signing_key", signing_public_key, member.signing_key)


def _institutions(network: "Network") -> Iterator[str]:
    named: Named = (
        [("lei", i.lei), ("bic", i.bic), *(("codes", f"{c.code} of {c.issuer}") for c in i.codes)]
        for i in network.institutions
    )
    yield from _twice("institutions", named)
    identities: Named = ([("identity_key", i.identity_key)] for i in network.institutions)
    yield from _twice("institutions", identities)
    members = {member.sp for member in network.members}
    for number, institution in enumerate(network.institutions):
        place = f"institutions.{number}"
        yield from _key(f"{place}.identity_key", signing_public_key, institution.identity_key)
        yield from _delegations(f"{place}.delegations", institution, members)


def _delegations(place: str, institution: "Institution", members: set[str]) -> Iterator[str]:
    yield from _twice(place, ([("sp", d.sp)] for d in institution.delegations))
    for number, delegation in enumerate(institution.delegations):
        if delegation.sp not in members:
            yield f"{place}.{number}.sp: {delegation.sp} is not a member"
        yield from _key(f"{place}.{number}.encryption_key", encryption_public_key, delegation.encryption_key)
        yield from _key(f"{place}.{number}.signing_key", signing_public_key, delegation.signing_key)


def _relationships(network: "Network") -> Iterator[str]:
    pairs = ([("investor", f"{r.broker} and {r.investor}")] for r in network.relationships)
    yield from _twice("relationships", pairs)
    for number, relationship in enumerate(network.relationships):
        for role, lei in ((Role.BROKER, relationship.broker), (Role.INVESTOR, relationship.investor)):
            yield from _party(f"relationships.{number}.{role}", network.by_lei, lei, role)


def _securities(network: "Network") -> Iterator[str]:
    codes = ([("isin", s.isin), ("japan_code", s.japan_code)] for s in network.securities)
    yield from _twice("securities", codes)


def _funds(network: "Network") -> Iterator[str]:
    names = (
        [("account", f"{a.scheme} {a.code} of {fund.investor}") for a in (fund.account, *fund.aliases)]
        for fund in network.funds
    )
    yield from _twice("funds", names)
    for number, fund in enumerate(network.funds):
        yield from _party(f"funds.{number}.investor", network.by_lei, fund.investor, Role.INVESTOR)


def _party(place: str, known: Mapping[str, "Institution"], lei: str, role: Role) -> Iterator[str]:
    if lei not in known:
        yield f"{place}: {lei} is not among the institutions"
    elif known[lei].role is not role:
        yield f"{place}: {lei} is a {known[lei].role}"


def _key(place: str, read: Callable[[str], object], text: str) -> Iterator[str]:
    try:
        read(text)
    except PublicKeyInvalidError as error:
        yield f"{place}: {error}"


def _twice(place: str, entries: Named) -> Iterator[str]:
    """A fault for each value that an entry shares with an earlier one, or has itself twice."""
    seen: set[tuple[str, str]] = set()
    for number, values in enumerate(entries):
        for name, value in values:
            if value is None:
                continue
            if (name, value) in seen:
                yield f"{place}.{number}.{name}: {value} stands twice"
            seen.add((name, value))
