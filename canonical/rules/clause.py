"""What every part of the rules builds on: as it was written, so that what it leaves out is known."""

from typing import Any, Never

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from canonical.base import in_order


class Clause(BaseModel):
    """A part of the rules: immutable, with a closed set of fields, in the one byte form like all else.

    `model_fields_set` are those that the two sides have stated; the others are as they are by default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_max_length=4096)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return in_order(handler(source))

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **_: Any) -> Never:  # type: ignore[override] # mypy's plugin takes it for a signature of its own making
        """Refused: an unchecked value may have no byte form."""
        raise TypeError(f"{cls.__name__} is made by validation alone")
