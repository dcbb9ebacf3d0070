"""What rules of a mapping file have in common: their places, and the conditions under which they hold."""

from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from adapters.paths import Condition, conditions_of, parse_path


class Rule(BaseModel):
    """Base of what stands in a mapping file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _one_is_a_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _is_path(text: str) -> str:
    parse_path(text)
    return text


Place = Annotated[str, BeforeValidator(_is_path)]
Places = Annotated[tuple[Place, ...], BeforeValidator(_one_is_a_list), Field(min_length=1)]
Conditions = dict[Place, tuple[str, ...]]


class OnReading(Rule):
    """A rule that reads under conditions.

    when: a native place and the values that may stand there; "" is nothing, "*" anything.
    """

    when: Conditions = {}

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """`when`, parsed."""
        return conditions_of(self.when)


class OnWriting(Rule):
    """A rule that writes under conditions. where: the same as `when`, of canonical places."""

    where: Conditions = {}

    @cached_property
    def write_conditions(self) -> tuple[Condition, ...]:
        """`where`, parsed."""
        return conditions_of(self.where)
