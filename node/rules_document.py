"""A rules document: what a broker and an investor agree on, in one TOML file that both can read.

    broker = "…"                      LEI of each side
    investor = "…"
    version = 2                       counted by the relationship from 1
    from_trade_date = 2026-12-01      the first trade date that it is for
    [rules]                           canonical.rules.Rules; what is left out has its default

The same body stands in a plan under [relationships.rules], where a network is founded.
"""

import datetime
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BaseModel, Field, ValidationError, model_validator

from canonical.base import WHOLE_NUMBER_MAX, Canonical, Model
from canonical.identifiers import Lei
from canonical.problems import Rule, violation
from canonical.rules import Rules

SIZE_BYTES_MAX = 1024 * 1024


class RulesDocumentError(Exception):
    """A file cannot be used as what it should be; the message says what to change, one line each."""


class RulesDocument(Canonical):
    """One version of a relationship's rules."""

    broker: Lei
    investor: Lei
    version: Annotated[int, Field(ge=1, le=WHOLE_NUMBER_MAX)]
    from_trade_date: datetime.date
    rules: Rules

    @model_validator(mode="after")
    def _two_sides(self) -> "RulesDocument":
        if self.broker == self.investor:
            raise violation(Rule.NOT_ALLOWED, "broker and investor are one: name the two sides")
        return self


def load_rules(path: Path) -> RulesDocument:
    """The document in `path`. Raises RulesDocumentError with all that is wrong."""
    tree = read_tree(path)
    try:
        return RulesDocument.model_validate(tree)
    except ValidationError as error:
        faults = (f"{path}: {place}: {text}" for place, text in faults_of(error, RulesDocument))
        raise RulesDocumentError("\n".join(faults)) from error


def read_tree(path: Path) -> dict[str, Any]:
    """A TOML file with its figures as Decimal. Raises RulesDocumentError."""
    try:
        if path.stat().st_size > SIZE_BYTES_MAX:
            raise RulesDocumentError(f"{path} is larger than a mebibyte: no rules are")
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise RulesDocumentError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulesDocumentError(f"{path} is not TOML: {error}") from error


def faults_of(error: ValidationError, model: type[Model]) -> Iterator[tuple[str, str]]:
    """All faults as place and sentence. Of lists, the places count from 1."""
    for fault in error.errors(include_url=False):
        yield place_of(fault["loc"]), _sentence(fault, model)


def place_of(steps: tuple[int | str, ...]) -> str:
    """A place as a reader counts: rules.commission.tariffs[1].bands[2].rate."""
    text = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.lstrip(".") or "the document"


def _sentence(fault: Any, model: type[Model]) -> str:
    """What is wrong and what to do, without pydantic's own words where a practitioner would not use them."""
    context, given = fault.get("ctx", {}), fault["input"]
    match fault["type"]:
        case "missing":
            return "it is missing: add it"
        case "extra_forbidden" | "unexpected_keyword_argument":
            return _unknown(str(fault["loc"][-1]), _names_at(model, fault["loc"][:-1]))
        case "enum":
            return f"{_shown(given)} is none of {context['expected']}"
        case "is_instance_of" | "decimal_parsing" | "int_type" | "int_parsing":
            return f"{_shown(given)} is no number: write it as 0.0010, without quotation marks or a separator"
        case "bool_type" | "bool_parsing":
            return f"{_shown(given)} is neither true nor false"
        case "model_type" | "model_attributes_type" | "dataclass_type" | "dict_type":
            return f"{_shown(given)} stands where a table with names of its own must be"
        case "tuple_type" | "list_type":
            return f"{_shown(given)} stands where a list in square brackets must be"
        case "too_short":
            return f"there are {context['actual_length']}, at least {context['min_length']} are needed"
    told = str(fault["msg"])
    return told if told[1:2].isupper() else told[:1].lower() + told[1:]


def _unknown(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    hint = f"do you mean {close[0]}?" if close else f"known are {', '.join(known)}"
    return f"there is no {name} here: {hint}"


def _names_at(model: type[Model], steps: tuple[int | str, ...]) -> list[str]:
    """The names that may stand at a place."""
    for step in steps:
        if isinstance(step, str) and step in model.model_fields:
            model = _model_in(model.model_fields[step].annotation) or model
    return sorted(model.model_fields)


def _model_in(annotation: Any) -> type[Model] | None:
    """The model that a field holds: itself, one of many, or perhaps none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel | Canonical):
        return annotation
    inner = (_model_in(part) for part in get_args(annotation))
    return next((model for model in inner if model is not None), None)


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
