"""Engines that read the client database and never write to it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text

CONNECT_TIMEOUT_SECONDS = 10
STATEMENT_TIMEOUT_SECONDS = 240
"""Well under the ten minutes the host gives an activity, so the database gives up first and says so."""

_CONNECT_ARGUMENTS: dict[str, dict[str, Any]] = {
    "sqlite": {"timeout": CONNECT_TIMEOUT_SECONDS},
    "postgresql": {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "prepare_threshold": None,  # prepared statements do not survive a pooler such as PgBouncer
    },
    "mysql": {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "read_timeout": STATEMENT_TIMEOUT_SECONDS + CONNECT_TIMEOUT_SECONDS,  # a server that is gone says nothing
        "charset": "utf8mb4",
    },
    "mssql": {"timeout": CONNECT_TIMEOUT_SECONDS},
}

_CONNECT_ARGUMENTS["mariadb"] = _CONNECT_ARGUMENTS["mysql"]
_MYSQL = frozenset({"mysql", "mariadb"})
_BIND_MYSQL_SESSION = (
    "SET time_zone = '+00:00'"
    f" /*M! , tx_read_only = 1, max_statement_time = {STATEMENT_TIMEOUT_SECONDS} */"
    f" /*!80000 , transaction_read_only = 1, max_execution_time = {STATEMENT_TIMEOUT_SECONDS}000 */"
)
"""Read-only, with limits. MariaDB alone reads what stands in the first comment; MySQL alone what is in the second, for
MariaDB leaves out those that name versions of MySQL it never was."""


def make_engine(url: URL) -> Engine:
    """Make an engine for reading. Connects to nothing yet.

    Raises:
        ImportError, sqlalchemy.exc.ArgumentError: The URL names a driver that is not there.
    """
    dialect = url.get_backend_name()
    engine = create_engine(
        read_only_url(url),
        pool_pre_ping=dialect != "sqlite",
        hide_parameters=True,
        connect_args=_CONNECT_ARGUMENTS.get(dialect, {}),
    )
    if dialect == "sqlite":
        event.listen(engine, "connect", _teach_sqlite_all_letters)
    if dialect in _MYSQL:
        event.listen(engine, "connect", _bind_mysql_session)
    if dialect == "postgresql":
        engine = engine.execution_options(postgresql_readonly=True)
        event.listen(engine, "begin", _bound_transaction)
    return engine


def read_only_url(url: URL) -> URL:
    """Name the driver where the URL does not; open a SQLite file read-only, so that a wrong path makes no database."""
    if url.drivername in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername in _MYSQL:
        return url.set(drivername=f"{url.drivername}+pymysql")
    if url.get_backend_name() == "sqlite":
        database = url.database or ""
        uri = database if database.startswith("file:") else Path(database).absolute().as_uri()
        return url.set(database=uri, query={**url.query, "mode": "ro", "uri": "true"})
    return url


def _teach_sqlite_all_letters(connection: sqlite3.Connection, _record: object) -> None:
    """Replace `lower`, which in SQLite knows the letters A to Z only."""
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _bind_mysql_session(connection: Any, _record: object) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute(_BIND_MYSQL_SESSION)


def _bound_transaction(connection: Connection) -> None:
    """Set limits for one transaction, not for the session: a pooler may give the session to somebody else.

    Nothing is compiled to machine code: hundreds of expressions, in each statement anew, take longer than they gain.
    """
    limits = {"statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s", "jit": "off"}
    settings = {**limits, "TimeZone": "UTC", "DateStyle": "ISO"}
    chosen = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings.items())
    connection.execute(text(f"SELECT {chosen}")).close()
