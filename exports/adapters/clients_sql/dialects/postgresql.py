"""PostgreSQL, read through psycopg."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import URL, ColumnElement, Connection, DateTime, Engine, String, event, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from exports.adapters.clients_sql.dialects.base import (
    CONNECT_TIMEOUT_SECONDS,
    SQLSTATES,
    STATEMENT_TIMEOUT_SECONDS,
    FastRenderer,
    SourceDialect,
)
from exports.adapters.clients_sql.dialects.postgresql_cells import cell_sql, text_sql
from exports.adapters.clients_sql.dialects.postgresql_copy import make_copier
from exports.adapters.clients_sql.dialects.postgresql_keys import key_bound
from exports.adapters.clients_sql.dialects.postgresql_plans import is_skip_scan_efficient
from exports.adapters.clients_sql.dialects.postgresql_snapshot import PostgresqlSnapshots, import_snapshot
from exports.adapters.clients_sql.dialects.postgresql_types import describe
from exports.adapters.clients_sql.sql.columns import CellForm, ClientView, ViewColumn
from exports.adapters.clients_sql.sql.expressions import HasAnyCode, Position, bind_moments
from exports.adapters.clients_sql.sql.translations import (
    BAD_FILE,
    BROKEN_VIEW,
    BUSY,
    CERTIFICATE,
    CLOSED_PORT,
    DAMAGED_TABLE,
    HIDDEN_ROWS,
    LOGIN,
    LOST_FILE,
    NEEDS_TLS,
    NO_ANSWER,
    NO_COLUMN,
    NO_DATABASE,
    NO_ENTRY,
    NO_GRANT,
    NO_OBJECT,
    NO_TLS,
    NO_VIEW,
    NOT_ADMITTED,
    OTHER_SERVER,
    SILENT_HOST,
    THROTTLED,
    TYPE,
    UNFILLED,
    UNKNOWN_HOST,
    VALUE,
    WRITES,
    Translation,
)
from exports.file.renderer import Renderer
from exports.ports.clients import ClientSelection
from exports.request.fields import CellKind


class PostgresqlDialect(SourceDialect):
    """PostgreSQL, also behind PgBouncer.

    The SQLSTATEs are those of PostgreSQL, appendix A. libpq gives no SQLSTATE if connecting fails. Then only the words
    of PostgreSQL and PgBouncer distinguish a refused login and a full server from a server that does not answer. So
    with a SQLSTATE of class 08, a server that answers says that it cannot reach another one.
    """

    connect_args: ClassVar = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "client_encoding": "utf8",
        "prepare_threshold": None,  # prepared statements do not survive a pooler such as PgBouncer
    }
    streams_by_requests: ClassVar = True
    padded_types: ClassVar = ("character(",)
    sqlstates: ClassVar = {
        **SQLSTATES,
        **dict.fromkeys(("08000", "08001", "08003", "08006", "HV"), OTHER_SERVER),
        "20": VALUE,  # a CASE in a function has no branch for a value
        "21": VALUE,  # a subquery in the view gives several rows
        "22P04": BAD_FILE,  # COPY, by which `file_fdw` reads
        "23": VALUE,  # a domain forbids a value
        "54": VALUE,  # a value is too long, or a function calls itself too often
        **dict.fromkeys(("2F", "38", "39", "P0"), VALUE),  # a function in the view raises an error
        "25": NO_ANSWER,  # the server ended an idle transaction
        "25006": WRITES,
        "42501": NO_GRANT,
        "42P01": NO_VIEW,
        "42703": NO_COLUMN,
        "42704": NO_OBJECT,
        "42804": TYPE,
        "42883": TYPE,
        "53": THROTTLED,
        "55": BUSY,
        "55000": UNFILLED,
        "57": BUSY,
        "57P": NO_ANSWER,
        "57P03": THROTTLED,
        "58": NO_ANSWER,
        "58P01": LOST_FILE,
        "72": BUSY,  # the server no longer has the rows of a snapshot
        "XX": NO_ANSWER,
        **dict.fromkeys(("XX001", "XX002"), DAMAGED_TABLE),
    }
    connect_messages: ClassVar = {
        "too many clients": THROTTLED,
        "too many connections": THROTTLED,
        "remaining connection slots": THROTTLED,
        "the database system is starting up": THROTTLED,
        "no more connections allowed": THROTTLED,
        "authentication failed": LOGIN,
        "no password supplied": LOGIN,
        "not permitted to log in": LOGIN,
        "permission denied for database": NO_ENTRY,
        "no encryption": NEEDS_TLS,
        "SSL off": NEEDS_TLS,
        "SSL required": NEEDS_TLS,
        "pg_hba.conf": NOT_ADMITTED,
        'database "': NO_DATABASE,
        "no such database": NO_DATABASE,
        "does not support SSL": NO_TLS,
        "certificate": CERTIFICATE,
        "does not exist": LOGIN,
        "denied": LOGIN,
        "Temporary failure in name resolution": NO_ANSWER,
        "failed to resolve host": UNKNOWN_HOST,
        "could not translate host name": UNKNOWN_HOST,
        "Connection refused": CLOSED_PORT,
        "timeout expired": SILENT_HOST,
        "timed out": SILENT_HOST,
        "No route to host": SILENT_HOST,
        "unreachable": SILENT_HOST,
    }
    skip_scan_step: ClassVar = """SELECT landing.code, hop.page + 1, hop.code
    FROM hop LEFT JOIN LATERAL ({next_code}) AS landing ON true WHERE hop.code IS NOT NULL"""
    """A join, because PostgreSQL explains no subquery among the columns of a recursive step."""

    snapshots: ClassVar = PostgresqlSnapshots()

    def reading_url(self, url: URL) -> URL:
        """Choose psycopg, also if the URL names another driver: types and COPY need it."""
        return url.set(drivername="postgresql+psycopg")

    def limit_sessions(self, engine: Engine) -> Engine:
        """Limit each transaction. `BEGIN` itself says the isolation, whatever is the default of the server."""
        limited = engine.execution_options(
            isolation_level="READ COMMITTED", postgresql_readonly=True, postgresql_deferrable=False
        )
        event.listen(limited, "begin", _limit_transaction)
        return limited

    @contextmanager
    def time_limit(self, connection: Connection, seconds: float) -> Iterator[None]:
        """Limit the statements of the transaction. The next transaction has the usual limit again."""
        milliseconds = max(1, round(seconds * 1000))
        setting = f"SELECT pg_catalog.set_config('statement_timeout', '{milliseconds}ms', true)"
        connection.exec_driver_sql(setting).close()
        yield

    def translate(self, error: BaseException | None) -> Translation | None:
        """Translate by the SQLSTATE. An error with a context arose in a function or on another server."""
        found = super().translate(error)
        if found is NO_GRANT and "row-level security" in str(error):
            return HIDDEN_ROWS
        if getattr(error, "sqlstate", None) == _NOT_SUPPORTED and "non-volatile" in str(error):
            return WRITES
        if found in (None, NO_VIEW, NO_COLUMN, TYPE) and _is_of_value(error):
            return VALUE
        if found in (NO_VIEW, NO_COLUMN, TYPE) and _context(error):
            return BROKEN_VIEW
        return VALUE if found is None and _context(error) else found

    def text_without_clients(self, error: BaseException | None) -> str:
        """Return the text of libpq, and that of the server about a place in our statement or an object that exists.

        All else may be of a value. Then the function of the view in which that happened is named.
        """
        diagnosis = getattr(error, "diag", None)
        is_of_connection = type(error).__name__ in ("OperationalError", "InterfaceError")
        if not getattr(error, "sqlstate", None):
            return str(error).strip() if is_of_connection else ""
        if diagnosis is not None and (diagnosis.statement_position or diagnosis.source_function in _NAMERS):
            return str(diagnosis.message_primary)
        function = _FUNCTION.fullmatch(_context(error).rpartition("\n")[2])
        return f"in {function[0]}" if function else ""

    def column_name(self, name: str) -> str:
        """Return the name as it is: PostgreSQL folds unquoted names itself, so letter case distinguishes names."""
        return name

    def describe(self, connection: Connection, names: Sequence[str], view: str = "clients") -> Mapping[str, ViewColumn]:
        """Ask for the types, by a statement that selects no row."""
        return describe(connection, names, view)

    def cell(self, column: ViewColumn, kind: CellKind) -> ColumnElement[Any]:
        """Let PostgreSQL form the text, as it does for COPY."""
        is_plain = kind is CellKind.BOOLEAN and column.form is CellForm.BOOLEAN  # the renderer knows it
        return (
            super().cell(column, kind) if column.details is None or is_plain else literal_column(cell_sql(column, kind))
        )

    def key_bound(self, column: ViewColumn, name: str, text: str) -> ColumnElement[Any] | None:
        """Cast to the column's type."""
        return key_bound(column, name, text) if self.storable(column, text) else None

    def searched_text(self, column: ViewColumn) -> ColumnElement[str]:
        """Search the text of a cell, in the database's own collation: some others cannot be searched."""
        if column.details is None:
            return super().searched_text(column)
        return literal_column(f'({text_sql(column.name, column.details)})::text COLLATE "default"', String())

    def text_cast(self, column: ViewColumn) -> str:
        """Name the function for types that have no cast to text of their own."""
        casts = {"bytea": f"encode({column.name}, 'base64')", "money": f"{column.name}::numeric"}
        return casts.get(column.type_name, f"{column.name}::text")

    def day_cast(self, column: ViewColumn) -> str:
        """Ask for the time zone of the day."""
        if column.form is CellForm.INSTANT:
            return f"({column.name} AT TIME ZONE 'Europe/London')::date"
        return f"{column.name}::date"

    def is_skip_scan_efficient(self, connection: Connection, statement: str, values: Mapping[str, Any]) -> bool:
        """Read the plans of PostgreSQL."""
        return is_skip_scan_efficient(connection, statement, values)

    def fast_renderer(
        self, connection: Connection, view: ClientView, selection: ClientSelection, renderer: Renderer
    ) -> FastRenderer | None:
        """Let PostgreSQL write the records of CSV and of workbooks by COPY."""
        return make_copier(connection, view, selection, renderer)


