"""Use psycopg directly, on a connection of SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    import psycopg


def driver_of(connection: Connection) -> psycopg.Connection[Any]:
    """Return the connection of psycopg."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def begin(connection: Connection) -> None:
    """Begin a transaction with its limits, unless there is one. A query through the driver would begin one without."""
    if not connection.in_transaction():
        connection.begin()


@contextmanager
def closing_on_failure(connection: Connection) -> Iterator[None]:
    """Close the connection if the block does not finish. Raise errors of the driver as SQLAlchemy does."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        connection.invalidate()
        raise DBAPIError(None, None, error) from error
    except BaseException:
        connection.invalidate()
        raise
