"""SQLite, read through Python's own driver."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, Engine, String, event, text

from exports.adapters.clients_sql.dialects.base import CONNECT_TIMEOUT_SECONDS, SourceDialect
from exports.adapters.clients_sql.sql.expressions import bind_moments
from exports.adapters.clients_sql.sql.translations import (
    BUSY,
    LOGIN,
    NO_ANSWER,
    NO_COLUMN,
    NO_VIEW,
    STATEMENT,
    Translation,
)
from shared.models import rfc3339

_RESULT_CODES = {
    "SQLITE_CANTOPEN": NO_ANSWER,
    "SQLITE_IOERR": NO_ANSWER,
    "SQLITE_PROTOCOL": BUSY,
    "SQLITE_BUSY": BUSY,
    "SQLITE_LOCKED": BUSY,
    "SQLITE_INTERRUPT": BUSY,
    "SQLITE_AUTH": LOGIN,
    "SQLITE_PERM": LOGIN,
}
"""Translations by the beginning of a result code's name: extended codes such as `SQLITE_IOERR_READ` count too."""

_SEARCH_FROM_A_KEY = re.compile(r"SEARCH .* USING .*>\?\)")


class SqliteDialect(SourceDialect):
    """A SQLite file."""

    connect_args: ClassVar = {"timeout": CONNECT_TIMEOUT_SECONDS}
    pre_ping: ClassVar = False
    skip_scan_step: ClassVar = "SELECT ({next_code}), hop.page + 1, hop.code FROM hop WHERE hop.code IS NOT NULL"
    """A subquery among the columns, because SQLite has no LATERAL."""

    def reading_url(self, url: URL) -> URL:
        """Open the file read-only, so a wrong path creates no empty database."""
        database = url.database or ""
        uri = database if database.startswith("file:") else Path(database).absolute().as_uri()
        return url.set(database=uri, query={**url.query, "mode": "ro", "uri": "true"})

    def limit_sessions(self, engine: Engine) -> Engine:
        """Teach each connection all letters; the URL has asked for read-only access, and SQLite has no time limit."""
        event.listen(engine, "connect", _replace_lower)
        return engine

    def translate(self, error: BaseException | None) -> Translation | None:
        """Translate by the message, then by the name of the result code; refuse every other statement."""
        if not isinstance(error, sqlite3.Error):
            return None
        message = str(error)
        if message.startswith("no such table"):
            return NO_VIEW
        if message.startswith("no such column"):
            return NO_COLUMN
        name = getattr(error, "sqlite_errorname", "")
        return next((translation for code, translation in _RESULT_CODES.items() if name.startswith(code)), STATEMENT)

    def is_skip_scan_efficient(self, connection: Connection, statement: str, values: Mapping[str, Any]) -> bool:
        """Say whether a step is one search in one index, from its key on. A sort would be another line of the plan."""
        lines = connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"), values).all()
        children: dict[int, list[tuple[int, str]]] = {}
        for number, parent, _, words in lines:
            children.setdefault(parent, []).append((number, words))
        recursions = [number for number, _, _, words in lines if words == "RECURSIVE STEP"]
        subqueries = [line for number in recursions for line in children.get(number, ()) if "SUBQUERY" in line[1]]
        searches = [words for number, _ in subqueries for _, words in children.get(number, ())]
        return len(searches) == 1 and _SEARCH_FROM_A_KEY.fullmatch(searches[0]) is not None


def _replace_lower(connection: sqlite3.Connection, _record: object) -> None:
    """Replace SQLite's `lower`, which knows only the letters A to Z."""
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _moment_text(moment: datetime) -> str:
    """Return text as the view has it, to the millisecond.

    `rfc3339` cuts to milliseconds. Rounding up first leaves out clients that changed just before the moment.
    """
    return rfc3339(moment + timedelta(microseconds=-moment.microsecond % 1000))


bind_moments("sqlite", String(), _moment_text)
