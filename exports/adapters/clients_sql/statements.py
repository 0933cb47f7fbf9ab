"""Statements on the `clients` view. Values are bound parameters, clients come from one tenant, pages are key ranges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    Dialect,
    Integer,
    Select,
    String,
    TableClause,
    bindparam,
    case,
    column,
    false,
    func,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.fields import VIEW_COLUMNS
from exports.request.filters import LISTED_COLUMNS, SEARCHED_COLUMNS, ClientFilter
from shared.models import rfc3339

CLIENTS: TableClause = table("clients", *(column(name) for name in VIEW_COLUMNS))
"""The view. Its columns have no types, so rows come as the driver gives them."""

_SEPARATOR = literal_column("';'", String())
"""Of service codes."""


def view_columns() -> Select[Any]:
    """No rows, but the names of all columns the view has."""
    return select(literal_column("*")).select_from(CLIENTS).where(literal_column("1") == literal_column("0"))


def boundaries(selection: ClientSelection, rows_per_page: int) -> Select[Any]:
    """The first client of every page and the very last client, as (code, position from 1, `None` if the last)."""
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
    """The clients of one key range, in key order."""
    return cells(selection, key_range, [CLIENTS.c[name] for name in selection.columns])


def sample(selection: ClientSelection, key_range: KeyRange, rows: int) -> Select[Any]:
    """The first clients of one key range, in key order."""
    return page(selection, key_range).limit(rows)


def cells(selection: ClientSelection, key_range: KeyRange, wanted: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """What is wanted of the clients of one key range, in key order."""
    code = CLIENTS.c.code
    conditions = _conditions(selection)
    if key_range.start is not None:
        conditions.append(code >= bindparam("start", key_range.start))
    if key_range.stop is not None:
        conditions.append(code < bindparam("stop", key_range.stop))
    return select(*wanted).select_from(CLIENTS).where(*conditions).order_by(code)


def is_filtered(selection: ClientSelection) -> bool:
    """Say whether a selection is anything but all clients of its tenant."""
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
        yield _any_of([_contains(text) for text in _storable([wanted.search])])
    if wanted.updated_since is not None:
        yield CLIENTS.c.updated_at >= bindparam("updated_since", wanted.updated_since, _Instant())


def _storable(values: Sequence[str]) -> list[str]:
    """Leave out text with a NUL: PostgreSQL refuses it and SQLite stops reading at it; no client can match it."""
    return [str(value) for value in values if "\0" not in value]


def _any_of(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """As `or_`, but flat: SQLite refuses a chain of a thousand ORs as too deep."""
    if not conditions:
        return false()
    one = literal_column("1", Integer())
    return case(*((condition, one) for condition in conditions), else_=literal_column("0")) == one


def _contains(text: str) -> ColumnElement[bool]:
    wanted = func.lower(bindparam("search", text))
    return or_(*(_position(func.lower(CLIENTS.c[name]), wanted) > literal_column("0") for name in SEARCHED_COLUMNS))


def _has_any_service(wanted: Sequence[str]) -> ColumnElement[bool]:
    """Whole codes only, none blank or with a separator; up to two spaces are tolerated on either side of a code."""
    listed = _SEPARATOR.concat(CLIENTS.c.service_codes).concat(_SEPARATOR)
    for spaced in ("'; '", "'; '", "' ;'", "' ;'"):
        listed = func.replace(listed, literal_column(spaced), _SEPARATOR)
    codes = [bindparam(None, code, String()) for code in map(str.strip, wanted) if code and ";" not in code]
    return _lists_any(listed, *codes) if codes else false()


class _lists_any(FunctionElement[bool]):  # noqa: N801 - reads as a function of SQL
    """Whether the first, a list of texts, each between separators, holds one of the others."""

    type = Boolean()
    inherit_cache = True


@compiles(_lists_any)
def _compile_lists_any(element: _lists_any, compiler: SQLCompiler, **options: Any) -> str:
    listed, *wanted = element.clauses
    found = [_position(listed, _SEPARATOR.concat(one).concat(_SEPARATOR)) > literal_column("0") for one in wanted]
    return compiler.process(_any_of(found), **options)


@compiles(_lists_any, "postgresql")
def _compile_lists_any_postgresql(element: _lists_any, compiler: SQLCompiler, **options: Any) -> str:
    """Takes the list apart once, not once for each of what may be a thousand."""
    listed, *wanted = (compiler.process(part, **options) for part in element.clauses)
    return f"string_to_array({listed}, ';') && ARRAY[{', '.join(wanted)}]::text[]"


class _position(FunctionElement[int]):  # noqa: N801 - reads as a function of SQL
    """Where the second text begins in the first; 0 if nowhere. Unlike LIKE it knows no wildcard characters."""

    inherit_cache = True


@compiles(_position)
def _compile_position(element: _position, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(_position, "postgresql")
def _compile_position_postgresql(element: _position, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


@compiles(_position, "mssql")
def _compile_position_mssql(element: _position, compiler: SQLCompiler, **options: Any) -> str:
    text, wanted = (compiler.process(part, **options) for part in element.clauses)
    return f"charindex({wanted}, {text})"


class _Instant(TypeDecorator[datetime]):
    """A moment, as the dialect compares it: ISO text in SQLite, a zoned timestamp in PostgreSQL, UTC elsewhere."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String())
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return rfc3339(_up_to_the_millisecond(value))
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.replace(tzinfo=None)


def _up_to_the_millisecond(moment: datetime) -> datetime:
    """`rfc3339` cuts to milliseconds; rounding up keeps what is earlier than the moment out."""
    return moment + timedelta(microseconds=-moment.microsecond % 1000)
