"""Azure SQL and SQL Server, read through ODBC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from sqlalchemy import Integer, case, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from exports.adapters.clients_sql.dialects.base import CONNECT_TIMEOUT_SECONDS, SourceDialect
from exports.adapters.clients_sql.sql.expressions import CODE_SEPARATOR, HasAnyCode, Position
from exports.adapters.clients_sql.sql.translations import BUSY, THROTTLED, Translation

_THROTTLES = frozenset({10928, 10929, 40501, 49918, 49919, 49920})
"""Numbers of resource governance (learn.microsoft.com, "Troubleshoot transient connection errors in SQL Database").
ODBC gives them in parentheses within the text, under an unspecific SQLSTATE; other drivers give a number."""


class MssqlDialect(SourceDialect):
    """Azure SQL and SQL Server."""

    connect_args: ClassVar = {"timeout": CONNECT_TIMEOUT_SECONDS}
    error_numbers: ClassVar = {1205: BUSY}  # chosen as the victim of a deadlock

    def translate(self, error: BaseException | None) -> Translation | None:
        """Look for the numbers of resource governance first, because the SQLSTATE beside them is unspecific."""
        return super().translate(error) if _THROTTLES.isdisjoint(_numbers(error)) else THROTTLED


def _numbers(error: BaseException | None) -> Iterator[int]:
    """Yield the numbers of SQL Server in a driver's error."""
    for part in getattr(error, "args", ()):
        if isinstance(part, int):
            yield part
        elif isinstance(part, str):
            yield from map(int, re.findall(r"\((\d{5})\)", part))


@compiles(Position, "mssql")
def _compile_position(element: Position, compiler: SQLCompiler, **options: Any) -> str:
    """Use `charindex`, which takes its arguments in the opposite order."""
    text, wanted = (compiler.process(part, **options) for part in element.clauses)
    return f"charindex({wanted}, {text})"


@compiles(HasAnyCode, "mssql")
def _compile_has_any_code(element: HasAnyCode, compiler: SQLCompiler, **options: Any) -> str:
    """Return 1 or 0: T-SQL has no truth values, so SQLAlchemy appends `= 1` to every function that returns one."""
    listed, *codes = element.clauses
    positions = (Position(listed, CODE_SEPARATOR.concat(code).concat(CODE_SEPARATOR)) for code in codes)
    yes, no = literal_column("1", Integer()), literal_column("0", Integer())
    return compiler.process(case(*((position > no, yes) for position in positions), else_=no), **options)
