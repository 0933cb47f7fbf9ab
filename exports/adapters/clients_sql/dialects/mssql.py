"""Azure SQL and SQL Server, read through `mssql-python`."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import URL, ColumnElement, Connection, Engine, String, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from exports.adapters.clients_sql.dialects import mssql_errors
from exports.adapters.clients_sql.dialects.base import CONNECT_TIMEOUT_SECONDS, SourceDialect
from exports.adapters.clients_sql.dialects.mssql_cells import cell_sql, text_sql
from exports.adapters.clients_sql.dialects.mssql_driver import limit_sessions, reading_url, time_limit, why_not_loaded
from exports.adapters.clients_sql.dialects.mssql_keys import is_after_all, key_bound, moment_bound
from exports.adapters.clients_sql.dialects.mssql_lists import equals_any, holds_any
from exports.adapters.clients_sql.dialects.mssql_snapshot import MssqlSnapshots
from exports.adapters.clients_sql.dialects.mssql_types import MssqlType, describe
from exports.adapters.clients_sql.sql.address import DatabaseAddress
from exports.adapters.clients_sql.sql.columns import CLIENTS, CellForm, Compare, ViewColumn
from exports.adapters.clients_sql.sql.expressions import Position
from exports.adapters.clients_sql.sql.translations import NOT_LOADED, Translation
from exports.request.fields import CellKind

_TEXT_CASTS = {
    **dict.fromkeys(("binary", "varbinary", "image", "timestamp"), "CONVERT(varchar(max), {0}, 2)"),
    **dict.fromkeys(("geography", "geometry", "hierarchyid"), "{0}.ToString()"),
    **dict.fromkeys(("money", "smallmoney"), "CONVERT(varchar(30), CAST({0} AS decimal(19, 4)))"),
    **dict.fromkeys(("xml", "text", "ntext"), "CAST({0} AS nvarchar(max))"),
    "sql_variant": "CAST({0} AS nvarchar(4000))",
}


class MssqlDialect(SourceDialect):
    """Azure SQL and SQL Server from 2016 on."""

    connect_args: ClassVar = {"timeout": CONNECT_TIMEOUT_SECONDS}
    padded_types: ClassVar = ("char(", "nchar(")
    snapshots: ClassVar = MssqlSnapshots()

    def reading_url(self, url: URL) -> URL:
        """Choose `mssql-python`, whichever driver the URL names."""
        return reading_url(url)

    def limit_sessions(self, engine: Engine) -> Engine:
        """Limit each session when it is opened."""
        return limit_sessions(engine)

    @contextmanager
    def time_limit(self, connection: Connection, seconds: float) -> Iterator[None]:
        """Limit the cursors that the block opens, to whole seconds."""
        with time_limit(connection, seconds):
            yield

    def describe(self, connection: Connection, names: Sequence[str], view: str = "clients") -> Mapping[str, ViewColumn]:
        """Ask for the types, by a function that reads no row."""
        return describe(connection, names, view)

    def cell(self, column: ViewColumn, kind: CellKind) -> ColumnElement[Any]:
        """Let SQL Server form the text."""
        of = column.details
        return super().cell(column, kind) if of is None else _sql(cell_sql(_name(column), of, kind))

    def key_bound(self, column: ViewColumn, name: str, text: str) -> ColumnElement[Any] | None:
        """Cast to the column's type, and `varchar` to its collation."""
        if not self.storable(column, text):
            return None
        of = column.details
        return super().key_bound(column, name, text) if of is None else key_bound(of, column.charset, name, text)

    def matches_any(self, column: ViewColumn, texts: Sequence[str]) -> ColumnElement[bool]:
        """Send the texts as one parameter."""
        of, known = column.details, [text for text in texts if self.storable(column, text)]
        return super().matches_any(column, texts) if of is None else equals_any(column, of, column.charset, known)

    def holds_any(self, column: ViewColumn, listed: ColumnElement[str], codes: Sequence[str]) -> ColumnElement[bool]:
        """Send the codes as one parameter."""
        return holds_any(column, column.details or MssqlType("", ""), listed, codes)

    def searched_text(self, column: ViewColumn) -> ColumnElement[str]:
        """Search the text of a cell. Text is searched as it is, in its own collation."""
        of = column.details
        if of is None or (of.form is CellForm.TEXT and of.name not in {"text", "ntext"}):
            return CLIENTS.c[column.name]
        return _sql(text_sql(_name(column), of))

    def compare_moment(
        self, column: ViewColumn, value: Any, name: str, compare: Compare, moment: datetime
    ) -> ColumnElement[bool]:
        """Compare in the column's type. Every moment of the type is before one that the type cannot hold yet."""
        if column.details is None:
            return super().compare_moment(column, value, name, compare, moment)
        if compare is operator.lt and is_after_all(column.details, moment):
            is_known: ColumnElement[bool] = value.is_not(None)
            return is_known
        return compare(value, moment_bound(column.details, name, moment))

    def text_cast(self, column: ViewColumn) -> str:
        """Name the function for types whose usual conversion loses something."""
        of = column.details
        return _TEXT_CASTS.get(of.name if of else "", "CAST({0} AS nvarchar(100))").format(column.name)

    def day_cast(self, column: ViewColumn) -> str:
        """Ask for the time zone of the day."""
        if column.form is CellForm.INSTANT:
            return f"CAST({column.name} AT TIME ZONE 'GMT Standard Time' AS date)"
        return super().day_cast(column)

    def truth_cast(self, column: ViewColumn) -> str:
        """Name `bit`: SQL Server has no type `boolean`."""
        return f"CAST({column.name} AS bit)"

    def moment_cast(self, column: ViewColumn) -> str:
        """Name `datetime2`: a `timestamp` of SQL Server is no moment."""
        return f"CAST({column.name} AS datetime2(3))"

    def explain_failure(self, translation: Translation, address: DatabaseAddress) -> Translation:
        """Name the system libraries that the driver lacks."""
        if translation is NOT_LOADED and (reason := why_not_loaded()):
            return translation._replace(message=reason)
        return translation

    def translate(self, error: BaseException | None) -> Translation | None:
        """Translate by the texts of SQL Server and of the driver."""
        return mssql_errors.translate(error) or super().translate(error)

    def text_without_clients(self, error: BaseException | None) -> str:
        """Return what the driver says of the connection, or the server of names."""
        return mssql_errors.text_without_clients(error)


def _name(column: ViewColumn) -> str:
    return f"clients.{column.name}"


def _sql(text: str) -> ColumnElement[str]:
    return literal_column(text, String())


@compiles(Position, "mssql")
def _compile_position(element: Position, compiler: SQLCompiler, **options: Any) -> str:
    """Use `charindex`, which takes its arguments in the opposite order."""
    text, wanted = (compiler.process(part, **options) for part in element.clauses)
    return f"charindex({wanted}, {text})"
