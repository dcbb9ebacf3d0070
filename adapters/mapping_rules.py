"""What a mapping file holds: rules that join native and canonical fields, each checked by itself at load."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import Field, model_validator

from adapters.converters import CONVERTERS, ConversionError, Converter, Options
from adapters.mapping_places import OnReading, OnWriting, Place, Places, Rule
from adapters.paths import Condition, Getter, conditions_of, getter, parse_path
from adapters.paths import Path as FieldPath
from canonical.message import Kind
from canonical.problems import Rule as ProblemRule

HERE = "@"
"""As a place: the tree that the rule stands in. A rule that reads to it goes nowhere and only checks."""
PARENT = ".."  # as the first step of a native place inside a group: what the group stands in


class FieldRule(OnReading, OnWriting):
    """One native field is one canonical field.

    at: the native place, or several: the first that holds something is read, the first is written.
    to: the canonical place, or several: the first is read into, the first that holds something is written.
    convert: the name of a converter. codes: native to canonical, one to one where both directions use it.
    written_as: canonical to native, for writing alone; several may be written alike.
    nothing: native texts that say that there is none, such as "MANUAL" for an order's number.
    single: that it stands several times is a problem.
    required: its absence is a problem. default: the native text that an absent field stands for; when
    writing, the native code of what the table lacks.
    currency: where the currency of this amount stands beside it, if it is not the message's.
    issuer: of a local code. characters_max: longest text that is written.
    continued: what is longer goes on in further entries, otherwise alike, of the list that `at` stands in.
    advice: what a problem with this field tells its sender to do, instead of the converter's words.
    when: the first value that it asks for is written too. reads, writes: whether it serves that direction.
    """

    at: Places
    to: Places
    convert: str = "text"
    codes: dict[str, str] = Field(default={})
    written_as: dict[str, str] = Field(default={})
    nothing: tuple[str, ...] = ()
    single: bool = False
    required: bool = False
    default: str | None = None
    currency: Place | None = None
    issuer: str = ""
    characters_max: int = 0
    continued: bool = False
    advice: str = ""
    reads: bool = True
    writes: bool = True

    @model_validator(mode="after")
    def _known_and_one_to_one(self) -> "FieldRule":
        if self.convert not in CONVERTERS:
            raise ValueError(
                f"{self.at[0]}: no converter {self.convert!r}; there are {', '.join(sorted(CONVERTERS))}"
            )
        both = self.reads and self.writes and not self.written_as
        if both and len(set(self.codes.values())) != len(self.codes):
            raise ValueError(f"codes of {self.at[0]} are not one to one: give written_as for the way out")
        return self

    @cached_property
    def converter(self) -> Converter:
        """What `convert` names."""
        return CONVERTERS[self.convert]

    @cached_property
    def decode(self) -> Callable[[str, Options], Any]:
        """Text to value: `codes` and `issuer` before the converter."""
        decode, codes, issuer = self.converter.decode, self.codes, self.issuer
        if issuer:
            return lambda text, _: decode(text, Options(issuer=issuer))
        if not codes:
            return decode

        def decode_code(text: str, options: Options) -> Any:
            if text not in codes:
                raise ConversionError(ProblemRule.UNKNOWN_CODE, f"not one of {', '.join(codes)}")
            return decode(codes[text], options)

        return decode_code

    @cached_property
    def at_paths(self) -> tuple[FieldPath, ...]:
        """`at`, parsed."""
        return tuple(parse_path(text) for text in self.at)

    @cached_property
    def getters(self) -> tuple[Getter, ...]:
        """`at`, made ready to be looked up."""
        return tuple(getter(path) for path in self.at_paths)

    @cached_property
    def to_paths(self) -> tuple[FieldPath, ...]:
        """`to`, parsed."""
        return tuple(parse_path(text) for text in self.to)

    @cached_property
    def get_currency(self) -> Getter | None:
        """`currency`, made ready to be looked up."""
        return getter(parse_path(self.currency)) if self.currency else None

    @cached_property
    def plain_at(self) -> str:
        """`at` where it is one name alone, as most are: it is looked up at once. Else empty."""
        path = self.at_paths[0]
        return path[0].name if len(self.at) == len(path) == 1 and not path[0].chooses else ""

    @cached_property
    def plain_to(self) -> tuple[str, ...]:
        """The names of the first of `to` where none of them chooses among entries; else empty."""
        path = self.to_paths[0]
        return () if any(step.chooses for step in path) else tuple(step.name for step in path)

    @cached_property
    def native_codes(self) -> dict[str, str]:
        """Canonical to native."""
        told = {canonical: native for native, canonical in reversed(self.codes.items())}
        return told | self.written_as


class ReadStep(NamedTuple):
    """A rule made ready for reading.

    name: of the native field, where it is one name alone. If that holds nothing, `may_skip` says whether
    there is nothing to do. parent, to: where the value of `decode` goes, where no more is to be asked; else
    `to` is empty.
    """

    rule: FieldRule
    name: str
    may_skip: bool
    parent: str
    to: str
    decode: Callable[[str, Options], Any]

    @classmethod
    def of(cls, rule: FieldRule) -> "ReadStep":
        """The step of one rule."""
        may_skip = rule.default is None and not rule.required
        *parents, to = rule.plain_to or (HERE,)
        if len(parents) > 1 or to == HERE or rule.when or rule.currency or rule.nothing or rule.single:
            parents, to = [], ""
        return cls(rule, rule.plain_at, may_skip, "".join(parents), to, rule.decode)


class ConstantRule(OnWriting):
    """A native field that is always written so. {}: an empty part."""

    at: Place
    value: str | dict[str, str]


class Level(Rule):
    """The rules of a message or of the entries of a group."""

    field: tuple[FieldRule, ...] = ()
    group: tuple["GroupRule", ...] = ()
    constant: tuple[ConstantRule, ...] = ()

    @cached_property
    def read_steps(self) -> tuple[ReadStep, ...]:
        """The rules of `field` that serve reading."""
        return tuple(ReadStep.of(rule) for rule in self.field if rule.reads)


class GroupRule(Level, OnReading, OnWriting):
    """One native group is one canonical list; the rules inside count from its entries.

    at: "@" for a single entry that is the tree itself. to: "fees[kind=levy]" reads into entries of that kind,
    and writes these.
    """

    at: Place
    to: Place
    required: bool = False
    reads: bool = True
    writes: bool = True

    @cached_property
    def at_path(self) -> FieldPath:
        """`at`, parsed."""
        return parse_path(self.at)

    @cached_property
    def to_path(self) -> FieldPath:
        """`to`, parsed."""
        return parse_path(self.to)

    @cached_property
    def reads_parent(self) -> bool:
        """Whether a rule inside reads what the group stands in."""
        return any(path[0].name == PARENT for rule in self.field for path in rule.at_paths)


class SaysRule(OnReading):
    """A canonical message that the native message says, where the conditions hold. present: must be there."""

    kind: Kind
    present: tuple[Place, ...] = ()

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """`when` and `present`, parsed."""
        return conditions_of({**self.when, **dict.fromkeys(self.present, ("*",))})


class CurrencyRule(Rule):
    """The currency of all prices and amounts without one of their own. at: where it stands."""

    at: Place | None = None
    default: str = ""


class PartsRule(Rule):
    """How several native messages say one thing.

    key: what the parts have in common. number, total: "part 2 of 5"; the head, which has none of the paths in
    `head_lacks`, comes beside them. joined: the canonical lists that the parts fill together. same: canonical
    parts that each of them must say as the head does.
    """

    key: Place
    number: Place
    total: Place
    head_lacks: Place
    joined: tuple[str, ...]
    same: tuple[str, ...] = ()


class MappingFile(Level, OnWriting):
    """One mapping: a native message and what it says.

    message: its native type.
    answer: the mappings that write what answers it, in this order; none where the format has no answer.
    refusal: those that write a refusal; the same as `answer` where none are named.
    echo: native places that an answer repeats.
    looks_up: the native place that names a message of the other side, which alone says who that is.
    looks_up_own: the same of a message of the sender's own, asked where `looks_up` names none.
    where: canonical conditions under which it is written at all.
    each: when written, one native message per element of this canonical list.
    otherwise_silent: a variant that says nothing is taken note of, not refused: partial fills, mere receipts.
    layout: settings of the format for this message, such as the columns of a file.
    """

    format: str
    message: str
    answer: tuple[str, ...] = ()
    refusal: tuple[str, ...] = ()
    echo: tuple[str, ...] = ()
    looks_up: str = ""
    looks_up_own: str = ""
    each: str = ""
    says: tuple[SaysRule, ...] = ()
    otherwise_silent: bool = False
    currency: CurrencyRule = CurrencyRule()
    parts: PartsRule | None = None
    layout: dict[str, Any] = Field(default={})
