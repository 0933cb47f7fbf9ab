"""Notice a connection to SQL Server that is lost, or a server that falls silent, while rows are fetched.

`mssql-python` 1.16 then raises a bare `RuntimeError` for long text. If the connection is lost, for short text and
numbers it raises nothing: it returns the rows that have arrived as if they were all, and keeps the error among the
messages of the cursor.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mssql_python import Connection, Cursor, Error, OperationalError
from mssql_python.exceptions import sqlstate_to_exception

_STATE = re.compile(r"\[(?P<state>\w{5})\]")
_LOST = "Communication link failure"
"""The driver's words for the SQLSTATE 08S01, by which SQLAlchemy knows that it must throw the connection away."""

_TIMEOUT = "Timeout expired"
"""The driver's words for the SQLSTATE HYT00."""

_HARMLESS = ("00", "01")
"""Classes of SQLSTATEs: success, and warnings such as the messages of PRINT."""


class CheckedConnection(Connection):
    """A connection whose cursors never return a part of a result as the whole."""

    def cursor(self) -> Cursor:
        """Open a cursor that checks what it has fetched."""
        cursor = super().cursor()
        cursor.__class__ = CheckedCursor
        return cursor


class CheckedCursor(Cursor):
    """A cursor that raises the error of a lost connection."""

    def limit(self, seconds: int) -> None:
        """Limit the statements that the cursor begins from now on."""
        self._timeout = seconds

    def fetchone(self) -> Any:
        """Fetch as the driver does, or raise its error."""
        with self._checked():
            return super().fetchone()

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """Fetch as the driver does, or raise its error."""
        with self._checked():
            return super().fetchmany(size)

    def fetchall(self) -> list[Any]:
        """Fetch as the driver does, or raise its error."""
        with self._checked():
            return super().fetchall()

    @contextmanager
    def _checked(self) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        except RuntimeError as error:
            if self._is_lost():
                raise OperationalError(_LOST, str(error)) from error
            if 0 < self._timeout <= time.monotonic() - started:
                raise OperationalError(_TIMEOUT, str(error)) from error
            raise
        for state, text in self.messages:
            found = _STATE.match(state)
            if found is not None and not found["state"].startswith(_HARMLESS):
                raise sqlstate_to_exception(found["state"], text) or OperationalError(state, text)

    def _is_lost(self) -> bool:
        """Say whether the connection is of no more use. The transaction has only read, so it may end here."""
        try:
            self.connection.rollback()
        except Error:
            return True
        return False
