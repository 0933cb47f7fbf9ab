"""The view of deleted clients: its columns, and whether they can be compared with those of the view `clients`."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from exports.adapters.clients_sql.described import column_names
from exports.adapters.clients_sql.dialects.registry import dialect_named
from exports.adapters.clients_sql.sql.columns import CellForm, ClientView, ViewColumn
from exports.errors import SourceMismatchError, TransientError

DELETION_COLUMNS = ("tenant", "code", "deleted_at")
SEE_DELETIONS = 'docs/client-view.md says under "Deleted clients" what it must have.'
_KEYS = ("tenant", "code")


def describe_deletions(connection: Connection, name: str) -> ClientView:
    """Describe the columns of the view of deleted clients, as far as the database can do that.

    Raises:
        SourceMismatchError: The view is missing, or lacks a column.
    """
    try:
        found = column_names(connection, name)
    except DBAPIError as error:
        raise unusable(connection, name, error) from None
    if missing := [needed for needed in DELETION_COLUMNS if needed not in found]:
        message = f"The view {name} of deleted clients lacks {', '.join(missing)}. {SEE_DELETIONS}"
        raise SourceMismatchError(message)
    dialect = dialect_named(connection.dialect.name)
    return ClientView(dialect, dialect.describe(connection, DELETION_COLUMNS, name))


def describe_comparable_deletions(connection: Connection, name: str, clients: ClientView) -> ClientView:
    """Describe the columns if they have the types that comparing them with moments and with the view `clients` needs.

    Some databases compare other types, too, but find other clients: those deleted at another moment or with another
    code.

    Raises:
        SourceMismatchError: They have not, or the view is missing or lacks a column.
    """
    described = describe_deletions(connection, name)
    problems = (problem_of(connection, name, described, clients, column) for column in DELETION_COLUMNS)
    if found := [problem for problem in problems if problem]:
        raise SourceMismatchError(" ".join([*found, SEE_DELETIONS]))
    return described


def problem_of(connection: Connection, name: str, described: ClientView, clients: ClientView, column: str) -> str:
    """Return what is wrong with a column of the view of deleted clients; empty if nothing is."""
    found, client = described.column(column), clients.column(column)
    reason = next(_reasons(described, client, found), "") or _other_collation(connection, name, client, found)
    return f"The column {found.name} of the view {name} of deleted clients {reason}." if reason else ""


def _reasons(described: ClientView, client: ViewColumn, found: ViewColumn) -> Iterator[str]:
    if found.name not in _KEYS:
        if found.form not in described.sql.moment_forms:
            change = f"Write in the view: {described.sql.moment_cast(found)} AS {found.name}"
            yield f"has the type {found.type_name}, which cannot be compared with a moment. {change}"
        return
    if found.key is None:
        yield f"has the type {found.type_name}, which cannot be compared as a key"
    if _is_other_kind(described, found, client):
        yield f"has the type {found.type_name}, and that of the view clients has {client.type_name}: make them the same"


def _is_other_kind(described: ClientView, found: ViewColumn, client: ViewColumn) -> bool:
    """Say whether codes of one column look or compare otherwise than those of the other one.

    Spaces with which the database pads codes do not count when it compares them, but readers do not know that.
    """
    sql = described.sql
    if sql.compares_values or CellForm.UNKNOWN in (found.form, client.form):
        return False
    padded = {each.type_name.startswith(sql.padded_types) for each in (found, client)}
    return found.form is not client.form or len(padded) > 1


def _other_collation(connection: Connection, name: str, client: ViewColumn, found: ViewColumn) -> str:
    if found.name not in _KEYS:
        return ""
    dialect = dialect_named(connection.dialect.name)
    ours, theirs = dialect.key_collation(connection, found, name), dialect.key_collation(connection, client)
    if not ours or not theirs or ours == theirs:
        return ""
    return f"has the collation {ours}, and that of the view clients has {theirs}: make them the same"


def unusable(connection: Connection, name: str, error: DBAPIError) -> Exception:
    """Return the error for a statement on the view of deleted clients that failed.

    Errors that trying again can cure stay what they are: the caller translates them.
    """
    translation = None if error.connection_invalidated else dialect_named(connection.dialect.name).translate(error.orig)
    if translation is None or issubclass(translation.kind, TransientError):
        return error
    return SourceMismatchError(
        f"The client database cannot read the view {name} of deleted clients, which EXPORT_DELETIONS_VIEW names: it "
        f"is missing, may not be read, or has a column of another type. {SEE_DELETIONS}"
    )
