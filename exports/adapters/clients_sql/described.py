"""Describe the `clients` view as it is now, and refuse one that a selection cannot use."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

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
        with connection.execute(sql_statements.view_columns()) as nobody:
            found = set(map(dialect.column_name, nobody.keys()))
        undescribed -= found
        if misspelt := misspelt_columns(undescribed, sorted(found)):
            raise SourceMismatchError(" ".join(misspelt.values()))
    return ClientView(dialect, described, absent=undescribed)
