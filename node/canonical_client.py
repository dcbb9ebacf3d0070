"""Clients that speak the canonical layout itself: nothing is mapped, and nothing is lost on the way."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property

from typing_extensions import override

from adapters.canonical_json import SUBMISSION, TEXT, CanonicalJson, pointed, submitted
from adapters.format import Decoded
from adapters.mapping import Read, reference_in
from canonical.answer import Answer
from canonical.encoding import canonical_bytes
from canonical.identifiers import Party
from canonical.message import CLASSES, Kind, Message
from canonical.problems import Problem
from canonical.submission import Submission
from canonical.trade import Terms
from node.clients import Client
from node.network import Network
from node.settings import CANONICAL, ClientSettings


def client_of(settings: ClientSettings, network: Network, provider_bic: str | None) -> Client:
    """A client by its settings. Raises SettingsError, MappingError."""
    kind = CanonicalClient if settings.format == CANONICAL else Client
    return kind(settings, network, provider_bic)


class CanonicalClient(Client):
    """A client without mappings."""

    @override
    def _load(self, provider_bic: str | None) -> None:
        self._json = CanonicalJson()

    @override
    def needs_store(self, name: str, decoded: Decoded) -> bool:
        """Never: a submission says all that it means."""
        return False

    @override
    def decode(self, raw: bytes) -> tuple[Decoded, ...]:
        """The submission in `raw`."""
        return self._json.decode(raw)

    @override
    def read(self, name: str, parts: Sequence[Decoded], given: Mapping[str, str]) -> Read:
        """What it says."""
        own = Party(lei=self.institution.lei)
        messages, problems, document = submitted(_text(parts), self.institution.role.value, own)
        said = document.get("messages")
        first = said[0] if isinstance(said, list) and said and isinstance(said[0], dict) else {}
        return Read(
            messages=messages,
            problems=problems,
            reference=messages[0].reference if messages else reference_in(first),
            trade_date=next(filter(None, map(_trade_date, messages)), None),
            kinds=tuple(m.kind for m in messages) or tuple(_kinds(first)),
        )

    @override
    def located(
        self, name: str, parts: Sequence[Decoded], given: Mapping[str, str], problems: Sequence[Problem]
    ) -> tuple[Problem, ...]:
        """Problems that were found after reading, at their JSON pointers."""
        own = Party(lei=self.institution.lei)
        _, _, document = submitted(_text(parts), self.institution.role.value, own)
        return tuple(pointed(document, problem) for problem in problems)

    @override
    def echo(self, name: str, decoded: Decoded) -> dict[str, str]:
        """Nothing: answers name what they are about."""
        return {}

    @override
    def foreign_echo(
        self, submission: Submission, cancelled: Submission | None = None
    ) -> tuple[str, dict[str, str]] | None:
        """The same for what was sent through another SP."""
        return CANONICAL, {}

    @override
    def answer(self, name: str, answer: Answer, echo: Mapping[str, str]) -> list[bytes]:
        """The answer as it is."""
        return [canonical_bytes(answer)]

    @cached_property
    def alleged_with(self) -> str | None:
        """It is told what is alleged."""
        return CANONICAL

    @override
    def copy(self, message: Message) -> list[bytes]:
        """The message as it is, where the client wants its kind."""
        return [canonical_bytes(message)] if message.kind in self.settings.copies else []


def _text(parts: Sequence[Decoded]) -> str:
    [decoded] = parts
    text = decoded.fields[TEXT]
    assert decoded.message == SUBMISSION
    assert isinstance(text, str)
    return text


def _kinds(first: dict[str, object]) -> list[Kind]:
    return [kind for kind in CLASSES if kind.value == first.get("kind")]


def _trade_date(message: Message) -> date | None:
    terms: Terms | None = getattr(message, "terms", None)
    return terms.trade_date if terms is not None else None
