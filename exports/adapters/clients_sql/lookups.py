"""Look up what a user sees before an export: how many clients there are, and which values the filters can have.

Each statement has a time limit, because a user waits for the answer. What is not found in time stays unknown.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, Select

from exports.adapters.clients_sql.described import describe_view
from exports.adapters.clients_sql.row_lists import stream_sample
from exports.adapters.clients_sql.sql import statements as sql_statements
from exports.adapters.clients_sql.sql.checks import require_columns
from exports.adapters.clients_sql.sql.columns import ClientView
from exports.adapters.clients_sql.time_limits import TooSlowError, limited
from exports.file.renderer import Row
from exports.ports.clients import ClientSelection
from exports.request.filter_values import (
    NAMED_VALUES,
    VALUE_COLUMNS,
    FilterValueDto,
    FilterValuesDto,
    is_offered,
    services_in,
)
from exports.request.preview import ClientCount

_MAX_SERVICE_LISTS = 10_000
"""The most different values of `service_codes` that are read. Each lists the services of some clients."""

COUNTED_FIRST = 10_000
"""The lower bound that is found before all clients are counted: some ten milliseconds of the database's time."""


def read_first(
    connection: Connection, view: ClientView, selection: ClientSelection, rows: int, seconds: float
) -> tuple[list[Row], bool]:
    """Read the first clients, at most `rows`, for so many seconds.

    It may take twice as long in PostgreSQL, which limits the search for each row.

    Returns:
        The clients that were found in time, and whether these are all that were wanted.
    """
    end, found = time.monotonic() + seconds, list[Row]()
    try:
        with limited(connection, seconds), closing(stream_sample(connection, view, selection, rows)) as stream:
            for row in stream:
                found.append(row)
                if len(found) < rows and time.monotonic() >= end:
                    return found, False
    except TooSlowError:
        return found, len(found) == rows
    return found, True


def count_clients(connection: Connection, view: ClientView, selection: ClientSelection, seconds: float) -> ClientCount:
    """Let the database count the clients, for so many seconds at most.

    It first counts up to `COUNTED_FIRST` clients, which is quick if many pass the filter. So the answer to an impatient
    reader is at least a lower bound.
    """
    end = time.monotonic() + seconds
    try:
        least = _number(connection, sql_statements.count_up_to(view, selection, COUNTED_FIRST), seconds)
    except TooSlowError:
        return ClientCount()
    if least < COUNTED_FIRST:
        return ClientCount(total=least)
    try:
        return ClientCount(total=_number(connection, sql_statements.count(view, selection), end - time.monotonic()))
    except TooSlowError:
        return ClientCount(minimum=least)


def _number(connection: Connection, statement: Select[Any], seconds: float) -> int:
    ((number,),) = _rows(connection, statement, seconds)
    return int(number)


def find_filter_values(connection: Connection, tenant: str, most: int, seconds: float) -> FilterValuesDto:
    """Find the values of each filter by a statement of its own.

    A list is empty if the view lacks its column, or if no filter can compare the column.

    Args:
        most: The most values of each list.
        seconds: The most seconds for each statement.
    """
    view = describe_view(connection, ("tenant", "code", "name", *VALUE_COLUMNS))
    require_columns(ClientSelection(tenant, ()), view.absent)
    lists: dict[str, tuple[FilterValueDto, ...]] = {}
    truncated = False
    for name, (code_column, name_column) in NAMED_VALUES.items():
        if code_column in view.absent or view.column(code_column).key is None:
            continue
        statement = sql_statements.values(view, tenant, code_column, _usable(view, name_column), most + 1)
        try:
            rows = _rows(connection, statement, seconds)
        except TooSlowError:
            rows, truncated = [], True
        truncated |= len(rows) > most
        lists[name] = tuple(_named(view, code_column, rows[:most]))
    services, is_complete = _services(connection, view, tenant, most, seconds)
    return FilterValuesDto(**lists, services=services, truncated=truncated or not is_complete)


def _usable(view: ClientView, name: str) -> str | None:
    """Return the name of a column if its values can be shown."""
    return None if name in view.absent or view.column(name).form is None else name


def _named(view: ClientView, column: str, rows: Sequence[Any]) -> Iterator[FilterValueDto]:
    described = view.column(column)
    for value, *names in rows:
        code = view.sql.key_text(described, value)
        if is_offered(code):
            name = next((str(name) for name in names if name is not None), "").strip()
            yield FilterValueDto(code=code, name=name or None)


def _services(
    connection: Connection, view: ClientView, tenant: str, most: int, seconds: float
) -> tuple[tuple[FilterValueDto, ...], bool]:
    """Return the services, and whether these are all."""
    if "service_codes" in view.absent or view.column("service_codes").form is None:
        return (), True
    try:
        rows = _rows(connection, sql_statements.service_lists(view, tenant, _MAX_SERVICE_LISTS + 1), seconds)
    except TooSlowError:
        return (), False
    codes = sorted(set[str]().union(*(services_in(str(text)) for (text,) in rows if text is not None)))
    is_complete = len(rows) <= _MAX_SERVICE_LISTS and len(codes) <= most
    return tuple(FilterValueDto(code=code, name=None) for code in codes[:most]), is_complete


def _rows(connection: Connection, statement: Select[Any], seconds: float) -> Sequence[Any]:
    with limited(connection, seconds):
        return connection.execute(statement).all()
