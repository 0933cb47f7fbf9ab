"""Build the statements on the `clients` view.

Values are bound parameters. Every statement reads clients of one tenant, and pages are key ranges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    TableClause,
    bindparam,
    column,
    false,
    func,
    literal_column,
    or_,
    select,
    table,
)

from exports.adapters.clients_sql.sql.expressions import CODE_SEPARATOR, HasAnyCode, Instant, Position, any_of
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.fields import VIEW_COLUMNS
from exports.request.filters import LISTED_COLUMNS, SEARCHED_COLUMNS, ClientFilter

CLIENTS: TableClause = table("clients", *(column(name) for name in VIEW_COLUMNS))
"""The view. Its columns have no types here, so values arrive as the driver gives them."""


def view_columns() -> Select[Any]:
    """Select no rows, but all columns of the view: the result names them."""
    return select(literal_column("*")).select_from(CLIENTS).where(literal_column("1") == literal_column("0"))


def boundaries(selection: ClientSelection, rows_per_page: int) -> Select[Any]:
    """Select the first client of every page and the very last client, in key order.

    A row holds the code, the position counted from 1, and a third value that is NULL only for the very last client.
    """
    code = CLIENTS.c.code
    numbered = (
        select(
            code,
            func.row_number().over(order_by=code).label("position"),
            func.lead(literal_column("1")).over(order_by=code).label("following"),
        )
        .where(*_conditions(selection))
        .subquery("numbered")
    )
    position, following = numbered.c.position, numbered.c.following
    page_starts = (position - literal_column("1")) % bindparam("rows_per_page", rows_per_page) == literal_column("0")
    return select(numbered.c.code, position, following).where(or_(page_starts, following.is_(None))).order_by(position)


def page(selection: ClientSelection, key_range: KeyRange) -> Select[Any]:
    """Select the clients of one key range, in key order."""
    return cells(selection, key_range, [CLIENTS.c[name] for name in selection.columns])


def sample(selection: ClientSelection, key_range: KeyRange, rows: int) -> Select[Any]:
    """Select the first clients of one key range, in key order."""
    return page(selection, key_range).limit(rows)


def cells(selection: ClientSelection, key_range: KeyRange, wanted: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """Select the wanted expressions for the clients of one key range, in key order."""
    code = CLIENTS.c.code
    conditions = _conditions(selection)
    if key_range.start is not None:
        conditions.append(code >= bindparam("start", key_range.start))
    if key_range.stop is not None:
        conditions.append(code < bindparam("stop", key_range.stop))
    return select(*wanted).select_from(CLIENTS).where(*conditions).order_by(code)


def is_filtered(selection: ClientSelection) -> bool:
    """Say whether a selection may leave out clients of its tenant."""
    return len(_conditions(selection)) > 1


def _conditions(selection: ClientSelection) -> list[ColumnElement[bool]]:
    return [CLIENTS.c.tenant == bindparam("tenant", selection.tenant), *_filter_conditions(selection.filter)]


def _filter_conditions(wanted: ClientFilter) -> Iterator[ColumnElement[bool]]:
    for attribute, name in LISTED_COLUMNS.items():
        if values := getattr(wanted, attribute):
            yield CLIENTS.c[name].in_(_storable(values))
    if wanted.service_codes:
        yield _has_any_service(_storable(wanted.service_codes))
    if wanted.search:
        yield any_of([_contains(text) for text in _storable([wanted.search])])
    if wanted.updated_since is not None:
        yield CLIENTS.c.updated_at >= bindparam("updated_since", wanted.updated_since, Instant())


def _storable(values: Sequence[str]) -> list[str]:
    """Drop text with a NUL, which no client can match: PostgreSQL refuses it and SQLite stops reading at the NUL."""
    return [str(value) for value in values if "\0" not in value]


def _contains(text: str) -> ColumnElement[bool]:
    wanted = func.lower(bindparam("search", text))
    return or_(*(Position(func.lower(CLIENTS.c[name]), wanted) > literal_column("0") for name in SEARCHED_COLUMNS))


def _has_any_service(wanted: Sequence[str]) -> ColumnElement[bool]:
    """Compare whole codes. Up to two spaces on either side of a code in the view are ignored.

    A wanted code that is blank or holds a separator matches no client.
    """
    listed = CODE_SEPARATOR.concat(CLIENTS.c.service_codes).concat(CODE_SEPARATOR)
    for spaced in ("'; '", "'; '", "' ;'", "' ;'"):
        listed = func.replace(listed, literal_column(spaced), CODE_SEPARATOR)
    codes = [bindparam(None, code, String()) for code in map(str.strip, wanted) if code and ";" not in code]
    return HasAnyCode(listed, *codes) if codes else false()
