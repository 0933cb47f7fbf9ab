"""Compare columns of SQL Server with lists of texts, each list sent as one parameter.

A statement may have 2,100 parameters ("Maximum capacity specifications for SQL Server"), and a filter many more codes.
So a list travels as JSON, and `OPENJSON` reads it, which needs the compatibility level 130 ("OPENJSON (Transact-SQL)").
The texts that it returns have the collation of the database, and SQL Server compares two columns of different
collations with an error ("Collation precedence"). So each text gets the collation of the column.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, String, TextClause, exists, false, literal_column, select, text

from exports.adapters.clients_sql.dialects.mssql_keys import can_hold, collation_of, text_type
from exports.adapters.clients_sql.dialects.mssql_types import MssqlType
from exports.adapters.clients_sql.sql.columns import CLIENTS, CellForm, ViewColumn
from exports.adapters.clients_sql.sql.expressions import CODE_SEPARATOR, Position

_LONGEST_SEARCHED = "nvarchar(4000)"
"""CHARINDEX looks for no longer text."""


def equals_any(column: ViewColumn, of: MssqlType, charset: str | None, texts: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a column equals one of the texts, in the column's type and collation."""
    wanted = [text for text in texts if can_hold(of, charset, text)]
    if not wanted:
        return false()
    if of.form is CellForm.TEXT:
        value = f"CAST(value COLLATE {collation_of(of)} AS {text_type(of)})"
        return CLIENTS.c[column.name].in_(_values(value, column, wanted, "nvarchar(max)"))
    return CLIENTS.c[column.name].in_(_values(f"CAST(value AS {of.text})", column, wanted, "nvarchar(100)"))


def holds_any(
    column: ViewColumn, of: MssqlType, listed: ColumnElement[str], codes: Sequence[str]
) -> ColumnElement[bool]:
    """Return the condition that a text, codes each between separators, holds one of the codes."""
    code: ColumnElement[str] = literal_column(
        f"CAST(value COLLATE {collation_of(of)} AS {_LONGEST_SEARCHED})", String()
    )
    position = Position(listed, CODE_SEPARATOR.concat(code).concat(CODE_SEPARATOR))
    found = _values("1", column, codes, "nvarchar(max)").where(position > literal_column("0"))
    return exists(found.correlate(CLIENTS))


def _values(value: str, column: ViewColumn, texts: Sequence[str], read_as: str) -> Select[str]:
    return select(literal_column(value, String())).select_from(_rows(f"{column.name}_list", texts, read_as))


def _rows(name: str, texts: Sequence[str], read_as: str) -> TextClause:
    """Read JSON that is ASCII, which no character set changes on the way."""
    rows = text(f"OPENJSON(CAST(:{name} AS nvarchar(max))) WITH (value {read_as} '$')")
    return rows.bindparams(**{name: json.dumps(list(dict.fromkeys(texts)))})
