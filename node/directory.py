"""Who and what a message means: parties, instruments and accounts, looked up in the network's master data.

A message may name a party by BIC or a local code, a security by its Japanese code, a fund by the broker's
alias. What goes on the ledger names all of them in one way, or the client hears what is not known.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import ValidationError

from canonical.base import Canonical
from canonical.identifiers import FundAccount, Instrument, Party
from canonical.message import Message, Role
from canonical.problems import Problem, Rule
from node.network import Institution, Network, Security

_UNKNOWN_PARTY = "not an institution of this network: check the code, or have the institution enrolled"
_UNKNOWN_SECURITY = "not a security of this network: check the code, or have the security added"
_UNKNOWN_ACCOUNT = "not a fund account of this investor: check the code, or have the fund added"
_BIC_WITH_BRANCH = 11


Named = TypeVar("Named", bound=Canonical)


class Directory:
    """Looks up what messages name. Made once per network."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._by_bic = {_firm(i.bic): i for i in network.institutions if i.bic}
        self._by_code = {code: i for i in network.institutions for code in i.codes}
        self._by_isin = {s.isin: s for s in network.securities}
        self._by_japan_code = {s.japan_code: s for s in network.securities if s.japan_code}
        self._accounts = {
            (f.investor, name.scheme, name.code): f.account
            for f in network.funds
            for name in (f.account, *f.aliases)
        }

    def resolve(self, message: Message) -> tuple[Message, tuple[Problem, ...]]:
        """`message` with the identifiers that the ledger uses; with problems where something is not known."""
        problems: list[Problem] = []
        changes: dict[str, Any] = {}
        for role in Role:
            changes[role.value] = self._party(getattr(message, role.value), role, problems)
        self._check_relationship(changes, problems)
        terms = getattr(message, "terms", None)
        if terms is not None:
            instrument = self._instrument(terms.instrument, problems)
            changes["terms"] = terms.model_copy(update={"instrument": instrument})
        investor = changes["investor"].lei
        for name in ("allocations", "funds"):
            if hasattr(message, name):
                changes[name] = tuple(self._parts(getattr(message, name), name, investor, problems))
        if problems:
            return message, tuple(problems)
        resolved: Message = message.model_copy(update=changes)
        return resolved, ()

    def unknown_in(self, document: dict[str, Any]) -> tuple[Problem, ...]:
        """What is not known of the codes in a message that is refused for something else already."""
        problems: list[Problem] = []
        parties = {role: _valid(Party, document.get(role.value)) for role in Role}
        known = {role: self._party(p, role, problems) for role, p in parties.items() if p is not None}
        instrument = _valid(Instrument, document.get("terms", {}).get("instrument"))
        if instrument is not None:
            self._instrument(instrument, problems)
        investor = known[Role.INVESTOR].lei if Role.INVESTOR in known else None
        for name in ("allocations", "funds"):
            for number, part in enumerate(document.get(name, ())):
                account = _valid(FundAccount, part.get("account"))
                if account is not None:
                    self._account(account, f"{name}/{number}", investor, problems)
        return tuple(problems)

    def _party(self, party: Party, role: Role, problems: list[Problem]) -> Party:
        named = list(self._named(party))
        unknown = [(name, code) for name, code, found in named if found is None]
        for name, code in unknown:
            problems.append(_problem(f"{role.value}/{name}", code, Rule.UNKNOWN_PARTY, _UNKNOWN_PARTY))
        if unknown:
            return party
        found = [institution for _, _, institution in named if institution is not None]
        if any(i.lei != found[0].lei for i in found) or found[0].role is not role:
            text = f"its codes do not name one {role.value}: correct them"
            problems.append(_problem(role.value, _shown(party), Rule.UNKNOWN_PARTY, text))
            return party
        one = found[0]
        return Party(lei=one.lei, bic=one.bic, local=one.codes[0] if one.codes else None)

    def _named(self, party: Party) -> Iterator[tuple[str, str, Institution | None]]:
        """Each identifier of a party: its name, its code, and whom it means."""
        if party.lei is not None:
            yield "lei", party.lei, self._network.by_lei.get(party.lei)
        if party.bic is not None:
            yield "bic", party.bic, self._by_bic.get(_firm(party.bic))
        if party.local is not None:
            yield "local", party.local.code, self._by_code.get(party.local)

    def _check_relationship(self, parties: dict[str, Any], problems: list[Problem]) -> None:
        broker: str | None = parties["broker"].lei
        investor: str | None = parties["investor"].lei
        if broker is None or investor is None or problems:
            return
        if (broker, investor) not in self._network.rules:
            text = "no relationship with this counterparty on this network: have it set up by both sides"
            problems.append(_problem("broker", broker, Rule.NOT_ALLOWED, text))

    def _instrument(self, instrument: Instrument, problems: list[Problem]) -> Instrument:
        found: list[Security | None] = []
        if instrument.isin is not None:
            found.append(self._by_isin.get(instrument.isin))
        if instrument.japan_code is not None:
            found.append(self._by_japan_code.get(instrument.japan_code))
        first = found[0]
        if first is None or any(s is not first for s in found):
            value = instrument.isin or instrument.japan_code or ""
            field = "terms/instrument/isin" if instrument.isin else "terms/instrument/japan_code"
            problems.append(_problem(field, value, Rule.UNKNOWN_INSTRUMENT, _UNKNOWN_SECURITY))
            return instrument
        return Instrument(isin=first.isin, japan_code=first.japan_code)

    def _parts(
        self, parts: tuple[Any, ...], name: str, investor: str | None, problems: list[Problem]
    ) -> Iterator[Any]:
        for number, part in enumerate(parts):
            account = self._account(part.account, f"{name}/{number}", investor, problems)
            yield part if account == part.account else part.model_copy(update={"account": account})

    def _account(
        self, said: FundAccount, place: str, investor: str | None, problems: list[Problem]
    ) -> FundAccount:
        """The account that the ledger uses for `said`, or `said` itself where the investor has none such."""
        account = self._accounts.get((investor or "", said.scheme, said.code))
        if account is None and investor is not None:
            field = f"{place}/account/code"
            problems.append(_problem(field, said.code, Rule.UNKNOWN_ACCOUNT, _UNKNOWN_ACCOUNT))
        return account or said


def _valid(model: type[Named], tree: object) -> Named | None:
    """What `tree` names, if it is sound in itself."""
    try:
        return model.model_validate(tree)
    except ValidationError:
        return None


def _firm(bic: str) -> str:
    """A BIC without the branch code XXX, which means the head office as its absence does (ISO 9362)."""
    return bic.removesuffix("XXX") if len(bic) == _BIC_WITH_BRANCH else bic


def _shown(party: Party) -> str:
    return party.lei or party.bic or (party.local.code if party.local else "")


def _problem(path: str, value: str, rule: Rule, text: str) -> Problem:
    return Problem(field=path, value=value[:64], rule=rule, text=text, path=path)
