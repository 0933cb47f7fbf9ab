"""Engines that read the client database and never write to it."""

from __future__ import annotations

from sqlalchemy import URL, Engine, NullPool, QueuePool, create_engine

from exports.adapters.clients_sql.dialects.registry import dialect_named


def make_engine(url: URL) -> Engine:
    """Make an engine for reading. It connects to nothing yet.

    Raises:
        ImportError, sqlalchemy.exc.ArgumentError: The URL names a driver that is not installed.
    """
    dialect = dialect_named(url.get_backend_name())
    engine = create_engine(
        dialect.reading_url(url),
        poolclass=QueuePool if dialect.pools else NullPool,
        pool_pre_ping=dialect.pre_ping,
        hide_parameters=True,
        connect_args=dict(dialect.connect_args),
    )
    return dialect.limit_sessions(engine)
