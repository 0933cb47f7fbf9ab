"""Read clients in lists of bounded length, as tuples of the driver."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from sys import getsizeof
from typing import Any

from sqlalchemy import Connection, CursorResult

from exports.adapters.clients_sql.dialects.registry import dialect_named
from exports.adapters.clients_sql.sql import statements as sql_statements
from exports.adapters.clients_sql.sql.columns import ClientView
from exports.file.ranges import KeyRange
from exports.file.renderer import Row
from exports.ports.clients import ClientSelection

ROWS_PER_LIST = 2_000
_FIRST_ROWS = 50
_BYTES_PER_LIST, _BYTES_PER_REQUEST = 1024 * 1024, 4 * 1024 * 1024
"""Lists are shorter if rows are long: a processor renders rows faster that fit in its second cache. If each list is a
request, they may be longer. The first list is short, because the length of the rows is not known yet."""


def read_sample(
    connection: Connection, view: ClientView, selection: ClientSelection, key_range: KeyRange, rows: int
) -> list[Row]:
    """Read the first clients of a key range, at most `rows`."""
    with connection.execute(sql_statements.sample(view, selection, key_range, rows)) as result:
        cursor = result.cursor
        found = _finisher(view, selection.columns)(_fetch_tuples(result, rows))
    dialect_named(connection.dialect.name).require_whole(connection, cursor)
    return found


def stream_sample(
    connection: Connection, view: ClientView, selection: ClientSelection, rows: int
) -> Generator[Row, None, None]:
    """Yield the first clients, at most `rows`, soon after the database finds them.

    If each fetch is a request, it is for three times as many as the one before: the first client comes at once, and few
    requests suffice.
    """
    dialect, finish = dialect_named(connection.dialect.name), _finisher(view, selection.columns)
    statement = sql_statements.sample(view, selection, KeyRange(), rows)
    with connection.execute(statement.execution_options(stream_results=dialect.streams_by_requests)) as result:
        cursor, count = result.cursor, 1
        while found := _fetch_tuples(result, count):
            yield from finish(found)
            if len(found) < count:
                break
            count *= 3 if dialect.streams_by_requests else 1
    dialect.require_whole(connection, cursor)


def read_lists(
    connection: Connection, view: ClientView, selection: ClientSelection, key_range: KeyRange
) -> Generator[list[Row], None, None]:
    """Yield the clients of a key range, at most `ROWS_PER_LIST` in a list.

    Each list is given away before the next one is read. So if the caller drops it, the next one gets its memory, which
    is still in the cache of the processor.
    """
    dialect, finish = dialect_named(connection.dialect.name), _finisher(view, selection.columns)
    most_bytes = _BYTES_PER_REQUEST if dialect.streams_by_requests else _BYTES_PER_LIST
    statement, unpack = dialect.packed(connection, sql_statements.page(view, selection, key_range))
    with connection.execute(statement.execution_options(stream_results=True)) as result:
        cursor, count = result.cursor, _FIRST_ROWS
        while rows := unpack(_fetch_tuples(result, count)):
            count = _rows_like(rows[-1], most_bytes)
            lists = [finish(rows)]
            del rows
            yield lists.pop()
    dialect.require_whole(connection, cursor)


def _finisher(view: ClientView, columns: Sequence[str]) -> Callable[[list[Row]], list[Row]]:
    """Return a function that finishes, in each row, the values that SQL alone cannot make."""
    changes = {place: change for place, name in enumerate(columns) if (change := view.column(name).finish)}

    def finish(rows: list[Row]) -> list[Row]:
        for place, change in changes.items():
            rows = [(*row[:place], change(row[place]), *row[place + 1 :]) for row in rows]
        return rows

    return finish


def _fetch_tuples(result: CursorResult[Any], count: int) -> list[Row]:
    """Fetch as `result.fetchmany` does, but keep the driver's tuples: turning SQLAlchemy's rows into columns takes
    twice as long. Never fetch from `result.cursor` itself: the result has already taken the first row from it."""
    return list(result.cursor_strategy.fetchmany(result, result.cursor, count))


def _rows_like(row: Row, most_bytes: int) -> int:
    """Choose how many rows of this length make a list."""
    return max(1, min(ROWS_PER_LIST, most_bytes // (sum(map(getsizeof, row)) + 1)))
