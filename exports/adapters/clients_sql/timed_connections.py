"""Lend connections that all read within one time limit, because a user waits for what they find."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, event

from exports.adapters.clients_sql.dialects.registry import dialect_named
from exports.errors import SourceUnavailableError

_SHORTEST_SECONDS = 0.001


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
            left = max(_SHORTEST_SECONDS, self._end - time.monotonic())
            with dialect_named(connection.dialect.name).time_limit(connection, left):
                event.listen(connection, "before_cursor_execute", self._require_time)
                try:
                    yield connection
                finally:
                    event.remove(connection, "before_cursor_execute", self._require_time)

    def _require_time(self, *_: object) -> None:
        if time.monotonic() >= self._end:
            raise SourceUnavailableError("The client database takes too long.")