_NOT_SUPPORTED = "0A000"
_NAMERS = (
    "aclcheck_error",
    "check_enable_rls",
    "connect_pg_server",
    "ExecOpenScanRelation",
    "GetUserMapping",
    "PreventCommandIfReadOnly",
)
"""Functions of the server whose messages name a command or an object that exists, such as "permission denied for
table …" or "could not connect to server …", and nothing else."""

_FUNCTION = re.compile(r'PL/pgSQL function .+ line \d+ at [\w ]+|SQL function ".+" (during \w+|statement \d+)')
"""The last line of a context. It is of the outermost function; lines before it may show statements with values."""


def _context(error: BaseException | None) -> str:
    """Return where in functions, or on which other server, an error arose; empty for an error of our own statement."""
    return getattr(getattr(error, "diag", None), "context", None) or ""


def _is_of_value(error: BaseException | None) -> bool:
    """Say whether a value has been taken for a name or for code, as by `::regclass` or `to_tsquery`.

    A fault in our own statement has a place in it.
    """
    diagnosis = getattr(error, "diag", None)
    return (
        diagnosis is not None
        and (diagnosis.sqlstate or "").startswith("42")
        and not diagnosis.context
        and not diagnosis.statement_position
    )


_SECONDS = f"{STATEMENT_TIMEOUT_SECONDS}s"
_LIMITS = {"statement_timeout": _SECONDS, "idle_in_transaction_session_timeout": _SECONDS, "jit": "off"}
_PRINTING = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmlbinary": "base64",
}
"""How the session prints values, so that the same value is the same cell on every server."""

