"""What every canonical class builds on: frozen, closed, without surprises."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Self, dataclass_transform

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, SchemaSerializer, SchemaValidator, core_schema

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


def in_order(schema: CoreSchema) -> CoreSchema:
    """The schema of a class whose instances are read and written in code point order of their fields."""
    inner: Any = schema
    while inner["type"] not in ("model-fields", "dataclass-args"):
        if inner["type"] == "dataclass":
            inner["fields"] = sorted(inner["fields"])
        inner = inner["schema"]
    if inner["type"] == "model-fields":
        inner["fields"] = dict(sorted(inner["fields"].items()))
    else:
        inner["fields"] = sorted(inner["fields"], key=lambda field: str(field["name"]))
    return schema


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Canonical:
    """An immutable value with a closed set of fields, those without a value being None.

    Each class that builds on it is a dataclass that pydantic validates when it is made, and writes in the one
    byte form without sorting anything (canonical/encoding.py). It is no BaseModel, since hundreds are read,
    asked and compared for each message: that costs a dataclass half as much or less. What is used of a
    BaseModel's methods it has under the same names.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", str_max_length=4096)
    __pydantic_validator__: ClassVar[SchemaValidator]
    __pydantic_serializer__: ClassVar[SchemaSerializer]
    __pydantic_core_schema__: ClassVar[CoreSchema]
    __pydantic_fields__: ClassVar[dict[str, FieldInfo]]
    model_fields: ClassVar[Mapping[str, FieldInfo]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        dataclass(frozen=True, kw_only=True)(cls)
        cls.model_fields = cls.__pydantic_fields__

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return in_order(handler(source))

    @classmethod
    def model_validate(cls, value: Any) -> Self:
        """The value that a mapping or an instance says. Raises pydantic's ValidationError."""
        made: Self = cls.__pydantic_validator__.validate_python(value)
        return made

    @classmethod
    def model_validate_json(cls, raw: str | bytes) -> Self:
        """The value that a JSON text says. Raises pydantic's ValidationError."""
        made: Self = cls.__pydantic_validator__.validate_json(raw)
        return made

    def model_copy(self, *, update: Mapping[str, Any] | None = None) -> Self:
        """The same with other values of some fields, which are not validated."""
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__)
        copied.__dict__.update(update or {})
        return copied

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """The fields by name, nested ones too. options: those of pydantic's SchemaSerializer.to_python."""
        fields: dict[str, Any] = self.__pydantic_serializer__.to_python(self, **options)
        return fields

    def model_dump_json(self, **options: Any) -> str:
        """The same as JSON. options: those of pydantic's SchemaSerializer.to_json."""
        return self.__pydantic_serializer__.to_json(self, **options).decode()


Model = BaseModel | Canonical
"""Whatever pydantic validates and writes."""
