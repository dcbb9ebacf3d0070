"""How the daemon logs: one line per event on standard error, as JSON for machines or in words for people.

Events name clients, positions, references to code and counts; what messages say does not belong in a log.
Values from outside are cut and kept on one line, so that nobody can write lines of his own into it.
"""

import logging
import sys
from collections.abc import MutableMapping
from enum import StrEnum
from typing import Any

import structlog

VALUE_CHARACTERS_MAX = 500


class LogForm(StrEnum):
    """How an event is written. auto: in words on a terminal, else as JSON."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """The least grave event that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def configure_logging(form: LogForm = LogForm.AUTO, level: LogLevel = LogLevel.INFO) -> None:
    """Send all events of this process to standard error."""
    in_words = form is LogForm.CONSOLE or (form is LogForm.AUTO and sys.stderr.isatty())
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _on_one_line,
    ]
    if in_words:
        processors.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))
    else:
        processors += [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.value.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,  # loggers are made when modules are imported, before this is called
    )


def _on_one_line(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Text values without line ends and escape sequences, of bounded length."""
    for name, value in event.items():
        if isinstance(value, str) and (len(value) > VALUE_CHARACTERS_MAX or not value.isprintable()):
            shown = "".join(c if c.isprintable() else " " for c in value)
            event[name] = (
                shown if len(shown) <= VALUE_CHARACTERS_MAX else shown[: VALUE_CHARACTERS_MAX - 1] + "…"
            )
    return event
