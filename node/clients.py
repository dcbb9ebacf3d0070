"""Clients: each with its format and its mappings, made once from the settings.

A client turns raw bytes into what they say, and answers and copies into raw bytes. It knows nothing of
links, stores or ledgers.
"""

import sysconfig
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from adapters.delimited import Delimited
from adapters.delimited_layout import DelimitedLayout
from adapters.fix import FixFormat
from adapters.fix_dictionary import DictionaryError
from adapters.fix_dictionary import load as load_dictionary
from adapters.fix_sessions import installed_dictionary
from adapters.format import Decoded, Format
from adapters.iso20022 import Iso20022
from adapters.mapping import BROKER, COUNTERPARTY, INVESTOR, RAW, SENDER, Read, located, read, write
from adapters.mapping_file import MappingError, MappingFile, load_mapping
from adapters.mapping_unread import unread
from adapters.paths import find, parse_path
from canonical.answer import Answer, AnswerStatus
from canonical.message import Message, Role
from canonical.problems import Problem
from canonical.submission import Submission
from node.network import Network
from node.settings import ClientSettings, FixLinkSettings, SettingsError

_CHECKOUT = Path(__file__).resolve().parent.parent
UNANSWERABLE = "reject"  # FIX: refuses (35=j) what no other answer fits


def shared_folder(name: str) -> Path:
    """The folder `name` ("mappings", "conf") as it is shipped: in the environment, or in a checkout."""
    installed = Path(sysconfig.get_path("data")) / "share" / "yakujo" / name
    return installed if installed.is_dir() else _CHECKOUT / name


