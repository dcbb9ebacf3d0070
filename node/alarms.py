"""Alarms: what a person must look at, kept until it is over."""

import sqlite3
import time

import structlog

log = structlog.get_logger(__name__)


def raise_alarm(connection: sqlite3.Connection, key: str, text: str) -> None:
    """Note something that a person must look at. key: what it is about; it is told once until it is over.

    text: never what a message says.
    """
    cursor = connection.execute(
        "INSERT INTO alarm VALUES (?, ?, ?, NULL) ON CONFLICT (key)"
        " DO UPDATE SET text = excluded.text, raised = excluded.raised, cleared = NULL"
        " WHERE cleared IS NOT NULL",
        (key, text, time.time_ns() // 1000),
    )
    if cursor.rowcount:
        log.error("alarm", about=key, text=text)


def clear_alarm(connection: sqlite3.Connection, key: str) -> None:
    """Note that it is over."""
    cursor = connection.execute(
        "UPDATE alarm SET cleared = ? WHERE key = ? AND cleared IS NULL", (time.time_ns() // 1000, key)
    )
    if cursor.rowcount:
        log.info("alarm is over", about=key)


def is_raised(connection: sqlite3.Connection, key: str) -> bool:
    """Whether it is not over yet."""
    row = connection.execute("SELECT 1 FROM alarm WHERE key = ? AND cleared IS NULL", (key,)).fetchone()
    return row is not None
