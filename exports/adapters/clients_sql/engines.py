"""Engines that read the client database and never write to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, Engine, NullPool, QueuePool, create_engine

from exports.adapters.clients_sql.dialects.registry import dialect_named
from exports.adapters.clients_sql.entra_login import log_in_with_tokens, split_authentication, token_arguments


def make_engine(url: URL, answer_seconds: int | None = None) -> Engine:
    """Make an engine for reading. It connects to nothing yet.

    Args:
        url: With `authentication=entra`, each connection logs in with a token of Microsoft Entra ID.
        answer_seconds: Wait for a server at most so long, if its driver can do that; None: as long as an export does.

    Raises:
        SourceRefusedError: The URL contradicts itself.
        ImportError, sqlalchemy.exc.ArgumentError: The URL names a driver that is not installed.
    """
    dialect = dialect_named(url.get_backend_name())
    url, by_token = split_authentication(url)
    arguments = {**dialect.connect_args, **(token_arguments(url) if by_token else {})}
    engine = create_engine(
        dialect.reading_url(url),
        poolclass=QueuePool if dialect.pools else NullPool,
        pool_pre_ping=dialect.pre_ping,
        hide_parameters=True,
        connect_args={**arguments, **_shorter(dialect.connect_args, answer_seconds)},
    )
    if by_token:
        log_in_with_tokens(engine)
    return dialect.limit_sessions(engine)


def _shorter(connect_args: Mapping[str, Any], answer_seconds: int | None) -> dict[str, int]:
    timeouts = [name for name in ("connect_timeout", "read_timeout", "timeout") if name in connect_args]
    return {} if answer_seconds is None else dict.fromkeys(timeouts, answer_seconds)
