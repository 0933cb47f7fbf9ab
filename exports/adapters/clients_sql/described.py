"""Describe a view of the client database as it is now, and refuse a view `clients` that a selection cannot use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, literal_column, select, table

from exports.adapters.clients_sql.dialects.registry import dialect_named
from exports.adapters.clients_sql.sql import statements as sql_statements
from exports.adapters.clients_sql.sql.checks import misspelt_columns, require_columns, require_usable
from exports.adapters.clients_sql.sql.columns import ClientView
from exports.errors import SourceMismatchError
from exports.ports.clients import ClientSelection


def describe_selected(connection: Connection, selection: ClientSelection) -> ClientView:
    """Describe the view. Refuse it before a client is read if an export of the selection would fail by its columns."""
    view = describe_view(connection, sql_statements.needed_columns(selection))
    require_columns(selection, view.absent)
    require_usable(view, selection)
    return view


def describe_view(connection: Connection, names: Sequence[str]) -> ClientView:
    """Describe the named columns. If some are not described, one more statement says whether the view has them."""
    dialect = dialect_named(connection.dialect.name)
    described = dialect.describe(connection, names)
    undescribed = frozenset(names) - described.keys()
    if undescribed:
        found = column_names(connection)
        undescribed -= found
        if misspelt := misspelt_columns(undescribed, sorted(found)):
            raise SourceMismatchError(" ".join(misspelt.values()))
    return ClientView(dialect, described, absent=undescribed)


def column_names(connection: Connection, view: str = "clients") -> set[str]:
    """Name the columns that a view has, by a statement that selects no row."""
    every: Select[Any] = select(literal_column("*")).select_from(table(view))
    with connection.execute(every.where(literal_column("1") == literal_column("0"))) as nobody:
        return set(map(dialect_named(connection.dialect.name).column_name, nobody.keys()))
