"""The official schemas, where an operator has them: a second opinion on messages that pass the tables.

They come from iso20022.org and cannot be shipped. Files are read once, at construction.
"""

from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from lxml import etree

from adapters.iso20022_read import path_of, problem_at
from canonical.problems import Problem, Rule


class Schemas:
    """Schemas by message, of the files that a directory has.

    Raises ValueError where it has none for any of `messages`, or one that is no schema.
    """

    def __init__(self, directory: Path, messages: Iterable[str]) -> None:
        files = {message: directory / f"{message}.xsd" for message in messages}
        self._schemas = {message: _schema(path) for message, path in files.items() if path.is_file()}
        # A schema object keeps the errors of its last use.
        self._lock = Lock()
        if not self._schemas:
            raise ValueError(f"{directory}: no schema such as {next(iter(files.values())).name}")

    @property
    def messages(self) -> tuple[str, ...]:
        """The messages that are checked; the others pass unseen."""
        return tuple(self._schemas)

    def problems(self, top: etree._Element, message: str) -> list[Problem]:
        """What the schema of `message` finds wrong with a Document or AppHdr; nothing where there is none."""
        schema = self._schemas.get(message)
        if schema is None:
            return []
        with self._lock:
            if schema.validate(top):
                return []
            return [_problem(top, entry) for entry in schema.error_log]


def _schema(path: Path) -> etree.XMLSchema:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.XMLSchema(etree.parse(path, parser))
    except (etree.XMLSyntaxError, etree.XMLSchemaParseError) as error:
        raise ValueError(f"{path}: not a schema: {error}") from error


def _problem(top: etree._Element, entry: etree._LogEntry) -> Problem:
    said = entry.message.replace("{" + (etree.QName(top).namespace or "") + "}", "")
    at = _element(top, entry.path)
    return problem_at(at, path_of(at, top), Rule.STRUCTURE, f"the official schema says: {said}")


def _element(top: etree._Element, path: str | None) -> etree._Element:
    found = etree.ElementTree(top).xpath(path) if path else None
    if isinstance(found, list) and found and isinstance(found[0], etree._Element):
        return found[0]
    return top
