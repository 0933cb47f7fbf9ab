"""Find the value that made a database or its driver fail, and name its column and its client.

Databases say that a value is bad, but not which one. So the range is read again, in halves, until one client is left,
and then its columns one by one. That takes some dozens of statements, and only after a failure that ends the job.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Select

from exports.adapters.clients_sql.dialects.registry import dialect_named
from exports.adapters.clients_sql.sql import statements as sql_statements
from exports.adapters.clients_sql.sql.columns import CellForm, ClientView, ViewColumn
from exports.adapters.clients_sql.sql.translations import UnreadableValueError
from exports.errors import SourceMismatchError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.fields import CellKind
from exports.request.filters import ClientFilter

Connect = Callable[[], AbstractContextManager[Connection]]
"""Opens a connection. An error of the driver inside the context is raised as an error of `exports.errors`."""

_CALENDAR = "a date that a file can show is a day of the calendar in the years 1 to 9999"
_OTHER_HINT = "text must be valid in the character set of the database, and the expression in the view must not fail"
_HINTS = {
    CellForm.DATE: _CALENDAR,
    CellForm.TIMESTAMP: _CALENDAR,
    CellForm.INSTANT: _CALENDAR,
    CellForm.TIME: "a time must be before 24:00",
}


@dataclass(frozen=True)
class BadCellFinder:
    """Looks for a bad value among the clients of one selection."""

    connect: Connect
    view: ClientView
    selection: ClientSelection
    hint: str = ""
    """What is wrong with the value, if that is known."""

    def find(self, key_range: KeyRange, rows: int | None = None) -> SourceMismatchError | None:
        """Return the error for the first bad value; None if reading the range again does not fail.

        Args:
            rows: Only the first clients of the range, if it is a sample.

        Raises:
            TransientError: Can be tried again.
        """
        codes = self._codes(key_range, None if rows is None else rows + 1)
        if codes is None:  # with a filter, it may be another column that cannot be read
            unfiltered = replace(self, selection=replace(self.selection, filter=ClientFilter()))
            return _unreadable_code() if unfiltered._codes(key_range, rows) is None else None
        if not codes or not self._fails(_first(key_range, codes, rows or len(codes))):
            return None
        good, bad = 0, min(rows or len(codes), len(codes))
        while bad - good > 1:
            middle = (good + bad) // 2
            if self._fails(_first(key_range, codes, middle)):
                bad = middle
            else:
                good = middle
        client = KeyRange(codes[good], _first(key_range, codes, bad).stop)
        names = (name for name in self.selection.columns if self._fails(client, (name,)))
        name = next(names, None)
        return None if name is None else self._error(name, codes[good])

    def _codes(self, key_range: KeyRange, rows: int | None) -> list[str] | None:
        """Return the codes in the range; None if they cannot be read."""
        statement = sql_statements.page(self.view, replace(self.selection, columns=("code",)), key_range)
        try:
            with self.connect() as connection:
                return [str(code) for (code,) in connection.execute(statement.limit(rows))]
        except UnreadableValueError:
            return None

    def _fails(self, key_range: KeyRange, columns: Sequence[str] | None = None) -> bool:
        chosen = replace(self.selection, columns=tuple(columns or self.selection.columns))
        return self._fails_to_run(sql_statements.page(self.view, chosen, key_range))

    def _fails_to_run(self, statement: Select[Any]) -> bool:
        try:
            with self.connect() as connection:
                result = connection.execute(statement.execution_options(stream_results=True))
                cursor = result.cursor
                for _ in result:
                    pass
                dialect_named(connection.dialect.name).require_whole(connection, cursor)
        except UnreadableValueError:
            return True
        return False

    def _error(self, name: str, code: str) -> SourceMismatchError:
        column = self.view.column(name)
        of_type = f" of the type {column.type_name}" if column.type_name else ""
        hint = self.hint or _hint(column)
        message = (
            f"The column {name} of the clients view holds a value{of_type} that cannot be written: {hint}. "
            "Correct the value, or replace it in the view."
        )
        return SourceMismatchError(message, f"The client has the code {code}." if code else "", column=name)


def _unreadable_code() -> SourceMismatchError:
    """Make the error for codes that cannot be read. Some views compute all columns, whichever are asked for."""
    message = (
        "The column code of the clients view, or an expression or a function elsewhere in the view, gives a value that "
        f"cannot be read: {_OTHER_HINT}. Correct the value, or replace it in the view."
    )
    return SourceMismatchError(message, column="code")


def _first(key_range: KeyRange, codes: Sequence[str], count: int) -> KeyRange:
    """Return the range of the first clients only."""
    return KeyRange(key_range.start, codes[count]) if count < len(codes) else key_range


def _hint(column: ViewColumn) -> str:
    if column.kind is CellKind.BOOLEAN:
        return "it is not a boolean (true, false, 1 or 0)"
    if column.kind is CellKind.DATE:
        return "it is not a date (YYYY-MM-DD) in the years 1 to 9999"
    element = getattr(column.details, "element", None)
    form = element.form if element is not None else column.form
    return _HINTS.get(form or CellForm.UNKNOWN, _OTHER_HINT)