class Client:
    """One client of this SP. beside: what headers of messages to it need, under "@client"."""

    def __init__(self, settings: ClientSettings, network: Network, provider_bic: str | None) -> None:
        self.settings = settings
        self.name = settings.name
        if settings.institution not in network.by_lei:
            text = "is not in this network, as far as this node knows: leave the client out until it is"
            raise SettingsError(f"client {settings.name}: institution {settings.institution} {text}")
        self.institution = network.by_lei[settings.institution]
        self._zone = ZoneInfo(network.time_zone)
        self._load(provider_bic)

    def _load(self, provider_bic: str | None) -> None:
        """Load what its format needs. Raises SettingsError, MappingError."""
        settings = self.settings
        if settings.format == "iso20022" and not (provider_bic and self.institution.bic):
            text = "headers of ISO 20022 messages need provider_bic in node.toml and the institution's BIC"
            raise SettingsError(f"client {settings.name}: {text}")
        self._folder = _mappings_folder(settings)
        self.reads = {native: self.mapping(name) for native, name in settings.reads.items()}
        self.copies = {kind: self.mapping(name) for kind, name in settings.copies.items()}
        self._formats: dict[str, Format] = {}
        self._check_answers()
        self._beside = {
            "name": self.institution.name,
            "bic": self.institution.bic,
            "provider_bic": provider_bic,
        }
        self._reader = self._format(next(iter(self.reads.values())))

    def _check_answers(self) -> None:
        """Load now what answers will need: a missing file must show at the start, not at the first answer."""
        names = [UNANSWERABLE] if self.settings.format == "fix" else []
        for mapping in self.reads.values():
            names += [*mapping.answer, *mapping.refusal]
        for name in names:
            self.mapping(name)
        for mapping in (*map(self.mapping, names), *self.reads.values(), *self.copies.values()):
            self._format(mapping)

    def mapping(self, name: str) -> MappingFile:
        """The mapping `name` of this client's dialect. Raises MappingError where it is missing or wrong."""
        mapping = _loaded(self._folder / f"{name}.toml")
        if mapping.format != self.settings.format:
            raise MappingError(f"{name} of {self.name} is for {mapping.format}, not {self.settings.format}")
        return mapping

    def mapping_name(self, native: str) -> str | None:
        """The name of the mapping that reads a native type; None where the client may not send it."""
        return self.settings.reads.get(native)

    def needs_store(self, name: str, decoded: Decoded) -> bool:
        """Whether a message cannot be read alone: it looks something up, or is a part of several."""
        mapping = self.mapping(name)
        looks_up = mapping.looks_up or mapping.looks_up_own
        return bool(looks_up) or (mapping.parts is not None and not decoded.problems)

    def decode(self, raw: bytes) -> tuple[Decoded, ...]:
        """The native messages in `raw`."""
        return self._reader.decode(raw)

    def given(self, counterparty: str | None, source: str) -> dict[str, str]:
        """What is known beside the bytes. counterparty: the LEI of the other side, where it is looked up."""
        roles = (BROKER, INVESTOR) if self.institution.role is Role.BROKER else (INVESTOR, BROKER)
        own = self.institution.lei
        given = {SENDER: own, roles[0]: own, RAW: source}
        found = {} if counterparty is None else {COUNTERPARTY: counterparty, roles[1]: counterparty}
        return {**given, **found}

    def read(self, name: str, parts: Sequence[Decoded], given: Mapping[str, str]) -> Read:
        """What native messages of one type say."""
        return read(self.mapping(name), parts, given)

    def located(
        self, name: str, parts: Sequence[Decoded], given: Mapping[str, str], problems: Sequence[Problem]
    ) -> tuple[Problem, ...]:
        """Problems with what messages say, told at the client's own fields."""
        return located(self.mapping(name), parts, given, problems)

    def echo(self, name: str, decoded: Decoded) -> dict[str, str]:
        """The fields that answers to this message repeat."""
        found = {at: next(find(decoded.fields, parse_path(at)), None) for at in self.mapping(name).echo}
        texts = {
            at: value[1] for at, value in found.items() if value is not None and isinstance(value[1], str)
        }
        return {**texts, "@message": decoded.message}

    def foreign_echo(
        self, submission: Submission, cancelled: Submission | None = None
    ) -> tuple[str, dict[str, str]] | None:
        """The mapping that would have read what this client sent through another SP, and what `echo` gives.

        cancelled: what the submission takes back, where it does and that is known; the same mapping read it.
        None where no mapping of the client reads such a thing. Where several do, one with an answer is
        taken: better an answer in the words of a like message than none.
        """
        found = self._unread(submission)
        if cancelled is not None:
            same = self._unread(cancelled)
            found = {native: head for native, head in found.items() if native in same} or found
        answered = [native for native in found if self.mapping(self.settings.reads[native]).answer]
        native = next(iter((*answered, *found)), None)
        if native is None:
            return None
        name = self.settings.reads[native]
        return name, self.echo(name, Decoded(native, found[native].fields))

    def _unread(self, submission: Submission) -> dict[str, Decoded]:
        """The heads of native messages that say what was submitted, by their types."""
        first = submission.messages[0]
        parties = (first.broker.lei, first.investor.lei)
        other = next((lei for lei in parties if lei and lei != submission.sender), "")
        given = self.given(other, submission.source)
        heads = {
            native: unread(mapping, submission.messages, given) for native, mapping in self.reads.items()
        }
        return {native: head for native, head in heads.items() if head is not None}

    def answer(self, name: str, answer: Answer, echo: Mapping[str, str]) -> list[bytes]:
        """The bytes of an answer to a message that the mapping `name` read; none where the format has none.

        An empty name: no mapping could read the message.
        """
        refused = answer.status is AnswerStatus.REFUSED
        names: tuple[str, ...] = (UNANSWERABLE,) if refused and self.settings.format == "fix" else ()
        if name:
            mapping = self.mapping(name)
            names = (mapping.refusal if refused else ()) or mapping.answer or names
        return self._written(names, answer, {"@echo": dict(echo), "@message": echo.get("@message")})

    @cached_property
    def alleged_with(self) -> str | None:
        """The mapping whose answers tell this client what is alleged: the first that has any.

        None where the client gets no answers.
        """
        return next((name for name in self.settings.reads.values() if self.mapping(name).answer), None)

    def copy(self, message: Message) -> list[bytes]:
        """The bytes of a copy of the other side's message; none where the client gets none of its kind."""
        name = self.settings.copies.get(message.kind)
        return self._written((name,), message, {}) if name is not None else []

    def _written(
        self, names: Sequence[str], value: Answer | Message, extra: Mapping[str, Any]
    ) -> list[bytes]:
        """Files hold all messages together; a FIX session carries each alone."""
        beside = {"@now": datetime.now(self._zone), "@client": self._beside, **extra}
        messages = [m for name in names for m in write(self.mapping(name), value, beside)]
        if not messages:
            return []
        form = self._format(self.mapping(names[0]))
        if isinstance(form, FixFormat):
            ordered = [Decoded(m.message, form.ordered(m.message, m.fields)) for m in messages]
            return [form.encode((m,)) for m in ordered]
        return [form.encode(messages)]

    def _format(self, mapping: MappingFile) -> Format:
        """The codec for what `mapping` reads or writes: one per client, for files one per layout."""
        name = mapping.message if self.settings.format == "delimited" else ""
        if name not in self._formats:
            self._formats[name] = _codec(self.settings, mapping)
        return self._formats[name]


def _codec(settings: ClientSettings, mapping: MappingFile) -> Format:
    """Raises MappingError where a layout, a data dictionary or a schema cannot be used."""
    try:
        if settings.format == "delimited":
            return Delimited(DelimitedLayout.model_validate({"name": mapping.message, **mapping.layout}))
        if settings.format == "iso20022":
            return Iso20022(xsd_dir=settings.xsd_folder)
        link = settings.link
        path = link.data_dictionary if isinstance(link, FixLinkSettings) else None
        return FixFormat(load_dictionary(path or installed_dictionary("FIX.4.4")))
    except (DictionaryError, ValueError) as error:
        raise MappingError(f"client {settings.name}, {mapping.message}: {error}") from error


def _mappings_folder(settings: ClientSettings) -> Path:
    """A folder of the operator's own, or one that is shipped."""
    own = Path(settings.mappings)
    folder = own if own.is_absolute() else shared_folder("mappings") / settings.mappings
    if not folder.is_dir():
        raise MappingError(f"{settings.name}: there is no folder of mappings {folder}")
    return folder


@cache
def _loaded(path: Path) -> MappingFile:
    return load_mapping(path)
