"""Refuse the values of a SQLite view that cannot be keys or moments. No declared type keeps them out of a column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, String, and_, func, literal_column, select

from exports.adapters.clients_sql.dialects.sqlite_values import integer_of
from exports.adapters.clients_sql.sql.columns import CLIENTS, CellForm, ClientView, ViewColumn
from exports.errors import SourceMismatchError
from exports.ports.clients import ClientSelection

INTEGER, TEXT = "integer", "text"
"""The storage classes of keys: all values of a tenant have the same one."""

_NULL = "null"
_FIRST_TYPES = "SELECT typeof(code), typeof(tenant) FROM {view} WHERE code IS NOT NULL AND tenant IS NOT NULL LIMIT 1"

_COMPOUND = """
SELECT count(*) FROM sqlite_master WHERE type = 'view'
AND (instr(upper(sql), 'UNION') OR instr(upper(sql), 'INTERSECT') OR instr(upper(sql), 'EXCEPT'))
"""


_COLLATIONS = {5: "BINARY", 4: "NOCASE", 3: "RTRIM"}
"""The collations of SQLite ("Datatypes in SQLite", section 7), by how many of the texts below they tell apart."""

_DISTINCT_TEXTS = """
SELECT count(DISTINCT {column}) FROM (
    SELECT {column} FROM {view} WHERE 1 = 0
    UNION ALL SELECT 'a' UNION ALL SELECT 'A' UNION ALL SELECT 'a ' UNION ALL SELECT 'b' UNION ALL SELECT 'b '
)
"""


def find_collation(connection: Connection, column: str, view: str) -> str:
    """Return the name of the collation by which a column of a view is compared; empty if it is not one of SQLite's."""
    found = connection.exec_driver_sql(_DISTINCT_TEXTS.format(column=column, view=view)).scalar_one()
    return _COLLATIONS.get(found, "")


def has_compound_views(connection: Connection) -> bool:
    """Say whether a view may consist of several SELECTs. Its columns declare the types of the first one only."""
    return bool(connection.exec_driver_sql(_COMPOUND).scalar())


def describe_column(name: str, declared: str, *, is_compound: bool) -> ViewColumn:
    """Describe a column by its declared type. Only TEXT keeps numbers out of a column: SQLite converts them.

    Args:
        is_compound: Whether values may come from a column that declares another type.
    """
    has_text_affinity = any(word in declared.upper() for word in ("CHAR", "CLOB", "TEXT"))
    is_text = has_text_affinity and "INT" not in declared.upper() and not is_compound
    return ViewColumn(name, declared, CellForm.TEXT if is_text else CellForm.UNKNOWN, key=TEXT)


def describe_keys(
    connection: Connection, code: ViewColumn, tenant: ViewColumn, view: str
) -> tuple[ViewColumn, ViewColumn]:
    """Describe the key columns by the types of the first values found, unless both are declared as TEXT."""
    if code.form is tenant.form is CellForm.TEXT:
        return code, tenant
    found = connection.exec_driver_sql(_FIRST_TYPES.format(view=view)).one_or_none() or (_NULL, _NULL)
    return _key_column(code, found[0]), _key_column(tenant, found[1])


def _key_column(column: ViewColumn, found: str) -> ViewColumn:
    if found in (INTEGER, TEXT, _NULL):
        form = CellForm.INTEGER if found == INTEGER else column.form
        return ViewColumn(column.name, column.type_name, form, key=TEXT if found == _NULL else found)
    return ViewColumn(column.name, found.upper(), column.form, key=None)


def require_one_type(connection: Connection, view: ClientView, selection: ClientSelection) -> None:
    """Refuse a tenant whose codes have several types: their order is not that of their texts.

    Raises:
        SourceMismatchError: Names the column, the types, and the code of a client.
    """
    code, tenant = view.column("code"), view.column("tenant")
    if not view.columns:  # a view that is missing is reported by the statement that reads it
        return
    of_tenant = view.sql.of_tenant(tenant, selection.tenant)
    for wrong in _other_types(code.key):
        if (found := wrong(connection, of_tenant)) is not None and found.code_type != code.key:
            raise _mixed(code, found.code_type, code.key, f"One client has the code {found.code}.")
    if (number := integer_of(selection.tenant)) is not None:
        wanted = CLIENTS.c.tenant.in_([number, selection.tenant])
        other_tenant = func.typeof(CLIENTS.c.tenant) != literal_column(f"'{tenant.key}'")
        if (found := _first(connection, and_(wanted, other_tenant))) is not None:
            raise _mixed(tenant, found.tenant_type, tenant.key, "")


def _other_types(key: str) -> Iterator[Callable[[Connection, ColumnElement[bool]], Row[Any] | None]]:
    """Yield searches for a code of another type than `key`.

    SQLite orders numbers before text and text before BLOB. So if the first and the last code are text, all are.
    """
    code = CLIENTS.c.code
    if key == TEXT:
        yield lambda connection, of_tenant: _first(connection, and_(of_tenant, code.is_not(None)), code)
        yield lambda connection, of_tenant: _first(connection, and_(of_tenant, code.is_not(None)), code.desc())
    else:
        is_other = func.typeof(code).not_in([key, _NULL])
        yield lambda connection, of_tenant: _first(connection, and_(of_tenant, is_other))


def _mixed(column: ViewColumn, found: str, first: str, private: str) -> SourceMismatchError:
    message = (
        f"The column {column.name} of the view clients holds values of the types {first.upper()} and {found.upper()}, "
        f"which cannot be compared as a key. Write in the view: CAST({column.name} AS TEXT) AS {column.name}."
    )
    return SourceMismatchError(message, private, column.name)


def find_bad_moment(connection: Connection, view: ClientView, selection: ClientSelection) -> SourceMismatchError | None:
    """Return the error for a client whose `updated_at` is no moment; None if there is none, or nothing compares it."""
    if selection.filter.updated_since is None and selection.filter.updated_until is None:
        return None
    of_tenant = view.sql.of_tenant(view.column("tenant"), selection.tenant)
    is_bad = func.is_client_moment(CLIENTS.c.updated_at) == literal_column("0")
    found = _first(connection, and_(of_tenant, is_bad))
    if found is None:
        return None
    message = (
        "The column updated_at of the view clients holds a value that is not a moment, so updatedSince and "
        "updatedUntil cannot compare it. Write text such as 2026-01-31T09:00:00Z or 2026-01-31 09:00:00 (UTC), or "
        "whole seconds since 1970."
    )
    return SourceMismatchError(message, f"The client has the code {found.code}.", "updated_at")


def _first(connection: Connection, condition: ColumnElement[bool], *order: ColumnElement[Any]) -> Row[Any] | None:
    types = (func.typeof(CLIENTS.c[name]).label(f"{name}_type") for name in ("code", "tenant"))
    code = func.printf("%s", CLIENTS.c.code, type_=String()).label("code")
    return connection.execute(
        select(code, *types).select_from(CLIENTS).where(condition).order_by(*order).limit(1)
    ).first()
