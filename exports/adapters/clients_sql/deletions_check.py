"""Check the view of deleted clients: its columns by their types, and what an export since another would find in it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection

from exports.adapters.clients_sql.deletions_view import (
    DELETION_COLUMNS,
    SEE_DELETIONS,
    describe_deletions,
    problem_of,
)
from exports.adapters.clients_sql.inspection.findings import DeletionColumn
from exports.adapters.clients_sql.removed_codes import find_deleted_codes
from exports.adapters.clients_sql.sql.columns import ClientView
from exports.ports.clients import ClientSelection
from exports.request.filters import ClientFilter

MAX_DELETED_CLIENTS = 10_000
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)


def describe_deletion_columns(connection: Connection, name: str, clients: ClientView) -> list[DeletionColumn]:
    """Describe the three columns, and compare the keys with those of the view `clients`.

    Raises:
        SourceMismatchError: The view is missing, or lacks a column.
    """
    described = describe_deletions(connection, name)
    found = [(column, problem_of(connection, name, described, clients, column)) for column in DELETION_COLUMNS]
    return [
        DeletionColumn(column, described.column(column).type_name, problem and f"{problem} {SEE_DELETIONS}")
        for column, problem in found
    ]


def count_deleted_clients(connection: Connection, name: str, clients: ClientView, tenant: str, seconds: float) -> int:
    """Search for all deleted clients of a tenant, as an export with `since` does, up to `MAX_DELETED_CLIENTS`.

    Raises:
        SourceMismatchError: A value of the view cannot be used.
        SourceUnavailableError: The time is over.
    """
    selection = ClientSelection(tenant, (), ClientFilter(updated_since=_EARLIEST))
    return len(find_deleted_codes(connection, clients, name, selection, MAX_DELETED_CLIENTS - 1, seconds))
