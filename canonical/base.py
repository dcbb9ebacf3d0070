"""The model that every canonical class builds on: frozen, closed, without surprises."""

from enum import StrEnum
from typing import Any, Never

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema


class Term(StrEnum):
    """A word of a closed list. It is written very often: its value is got without detours."""

    @property
    def value(self) -> str:
        """The word itself."""
        return self._value_


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

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **_: Any) -> Never:  # type: ignore[override] # mypy's plugin takes it for a signature of its own making
        """Refused: an unchecked value may have no byte form."""
        raise TypeError(f"{cls.__name__} is made by validation alone")
