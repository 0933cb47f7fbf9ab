"""PostgreSQL, read through psycopg."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, DateTime, Engine, event, text

from exports.adapters.clients_sql.dialects.base import (
    CONNECT_TIMEOUT_SECONDS,
    SQLSTATES,
    STATEMENT_TIMEOUT_SECONDS,
    FastRenderer,
    SourceDialect,
)
from exports.adapters.clients_sql.errors import BUSY, LOGIN, NO_ANSWER, NO_COLUMN, NO_VIEW, THROTTLED, TYPE
from exports.adapters.clients_sql.postgres_plans import is_skip_scan_efficient
from exports.file.renderer import Renderer
from exports.ports.clients import ClientSelection


class PostgresqlDialect(SourceDialect):
    """PostgreSQL, also behind PgBouncer.

    The SQLSTATEs are those of PostgreSQL, appendix A. libpq gives no SQLSTATE if connecting fails. Then only the words
    of PostgreSQL and PgBouncer distinguish a refused login and a full server from a server that does not answer.
    """

    connect_args: ClassVar = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "prepare_threshold": None,  # prepared statements do not survive a pooler such as PgBouncer
    }
    moment_type: ClassVar = DateTime(timezone=True)
    sqlstates: ClassVar = {
        **SQLSTATES,
        "42501": LOGIN,
        "42P01": NO_VIEW,
        "42703": NO_COLUMN,
        "42804": TYPE,
        "42883": TYPE,
        "53": THROTTLED,
        "55": BUSY,
        "57": BUSY,
        "57P": NO_ANSWER,
        "57P03": THROTTLED,
        "58": NO_ANSWER,
        "XX": NO_ANSWER,
    }
    connect_messages: ClassVar = {
        "too many clients": THROTTLED,
        "too many connections": THROTTLED,
        "remaining connection slots": THROTTLED,
        "the database system is starting up": THROTTLED,
        "no more connections allowed": THROTTLED,
        "authentication failed": LOGIN,
        "no password supplied": LOGIN,
        "pg_hba.conf": LOGIN,
        "does not exist": LOGIN,
        "denied": LOGIN,
    }
    skip_scan_step: ClassVar = """SELECT landing.code, hop.page + 1, hop.code
    FROM hop LEFT JOIN LATERAL ({next_code}) AS landing ON true WHERE hop.code IS NOT NULL"""
    """A join, because PostgreSQL explains no subquery among the columns of a recursive step."""

    def reading_url(self, url: URL) -> URL:
        """Choose psycopg."""
        return url.set(drivername="postgresql+psycopg") if url.drivername in {"postgresql", "postgres"} else url

    def limit_sessions(self, engine: Engine) -> Engine:
        """Limit each transaction."""
        limited = engine.execution_options(postgresql_readonly=True)
        event.listen(limited, "begin", _limit_transaction)
        return limited

    def column_name(self, name: str) -> str:
        """Return the name as it is: PostgreSQL folds unquoted names itself, so other letter case means another name."""
        return name

    def position(self, text: str, wanted: str) -> str:
        """Use `strpos`."""
        return f"strpos({text}, {wanted})"

    def has_any_code(self, listed: str, codes: Iterable[str]) -> str | None:
        """Split the list once, instead of searching it for each of up to a thousand codes."""
        return f"string_to_array({listed}, ';') && ARRAY[{', '.join(codes)}]::text[]"

    def bind_moment(self, moment: datetime) -> datetime:
        """Keep the time zone."""
        return moment.astimezone(UTC)

    def is_skip_scan_efficient(self, connection: Connection, statement: str, values: Mapping[str, Any]) -> bool:
        """Read the plans of PostgreSQL."""
        return is_skip_scan_efficient(connection, statement, values)

    def fast_renderer(
        self, connection: Connection, selection: ClientSelection, renderer: Renderer
    ) -> FastRenderer | None:
        """Let PostgreSQL write CSV by COPY."""
        from exports.adapters.clients_sql.postgres_copy import make_copier

        return make_copier(connection, selection, renderer)


def _limit_transaction(connection: Connection) -> None:
    """Set limits for one transaction, not for the session: a pooler may give the session to another client.

    Just-in-time compilation is off: a statement has hundreds of expressions, and compiling them takes longer than it
    gains.
    """
    limits = {"statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s", "jit": "off"}
    settings = {**limits, "TimeZone": "UTC", "DateStyle": "ISO"}
    chosen = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings.items())
    connection.execute(text(f"SELECT {chosen}")).close()
