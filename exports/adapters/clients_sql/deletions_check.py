"""Check the view of deleted clients: its columns by their types, and what an export since another would find in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import Connection

from exports.adapters.clients_sql.inspection.findings import DeletionColumn
from exports.adapters.clients_sql.removed_codes import (
    DELETION_COLUMNS,
    SEE_DELETIONS,
    describe_deletions,
    find_deleted_codes,
    require_deletions,
)
from exports.adapters.clients_sql.sql.columns import CellForm, ClientView, ViewColumn
from exports.ports.clients import ClientSelection
from exports.request.filters import ClientFilter

MAX_DELETED_CLIENTS = 10_000
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
_KEYS = ("tenant", "code")


def describe_deletion_columns(connection: Connection, name: str, clients: ClientView) -> list[DeletionColumn]:
    """Describe the three columns, and compare the keys with those of the view `clients`.

    Raises:
        SourceMismatchError: The view is missing, or lacks a column.
    """
    require_deletions(connection, name)
    described = describe_deletions(connection, name)
    return [_report(name, described, clients.column(column), described.column(column)) for column in DELETION_COLUMNS]


def count_deleted_clients(connection: Connection, name: str, clients: ClientView, tenant: str, seconds: float) -> int:
    """Search for all deleted clients of a tenant, as an export with `since` does, up to `MAX_DELETED_CLIENTS`.

    Raises:
        SourceMismatchError: A value of the view cannot be used.
        SourceUnavailableError: The time is over.
    """
    selection = ClientSelection(tenant, (), ClientFilter(updated_since=_EARLIEST))
    return len(find_deleted_codes(connection, clients, name, selection, MAX_DELETED_CLIENTS - 1, seconds))


def _report(name: str, described: ClientView, client: ViewColumn, found: ViewColumn) -> DeletionColumn:
    reason = next(_reasons(described, client, found), "")
    problem = f"The column {found.name} of the view {name} of deleted clients {reason}. {SEE_DELETIONS}"
    return DeletionColumn(found.name, found.type_name, problem if reason else "")


def _reasons(described: ClientView, client: ViewColumn, found: ViewColumn) -> Iterator[str]:
    if found.name not in _KEYS:
        if found.form not in described.sql.moment_forms:
            change = f"Write in the view: {described.sql.moment_cast(found)} AS {found.name}"
            yield f"has the type {found.type_name}, which cannot be compared with a moment. {change}"
        return
    if found.key is None:
        yield f"has the type {found.type_name}, which cannot be compared as a key"
    if CellForm.UNKNOWN not in (found.form, client.form) and found.form is not client.form:
        yield f"has the type {found.type_name}, and that of the view clients has {client.type_name}: make them the same"
    ours, theirs = _collation(found), _collation(client)
    if ours and theirs and ours != theirs:
        yield f"has the collation {ours}, and that of the view clients has {theirs}: make them the same"


def _collation(column: ViewColumn) -> str:
    """Return the collation of text, where the database describes it."""
    return getattr(column.details, "collation", None) or ""
