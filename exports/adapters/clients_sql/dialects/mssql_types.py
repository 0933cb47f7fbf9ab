"""Describe the columns of the view as SQL Server has them now.

`sys.dm_exec_describe_first_result_set` names the type and the collation of each column without reading a row. The right
to select from the view is enough for it. It does not fail if the view is missing: it returns a row with an error
(learn.microsoft.com, "sys.dm_exec_describe_first_result_set (Transact-SQL)").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from exports.adapters.clients_sql.dialects.mssql_values import FINISHES
from exports.adapters.clients_sql.sql.columns import CellForm, ViewColumn

DESCRIBE = """
SELECT name, COALESCE(system_type_name, user_type_name) AS type_name, collation_name,
    CAST(COLLATIONPROPERTY(collation_name, 'CodePage') AS int) AS code_page
FROM sys.dm_exec_describe_first_result_set(N'SELECT * FROM {view}', NULL, 0)
WHERE error_number IS NULL ORDER BY column_ordinal
"""
"""`system_type_name` is NULL for CLR types such as `geography` and `hierarchyid`."""

_FORMS = {
    **dict.fromkeys(("char", "varchar", "nchar", "nvarchar", "text", "ntext"), CellForm.TEXT),
    "bit": CellForm.BOOLEAN,
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), CellForm.INTEGER),
    **dict.fromkeys(("decimal", "numeric", "money", "smallmoney"), CellForm.NUMERIC),
    **dict.fromkeys(("float", "real"), CellForm.FLOAT),
    "date": CellForm.DATE,
    "time": CellForm.TIME,
    **dict.fromkeys(("datetime", "smalldatetime", "datetime2"), CellForm.TIMESTAMP),
    "datetimeoffset": CellForm.INSTANT,
    "uniqueidentifier": CellForm.UUID,
    "json": CellForm.JSON,
}
"""The form of each type that can be written ("Data types (Transact-SQL)"). The others are refused: `binary`,
`varbinary`, `image`, `timestamp` (`rowversion`), `xml`, `sql_variant`, `hierarchyid`, `geography`, `geometry`,
`vector`, and types of the user's own in .NET."""

KEYS = frozenset(
    {"char", "varchar", "nchar", "nvarchar", "tinyint", "smallint", "int", "bigint", "decimal", "numeric"}
    | {"uniqueidentifier"}
)
"""Types whose text in a plan the type reads back exactly, and that can be sorted."""

_TYPE = re.compile(r"(?P<name>\w+)(?:\((?P<first>\d+|max)(?:,\s*(?P<second>\d+))?\))?")


@dataclass(frozen=True)
class MssqlType:
    """A type of SQL Server.

    Attributes:
        name: The name without a length: `decimal`.
        text: The name as SQL has it: `decimal(10,2)`.
        is_max: Whether it is `varchar(max)` or `nvarchar(max)`.
        precision, scale: How many digits there are, and how many of them after the point.
        collation: The collation of text.
    """

    name: str
    text: str
    is_max: bool = False
    precision: int = 0
    scale: int = 0
    collation: str | None = None

    @property
    def form(self) -> CellForm | None:
        """What stands in a cell; None if the type cannot be written."""
        return _FORMS.get(self.name)


def describe(connection: Connection, names: Sequence[str], view: str) -> Mapping[str, ViewColumn]:
    """Describe those of the named columns that a view has; nothing if there is no view.

    Case does not distinguish names of columns, as in the usual collations.
    """
    rows = connection.exec_driver_sql(DESCRIBE.format(view=view)).all()
    columns = (describe_column(name.lower(), *rest) for name, *rest in rows if name)
    return {column.name: column for column in columns if column.name in names}


def describe_column(name: str, type_name: str | None, collation: str | None, code_page: int | None) -> ViewColumn:
    """Describe one column by a row of the answer to `DESCRIBE`."""
    of = _type(type_name or "unknown", collation)
    is_single_byte = of.name in {"char", "varchar", "text"}
    return ViewColumn(
        name,
        of.text,
        of.form,
        key=of if of.name in KEYS else None,
        charset=_codec(code_page) if is_single_byte else None,
        finish=FINISHES.get(of.name),
        details=of,
    )


def _type(text: str, collation: str | None) -> MssqlType:
    found = _TYPE.fullmatch(text)
    if found is None:
        return MssqlType(text, text)
    first, second = found["first"], found["second"]
    sizes = {"precision": int(first or 0), "scale": int(second or 0)} if first != "max" else {}
    return MssqlType(found["name"], text, is_max=first == "max", collation=collation, **sizes)


def _codec(code_page: int | None) -> str | None:
    """Return the Python codec of a Windows code page; None for UTF-8."""
    return None if code_page in {None, 0, 65001} else f"cp{code_page}"
