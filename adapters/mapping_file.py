"""Loads a mapping file. What may stand in one: adapters/mapping_rules.py, docs/integrators/mappings.md."""

import tomllib
from pathlib import Path

from pydantic import ValidationError

from adapters.mapping_check import mistakes
from adapters.mapping_rules import MappingFile

__all__ = ["MappingError", "MappingFile", "load_mapping"]

_SHOWN_MAX = 10


class MappingError(Exception):
    """A mapping file is wrong: the message says which file and what to change."""


def load_mapping(path: Path) -> MappingFile:
    """The mapping in `path`. Raises MappingError where it cannot be read or contradicts itself."""
    try:
        mapping = MappingFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MappingError(f"{path}: {error}") from error
    except ValidationError as error:
        faults = (f"{'.'.join(str(part) for part in f['loc'])}: {f['msg']}" for f in error.errors())
        raise MappingError(_told(path, list(faults))) from error
    if found := list(mistakes(mapping)):
        raise MappingError(_told(path, found))
    return mapping


def _told(path: Path, mistakes: list[str]) -> str:
    return "\n".join(f"{path}: {mistake}" for mistake in mistakes[:_SHOWN_MAX])
