"""Find the clients that an earlier export may hold and a later one would not: deleted ones, and those that left."""

from __future__ import annotations

import operator
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, and_, column, exists, literal_column, or_, select, table
from sqlalchemy.exc import DBAPIError

from exports.adapters.clients_sql.deletions_view import (
    DELETION_COLUMNS,
    SEE_DELETIONS,
    describe_comparable_deletions,
    unusable,
)
from exports.adapters.clients_sql.sql import statements as sql_statements
from exports.adapters.clients_sql.sql.columns import CLIENTS, ClientView
from exports.adapters.clients_sql.time_limits import TooSlowError, limited
from exports.errors import SourceMismatchError, SourceUnavailableError
from exports.ports.clients import ClientSelection, RemovedCodes
from exports.request.filters import ClientFilter

_KEYS = (str, int, Decimal, UUID)


class _Deadline:
    """Gives each statement the time that the ones before have left."""

    def __init__(self, connection: Connection, seconds: float) -> None:
        self._connection = connection
        self._end = time.monotonic() + seconds

    @contextmanager
    def statement(self) -> Iterator[None]:
        """Limit the block.

        Raises:
            SourceUnavailableError: The time is over.
        """
        try:
            with limited(self._connection, self._end - time.monotonic()):
                yield
        except TooSlowError as error:
            message = "The client database takes too long to find the clients that were deleted or left the filter."
            raise SourceUnavailableError(message) from error


def find_removed_codes(
    connection: Connection, view: ClientView, name: str, selection: ClientSelection, most: int, seconds: float
) -> RemovedCodes:
    """Find the clients of `RemovedCodes`, at most one code more than `most` of each kind.

    Args:
        name: The name of the view of deleted clients; empty: there is none.
        seconds: How long all statements together may take.

    Raises:
        SourceMismatchError: The view of deleted clients cannot be used.
        SourceUnavailableError: The time is over.
    """
    deadline = _Deadline(connection, seconds)
    left = _left_codes(connection, view, selection, most, deadline)
    deleted = _deleted_codes(connection, view, name, selection, most, deadline) if name else None
    return RemovedCodes(deleted, left)


def find_deleted_codes(
    connection: Connection, view: ClientView, name: str, selection: ClientSelection, most: int, seconds: float
) -> tuple[str, ...]:
    """Find deleted clients only. Arguments and errors are those of `find_removed_codes`; there is a view."""
    return _deleted_codes(connection, view, name, selection, most, _Deadline(connection, seconds))


def _left_codes(
    connection: Connection, view: ClientView, selection: ClientSelection, most: int, deadline: _Deadline
) -> tuple[str, ...]:
    """Return the codes of clients that changed in the time that the filter names, and do not pass the rest of it."""
    if selection.filter.is_of_moments:
        return ()
    with deadline.statement():
        found = connection.execute(sql_statements.left(view, selection).limit(most + 1)).all()
    return tuple(_texts(view, [code for (code,) in found]))


def _deleted_codes(
    connection: Connection, view: ClientView, name: str, selection: ClientSelection, most: int, deadline: _Deadline
) -> tuple[str, ...]:
    """Return the codes of clients that the view of deleted clients has, and the view `clients` has not.

    A deletion without a moment counts as one of every time.
    """
    try:
        with deadline.statement():
            deletions = describe_comparable_deletions(connection, name, view)
        with deadline.statement():
            found = connection.execute(_deleted(view, name, deletions, selection).limit(most + 1)).all()
    except DBAPIError as error:
        raise unusable(connection, name, error) from None
    return tuple(_texts(view, [code for (code,) in found], name))


def _deleted(view: ClientView, name: str, described: ClientView, selection: ClientSelection) -> Select[Any]:
    """Select the codes of deleted clients, each once.

    The tenant and the codes are compared in the types of the view `clients`.
    """
    deletions = table(name, *map(column, DELETION_COLUMNS))
    tenant = view.column("tenant")
    is_of_tenant = view.sql.of_tenant(tenant, selection.tenant, deletions.c.tenant)
    same = (view.sql.of_tenant(tenant, selection.tenant), CLIENTS.c.code == deletions.c.code)
    is_there = exists(select(literal_column("1")).select_from(CLIENTS).where(*same))
    when = or_(deletions.c.deleted_at.is_(None), and_(*_moments(described, deletions.c.deleted_at, selection.filter)))
    return select(deletions.c.code).where(is_of_tenant, when, ~is_there).distinct().order_by(deletions.c.code)


def _moments(described: ClientView, value: ColumnElement[Any], wanted: ClientFilter) -> Iterator[ColumnElement[bool]]:
    column, compare = described.column("deleted_at"), described.sql.compare_moment
    if wanted.updated_since is not None:
        yield compare(column, value, "deleted_since", operator.ge, wanted.updated_since)
    if wanted.updated_until is not None:
        yield compare(column, value, "deleted_until", operator.lt, wanted.updated_until)


def _texts(view: ClientView, codes: Sequence[Any], name: str = "clients") -> Iterator[str]:
    """Yield codes as manifests hold them."""
    for code in codes:
        if not isinstance(code, _KEYS):
            fault = "no code" if code is None else "a code that is not text"
            message = f"A row of the view {name} has {fault}. {SEE_DELETIONS}"
            raise SourceMismatchError(message)
        yield view.sql.key_text(view.column("code"), code)
