"""Write the SQL that makes MySQL and MariaDB form the text of cells, for each type.

Text in the usual character sets is read as it is. A value that no cell can show, such as the date 0000-00-00, makes the
statement fail with error 1690. The caller then looks for the client that has it.
"""

from __future__ import annotations

from exports.adapters.clients_sql.dialects.mysql_types import DISORDERED, UTF8MB4, MysqlType
from exports.adapters.clients_sql.sql.columns import CellForm, ViewColumn
from exports.request.fields import CellKind

_UNICODE = frozenset({UTF8MB4, "utf8mb3", "utf8", "ucs2", "utf16", "utf16le", "utf32"})
_COMPLETE = _UNICODE | {
    *("cp850", "cp852", "cp866", "keybcs2", "koi8r", "koi8u", "latin1", "latin2", "latin5", "latin7"),
    *("macce", "macroman"),
}
"""Character sets in which all bytes are characters. The others hold bytes that the server sends as `?` or U+FFFD."""

_REPLACEMENT = "_utf8mb4 X'EFBFBD'"
_BINARY = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
_GEOMETRY = frozenset({"geometry", "point", "linestring", "polygon", "geometrycollection", "geomcollection"})


def cell_sql(column: ViewColumn, kind: CellKind) -> str:
    """Return the SQL of one column's value, for a field of a kind."""
    of: MysqlType = column.details
    name = f"clients.{column.name}"
    if kind is CellKind.BOOLEAN and of.form is CellForm.INTEGER:
        return f"{name} + 0"  # a number, without leading zeros
    if kind is CellKind.DATE and of.form in (CellForm.DATE, CellForm.TIMESTAMP):
        return f"LEFT(CAST({name} AS CHAR), 10)"  # the renderer refuses days that no calendar has
    return text_sql(name, of)


def text_sql(name: str, of: MysqlType) -> str:
    """Return the SQL of a value's text, or of an integer."""
    if of.collation:
        text = _checked_text(name, of)
        return f"REPLACE({text}, ',', '; ')" if of.form is CellForm.ARRAY else text  # no label holds a comma
    if of.base == "bit":
        return f"CAST({name} AS UNSIGNED)"
    if of.form is CellForm.INTEGER and of.base != "year" and not of.fills_zeros:
        return name
    if of.is_single:
        return f"CAST({name} + 0e0 AS CHAR)"
    moments = {CellForm.DATE: _date, CellForm.TIME: _time, CellForm.TIMESTAMP: _timestamp, CellForm.INSTANT: _instant}
    form = moments.get(of.form or CellForm.TEXT)
    if form is not None:
        return form(name, of)
    if of.form in (CellForm.NUMERIC, CellForm.FLOAT, CellForm.INTEGER):
        return f"CAST({name} AS CHAR)"
    return name


def searched_sql(column: ViewColumn) -> str:
    """Return the SQL of a column's text in the character set of our connection, with a collation of its own.

    Two texts in a statement may have different collations only if one of them has it from a COLLATE.
    """
    of: MysqlType = column.details
    name = f"clients.{column.name}"
    if not of.collation:
        text = f"CAST({name} AS CHAR)" if of.form not in (CellForm.INTEGER, CellForm.ARRAY) else text_sql(name, of)
        return f"CONVERT({text} USING utf8mb4) COLLATE utf8mb4_general_ci"
    if of.form is CellForm.ARRAY:
        name = f"REPLACE({name}, ',', ';')"
    if of.charset == UTF8MB4:
        return f"{name} COLLATE {of.collation}"
    collation = "utf8mb4_bin" if of.collation.endswith("_bin") else "utf8mb4_general_ci"
    return f"CONVERT({name} USING utf8mb4) COLLATE {collation}"


def text_cast(column: ViewColumn) -> str:
    """Return the SQL that makes text of a column, for a person to write into the view."""
    base = column.type_name.partition("(")[0].partition(" ")[0]
    if base in _BINARY:
        return f"HEX({column.name})"
    if base == "bit":
        return f"CAST({column.name} AS UNSIGNED)"
    if base in _GEOMETRY or base.startswith("multi"):
        return f"ST_AsText({column.name})"
    if any(column.type_name.endswith(f" {collation}") for collation in DISORDERED):
        pads = "nopad_" if "_nopad_" in column.type_name else ""
        return f"CONVERT({column.name} USING utf8mb4) COLLATE utf8mb4_{pads}bin"
    return f"CAST({column.name} AS CHAR)"


def day_cast(column: ViewColumn) -> str:
    """Return the SQL that makes a date of a column, for a person to write into the view."""
    if column.form is CellForm.INSTANT:
        return f"DATE(CONVERT_TZ({column.name}, '+00:00', 'Europe/London'))"
    base = column.type_name.partition("(")[0]
    casts = {"year": f"MAKEDATE({column.name}, 1)", "time": "CAST(NULL AS DATE)"}  # DATE() would give another day
    return casts.get(base, f"DATE({column.name})")


def _checked_text(name: str, of: MysqlType) -> str:
    """Refuse text with bytes that are not characters. The server would send `?` or U+FFFD in their place."""
    if of.charset in _COMPLETE:
        return name
    sent = f"CONVERT({name} USING utf8mb4)"
    marks = [f"CHAR_LENGTH(REPLACE({text}, '?', ''))" for text in (name, sent)]
    is_lost = f"LOCATE('?', {sent}) > 0 AND {marks[0]} <> {marks[1]} OR LOCATE({_REPLACEMENT}, {sent}) > 0"
    return f"IF({is_lost}, {_failing(name)}, {name})"


def _date(name: str, of: MysqlType) -> str:
    return _of_calendar(name, name, f"CAST({name} AS CHAR)")


def _time(name: str, of: MysqlType) -> str:
    return _with_fraction(name, "TIME(6)", of)


def _timestamp(name: str, of: MysqlType) -> str:
    return _of_calendar(name, f"DATE({name})", _with_fraction(name, "DATETIME(6)", of))


def _instant(name: str, of: MysqlType) -> str:
    """Return the SQL of a moment. The time zone of our sessions is UTC, so the server prints it in UTC."""
    text = f"CONCAT(REPLACE({_with_fraction(name, 'DATETIME(6)', of)}, ' ', 'T'), 'Z')"
    return _of_calendar(name, f"DATE({name})", text)


def _with_fraction(name: str, widest: str, of: MysqlType) -> str:
    """Return the SQL of a time with six digits of its fraction, or none if the fraction is zero."""
    if of.length == 0:
        return f"CAST({name} AS CHAR)"
    whole = f"SUBSTRING_INDEX(CAST({name} AS CHAR), '.', 1)"
    return f"IF(MICROSECOND({name}) = 0, {whole}, CAST(CAST({name} AS {widest}) AS CHAR))"


def _of_calendar(name: str, day: str, text: str) -> str:
    """Refuse days such as 0000-00-00 and 2026-02-31, which no calendar has. A column may hold both."""
    return f"IF({name} IS NULL OR FROM_DAYS(TO_DAYS({day})) = {day}, {text}, {_failing(name)})"


def _failing(name: str) -> str:
    """Return an expression that fails. It depends on the row, so it is evaluated only where it is needed."""
    return f"CAST(EXP(1000 + LENGTH({name})) AS CHAR)"
