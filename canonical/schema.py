"""The layout as a JSON Schema, for whoever reads or writes canonical objects in another language."""

from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from canonical.answer import Answer
from canonical.result import Receipt, Rejection, Result
from canonical.submission import Submission

_ALL: TypeAdapter[Any] = TypeAdapter(Submission | Receipt | Rejection | Result | Answer)


class ByteForm(GenerateJsonSchema):
    """The schema of the byte form: what has no value is left out, never null; all else is there."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """That of the value."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """That of the value."""
        return self.generate_inner(schema["schema"])

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,  # noqa: FBT001, ARG002 - pydantic calls it so
    ) -> bool:
        """Whether the field is always there."""
        inner: Any = field["schema"]
        may_have_none = inner["type"] == "nullable" or inner.get("default", ...) is None
        return not may_have_none


def layout_schema() -> dict[str, Any]:
    """The JSON Schema of all that nodes exchange and answer."""
    found = _ALL.json_schema(schema_generator=ByteForm)
    head = {
        "$schema": GenerateJsonSchema.schema_dialect,
        "title": "Yakujo canonical layout",
        "description": "A submission, what a contract says to it, and what one side hears of it.",
    }
    return {**head, **found}
