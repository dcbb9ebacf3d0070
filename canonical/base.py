"""The model that every canonical class builds on: frozen, closed, without surprises."""

from enum import StrEnum
from typing import Any, Never, Self

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

WHOLE_NUMBER_MAX = 2**53 - 1
"""Of numbers from outside that are no quantities: every reader of JSON holds it exactly (RFC 8259, 6)."""


class Term(StrEnum):
    """A word of a closed list. It is written very often: its value is got without detours."""

    @property
    def value(self) -> str:
        """The word itself."""
        return self._value_

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """It is written as the text that it is, and not asked for its value as other enumerations are."""
        schema = handler(source)
        inner: Any = schema
        inner["serialization"] = core_schema.simple_ser_schema("str")
        return schema


class Canonical(BaseModel):
    """An immutable value with a closed set of fields, those without a value being None.

    An instance holds its fields in code point order of their names, so that pydantic writes it in the one
    byte form without sorting anything (canonical/encoding.py).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_max_length=4096)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        inner: Any = schema
        while inner["type"] != "model-fields":
            inner = inner["schema"]
        inner["fields"] = dict(sorted(inner["fields"].items()))
        return schema

    def __copy__(self) -> Self:
        """For model_copy: pydantic's own way looks for values beside the fields, of which there are none."""
        copied = type(self).__new__(type(self))
        object.__setattr__(copied, "__dict__", self.__dict__.copy())
        object.__setattr__(copied, "__pydantic_extra__", None)
        object.__setattr__(copied, "__pydantic_fields_set__", self.__pydantic_fields_set__.copy())
        object.__setattr__(copied, "__pydantic_private__", None)
        return copied

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **_: Any) -> Never:  # type: ignore[override] # mypy's plugin takes it for a signature of its own making
        """Refused: an unchecked value may have no byte form."""
        raise TypeError(f"{cls.__name__} is made by validation alone")
