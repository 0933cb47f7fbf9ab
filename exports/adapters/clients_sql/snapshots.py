"""Lend the connections of an open snapshot to the threads that read it, each connection to one thread at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from exports.adapters.clients_sql.dialects.snapshot import OpenSnapshot, give_up_statement
from exports.errors import SourceUnavailableError

REFUSAL = (
    "The client database can show no snapshot: this service takes snapshots of PostgreSQL, Azure SQL, MariaDB, MySQL "
    "and SQLite only. Leave consistency out."
)


class SnapshotConnections:
    """Lends connections whose transactions have been open since the snapshot was taken."""

    def __init__(self, snapshot: OpenSnapshot) -> None:
        self._is_held = snapshot.is_held
        self._transactions = {id(each): each.get_transaction() for each in snapshot.connections}
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        for each in snapshot.connections:
            self._idle.put(each)

    @contextmanager
    def lend(self) -> Iterator[Connection]:
        """Lend a connection. Waits while all of them are lent.

        The check after the use is as important as the one before: a connection whose transaction ended during the use
        may have read another state. A driver that then begins another transaction does not say so, so only the database
        can tell. It is asked after each use, and what it answers counts for the next use, too.

        Raises:
            SourceUnavailableError: The connection no longer reads the snapshot.
        """
        connection = self._idle.get()
        try:
            self._require_unbroken(connection)
            try:
                yield connection
            except BaseException:
                self._recover(connection)
                raise
            self._require_unbroken(connection)
            self._throw_away_unless_held(connection)
            self._require_unbroken(connection)
        finally:
            self._idle.put(connection)

    def _recover(self, connection: Connection) -> None:
        try:
            if self._is_unbroken(connection):
                give_up_statement(connection)
                self._throw_away_unless_held(connection)
        except SQLAlchemyError:
            connection.invalidate()

    def _throw_away_unless_held(self, connection: Connection) -> None:
        """Ask the database. A connection of which it does not answer is of no use any more."""
        try:
            is_held = self._is_held(connection)
        except SQLAlchemyError:
            connection.invalidate()
            raise
        if not is_held:
            connection.invalidate()

    def _is_unbroken(self, connection: Connection) -> bool:
        transaction = self._transactions[id(connection)]
        return (
            not connection.closed
            and not connection.invalidated
            and transaction is not None
            and transaction.is_active
            and connection.get_transaction() is transaction
        )

    def _require_unbroken(self, connection: Connection) -> None:
        if not self._is_unbroken(connection):
            raise SourceUnavailableError("The client database ended the snapshot that the export read.")
