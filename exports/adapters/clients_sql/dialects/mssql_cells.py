"""Write the SQL that makes SQL Server form the text of cells, for each type.

The styles of CONVERT are those of "CAST and CONVERT (Transact-SQL)" (learn.microsoft.com): 3 for all 17 digits of a
float, 23 for a date, 108 for a time, 120 and 121 for date and time without and with a fraction.

Each cell is `nvarchar(max)`. Otherwise the driver reserves memory for the longest text that the type allows: for 67
columns of `nvarchar(4000)` and 2,000 rows that is a gigabyte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from exports.adapters.clients_sql.dialects.mssql_types import MssqlType
from exports.adapters.clients_sql.sql.columns import CellForm
from exports.request.fields import CellKind

_UTC = "CAST(SWITCHOFFSET({0}, '+00:00') AS datetime2(7))"


def cell_sql(name: str, of: MssqlType, kind: CellKind) -> str:
    """Return the SQL of one column's value, for a field of a kind."""
    if kind is CellKind.DATE and of.form in {CellForm.DATE, CellForm.TIMESTAMP}:
        return _max(f"CONVERT(char(10), {name}, 23)")
    return _max(text_sql(name, of))


def text_sql(name: str, of: MssqlType) -> str:
    """Return the SQL of a value's text; NULL for NULL."""
    form = _OF_TYPE.get(of.name) or _OF_FORM.get(of.form or CellForm.TEXT)
    return form(name) if form else f"CAST({name} AS nvarchar(max))"


def _max(text: str) -> str:
    return text if text.endswith("AS nvarchar(max))") else f"CAST({text} AS nvarchar(max))"


def _boolean(name: str) -> str:
    return f"CASE {name} WHEN 1 THEN N'true' WHEN 0 THEN N'false' END"


def _money(name: str) -> str:
    """Money has four digits after the point, of which the usual conversion shows two."""
    return f"CONVERT(varchar(40), CAST({name} AS decimal(19, 4)))"


def _float(name: str) -> str:
    return f"CONVERT(varchar(40), CAST({name} AS float), 3)"


def _date(name: str) -> str:
    return f"CONVERT(char(10), {name}, 23)"


def _time(name: str) -> str:
    return _with_fraction(name, f"CONVERT(char(8), {name}, 108)", f"CONVERT(char(16), CAST({name} AS time(7)), 121)")


def _datetime2(name: str) -> str:
    whole = f"CONVERT(char(19), {name}, 120)"
    return _with_fraction(name, whole, f"CONVERT(char(27), CAST({name} AS datetime2(7)), 121)")


def _datetime(name: str) -> str:
    """The milliseconds as SQL Server shows them: as `datetime2`, 0.003 would be 0.0033333."""
    whole, all_digits = f"CONVERT(char(19), {name}, 120)", f"CONVERT(char(23), {name}, 121) + '000'"
    return f"CASE WHEN DATEPART(millisecond, {name}) = 0 THEN {whole} ELSE {all_digits} END"


def _instant(name: str) -> str:
    return f"REPLACE({_datetime2(_UTC.format(name))}, ' ', 'T') + 'Z'"


def _with_fraction(name: str, whole: str, all_digits: str) -> str:
    """Return a text with no fraction or six digits of it; the seventh only if it is not zero."""
    nanoseconds = f"DATEPART(nanosecond, {name})"
    six = f"LEFT({all_digits}, LEN({all_digits}) - 1)"
    return (
        f"CASE WHEN {nanoseconds} = 0 THEN {whole} WHEN {nanoseconds} % 1000 = 0 THEN {six} "
        f"WHEN {nanoseconds} > 0 THEN {all_digits} END"
    )


def _uuid(name: str) -> str:
    return f"LOWER(CONVERT(char(36), {name}))"


_OF_TYPE: Mapping[str, Callable[[str], str]] = {
    "money": _money,
    "smallmoney": _money,
    "datetime": _datetime,
    "smalldatetime": lambda name: f"CONVERT(char(19), {name}, 120)",
}
_OF_FORM: Mapping[CellForm, Callable[[str], str]] = {
    CellForm.BOOLEAN: _boolean,
    CellForm.FLOAT: _float,
    CellForm.DATE: _date,
    CellForm.TIME: _time,
    CellForm.TIMESTAMP: _datetime2,
    CellForm.INSTANT: _instant,
    CellForm.UUID: _uuid,
}