_READING = {
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "transform_null_equals": "off",
    "array_nulls": "on",
    "xmloption": "content",
    "timezone_abbreviations": "Default",
    "quote_all_identifiers": "off",
    "gin_fuzzy_search_limit": "0",
}
"""How the session reads statements and values. By `gin_fuzzy_search_limit` an index returns some of the rows only."""

_BUILT_IN_FIRST = "concat_ws(', ', 'pg_catalog', nullif(pg_catalog.current_setting('search_path'), ''))"
"""A path may name a schema with functions of the same names, such as `lower`, before PostgreSQL's own."""

_SETTINGS = ", ".join(
    [
        f"pg_catalog.set_config('search_path', pg_catalog.{_BUILT_IN_FIRST}, true)",
        *(
            f"pg_catalog.set_config('{name}', '{value}', true)"
            for name, value in (_LIMITS | _PRINTING | _READING).items()
        ),
    ]
)


def _limit_transaction(connection: Connection) -> None:
    """Set limits for one transaction, not for the session: a pooler may give the session to another client.

    Just-in-time compilation is off: a statement has hundreds of expressions, and compiling them takes longer than it
    gains.
    """
    import_snapshot(connection)
    connection.exec_driver_sql(f"SELECT {_SETTINGS}").close()


@compiles(Position, "postgresql")
def _compile_position(element: Position, compiler: SQLCompiler, **options: Any) -> str:
    text, wanted = (compiler.process(part, **options) for part in element.clauses)
    return f"strpos({text}, {wanted})"


@compiles(HasAnyCode, "postgresql")
def _compile_has_any_code(element: HasAnyCode, compiler: SQLCompiler, **options: Any) -> str:
    """Split the list once, instead of searching it for each of up to a thousand codes."""
    listed, *codes = (compiler.process(part, **options) for part in element.clauses)
    return f"string_to_array({listed}, ';') && ARRAY[{', '.join(codes)}]::text[]"


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


bind_moments("postgresql", DateTime(timezone=True), _in_utc)
