"""How a dialect opens connections that all read one state of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from exports.ports.clients import SnapshotReading

SAVEPOINT_OPTION = "snapshot_savepoint"
"""Execution option of a connection that reads a snapshot: the savepoint to which its transaction returns after a failed
statement; empty if the database lets a transaction continue after that."""


@dataclass(frozen=True, slots=True)
class OpenSnapshot:
    """Connections in open transactions that all read the same state of the database.

    Attributes:
        moment: Everything that was committed until then is in the state, by the clock of the database.
        token: What the database calls the state; None if it has no name for it.
        is_held: Asks the database whether a connection is still in the transaction that reads the state.
    """

    moment: datetime
    token: str | None
    connections: tuple[Connection, ...]
    is_held: Callable[[Connection], bool]


class SnapshotTaker(Protocol):
    """Takes snapshots of one kind of database."""

    def reading(self, connection: Connection) -> SnapshotReading:
        """Look how a snapshot would be read.

        Raises:
            SourceRefusedError: The database cannot keep a state of its clients.
        """

    def open(self, engine: Engine) -> AbstractContextManager[OpenSnapshot]:
        """Take a snapshot. It ends with the context.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: The database did not give one.
            SourceRefusedError: The database cannot keep a state of its clients.
        """


@contextmanager
def snapshot_connection(engine: Engine) -> Iterator[Connection]:
    """Open a connection for a snapshot, and close it at the end.

    If the server has ended the session meanwhile, it cannot be closed in order. Whoever read has been told of that, and
    an error here would take the place of theirs, or of a success.
    """
    connection = engine.connect()
    try:
        yield connection
    finally:
        with suppress(SQLAlchemyError):
            connection.close()


def give_up_statement(connection: Connection) -> None:
    """End what a failed statement has left behind, without ending a snapshot that the connection reads."""
    savepoint = connection.get_execution_options().get(SAVEPOINT_OPTION)
    if savepoint is None:
        connection.rollback()
    elif savepoint:
        connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {savepoint}").close()
