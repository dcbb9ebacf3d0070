"""Acts of what an operator has given, typed or in a file: what cannot be said is told before it is signed."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from canonical.base import Canonical
from node.rules_document import faults_of
from node.setup import SetupError

Made = TypeVar("Made", bound=Canonical)


def act_of(model: type[Made], given: Mapping[str, Any], place: str = "") -> Made:
    """An act, or a part of one, with these fields. place: where they stand, "FILE: ", if they were read.

    Raises SetupError with all that is wrong, each fault in a line.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        faults = (f"{place}{field}: {text}" for field, text in faults_of(error, model))
        raise SetupError("\n".join(faults)) from error
