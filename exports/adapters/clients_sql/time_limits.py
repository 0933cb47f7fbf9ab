"""Limit how long statements may take, because a user, or the end of a job, waits for what they find."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from exports.adapters.clients_sql.dialects.registry import dialect_named
from exports.adapters.clients_sql.dialects.snapshot import give_up_statement
from exports.adapters.clients_sql.sql.translations import BUSY
from exports.errors import SourceUnavailableError

SHORTEST_SECONDS = 0.001
"""Databases that count in milliseconds take a shorter limit for none."""


class TooSlowError(Exception):
    """Statements did not end within their time limit."""


@contextmanager
def limited(connection: Connection, seconds: float) -> Iterator[None]:
    """Limit the statements of the block.

    Raises:
        TooSlowError: The time is over. The connection can be used again.
    """
    if seconds < SHORTEST_SECONDS:
        raise TooSlowError
    dialect = dialect_named(connection.dialect.name)
    try:
        with dialect.time_limit(connection, seconds):
            yield
    except DBAPIError as error:
        if error.connection_invalidated or dialect.translate(error.orig) is not BUSY:
            raise
        give_up_statement(connection)
        raise TooSlowError from error


class TimedConnections:
    """Lends connections for so many seconds from now on, each for as many of them as are left."""

    def __init__(self, engine: Engine, seconds: float) -> None:
        self._engine = engine
        self._end = time.monotonic() + seconds

    @contextmanager
    def lend(self) -> Iterator[Connection]:
        """Lend a connection. When the time is over, no statement begins, and the database stops the one that runs.

        A database that counts the time of each statement by itself stops the last one after twice the time at most.
        """
        with self._engine.connect() as connection:
            left = max(SHORTEST_SECONDS, self._end - time.monotonic())
            with dialect_named(connection.dialect.name).time_limit(connection, left):
                event.listen(connection, "before_cursor_execute", self._require_time)
                try:
                    yield connection
                finally:
                    event.remove(connection, "before_cursor_execute", self._require_time)

    def _require_time(self, *_: object) -> None:
        if time.monotonic() >= self._end:
            raise SourceUnavailableError("The client database takes too long.")
