"""Write the SQL that makes PostgreSQL form the text of cells, for each type.

The same expressions serve rows that our renderer writes and records that PostgreSQL writes by COPY, so both have the
same bytes. A value that no cell can show, such as a date before Christ, makes the statement fail with an error of class
22. The caller then looks for the client that has it.

Functions that take values of any type are named with their schema. Otherwise a function of the same name for the very
type would be preferred, in whatever schema of the path it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from exports.adapters.clients_sql.dialects.postgresql_types import BPCHAR, TEXT, VARCHAR, PostgresType
from exports.adapters.clients_sql.sql.columns import CellForm, ClientView, ViewColumn
from exports.file.csv.renderer import CsvRenderer
from exports.request.fields import CellKind, TargetField, cell_kind, source_columns

_PRINTED = frozenset(
    {
        CellForm.TEXT,
        CellForm.INTEGER,
        CellForm.NUMERIC,
        CellForm.FLOAT,
        CellForm.INTERVAL,
        CellForm.UUID,
        CellForm.ENUM,
        CellForm.RANGE,
        CellForm.NETWORK,
    }
)
"""Forms for which the text that PostgreSQL prints is the cell."""

_UNLIKE_THEIR_CAST = frozenset({CellForm.NETWORK, CellForm.ENUM, CellForm.RANGE})
"""Forms whose cast to text may give other text: it adds a mask to an address, and a database may have casts of its own
for its enumerations and ranges."""

_FRACTION = "CASE WHEN date_trunc('second', {0}) = {0} THEN '{1}' ELSE '{1}.US' END"
_OUTSIDE_OF_STRINGS = r"""E'("(?:[^"\\\\]|\\\\.)*")|[ \\t\\n\\r]+'"""
_BLANKS = r"E' \t\n\r\f\v'"


def copied_cells(renderer: CsvRenderer, view: ClientView) -> list[str]:
    """Return the SQL of each field's cell, for COPY."""
    expressions = [copied_cell(field, view) for field in renderer.fields]
    # COPY never quotes NULL, even with FORCE_QUOTE
    return [f"coalesce(({cell})::text, '')" if renderer.quotes_all else cell for cell in expressions]


def cell_sql(column: ViewColumn, kind: CellKind) -> str:
    """Return the SQL of one column's value, for a field of a kind."""
    kinds = {CellKind.BOOLEAN: _truth, CellKind.DATE: _day}
    return kinds.get(kind, text_sql)(column.name, column.details)


def text_sql(name: str, of: PostgresType) -> str:
    """Return the SQL of a value's text; NULL or empty for an absent value."""
    if of.oid in {TEXT, VARCHAR}:
        return name
    if of.form in _UNLIKE_THEIR_CAST or of.oid == BPCHAR:
        return f"pg_catalog.concat({name})"  # a cast would remove the padding
    if of.form in _PRINTED:
        return f"{name}::text"
    if of.form is CellForm.ARRAY and of.element is not None:
        return _joined(name, of.element)
    return _FORMATTED[of.form or CellForm.TEXT](name)


def _joined(name: str, element: PostgresType) -> str:
    if element.form in _PRINTED:
        return f"pg_catalog.array_to_string({name}, '; ')"
    text = text_sql("part.value", element)
    parts = f"pg_catalog.unnest({name}) WITH ORDINALITY AS part (value, place)"
    return f"(SELECT pg_catalog.string_agg({text}, '; ' ORDER BY part.place) FROM {parts})"  # noqa: S608 - our own names


def _boolean_text(name: str) -> str:
    return f"CASE WHEN {name} THEN 'true' WHEN NOT {name} THEN 'false' END"


def _compact_json(name: str) -> str:
    return rf"regexp_replace({name}::text, {_OUTSIDE_OF_STRINGS}, E'\\1', 'g')"


def _date_text(name: str) -> str:
    return _within_calendar(name, "'0001-01-01'", "'10000-01-01'", f"{name}::text")


def _time_text(name: str) -> str:
    form = _FRACTION.format(f"{name}::interval", "HH24:MI:SS")
    return f"CASE WHEN {name} < '24:00' THEN to_char({name}::interval, {form}) ELSE {_refused(name)} END"


def _timestamp_text(name: str) -> str:
    form = _FRACTION.format(name, "YYYY-MM-DD HH24:MI:SS")
    return _within_calendar(name, "'0001-01-01'", "'10000-01-01'", f"to_char({name}, {form})")


def _instant_text(name: str) -> str:
    utc = f"({name} AT TIME ZONE 'UTC')"
    form = _FRACTION.format(utc, 'YYYY-MM-DD"T"HH24:MI:SS')
    return _within_calendar(name, "'0001-01-01Z'", "'10000-01-01Z'", f"(to_char({utc}, {form}) || 'Z')")


_FORMATTED = {
    CellForm.BOOLEAN: _boolean_text,
    CellForm.JSON: _compact_json,
    CellForm.DATE: _date_text,
    CellForm.TIME: _time_text,
    CellForm.TIMESTAMP: _timestamp_text,
    CellForm.INSTANT: _instant_text,
}


def _truth(name: str, of: PostgresType) -> str:
    if of.form is CellForm.BOOLEAN:
        return _boolean_text(name)
    word = f'lower(btrim({name}::text, {_BLANKS}) COLLATE "C")'
    return (
        f"CASE WHEN {name} IS NULL OR {word} = '' THEN NULL WHEN {word} IN ('true', 't', '1') THEN 'true' "
        f"WHEN {word} IN ('false', 'f', '0') THEN 'false' ELSE {_refused(name)} END"
    )


_TIME_WITHOUT_ZONE = "[T ] *[0-9][0-9:., ]*([AaPp][Mm])? *"
_DAY_IN_TEXT = f"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}($|{_TIME_WITHOUT_ZONE}$|[T ] *([^0-9 ]|$))"
"""What the renderer takes for a date: the day, perhaps with a time of day, but not with a zone."""


def _day(name: str, of: PostgresType) -> str:
    """Return the SQL of a day in the years 1 to 9999, as Python has them."""
    if of.form is CellForm.TEXT:
        is_date = f"{name}::text COLLATE \"C\" ~ '{_DAY_IN_TEXT}'"
        return (
            f"CASE WHEN {name} IS NULL OR {name}::text COLLATE \"C\" = '' THEN NULL "
            f"WHEN {is_date} THEN substr({name}::text, 1, 10)::date ELSE {_refused_day(name)} END"
        )
    return _within_calendar(name, "'0001-01-01'", "'10000-01-01'", f"{name}::date", _refused_day(name))


def _within_calendar(name: str, first: str, after_last: str, cell: str, refused: str = "") -> str:
    within = f"{name} >= {first} AND {name} < {after_last}"
    return f"CASE WHEN {name} IS NULL OR {within} THEN {cell} ELSE {refused or _refused(name)} END"


def _refused_day(name: str) -> str:
    """Return an expression that fails. It depends on the row, or the planner would evaluate it before any row."""
    return f"make_date(0, 1, octet_length({name}::text))"


def _refused(name: str) -> str:
    return f"{_refused_day(name)}::text"


def copied_cell(field: TargetField, view: ClientView) -> str:
    """Return the SQL of a field's cell, for COPY: text that is not empty, `true` or `false`, a date, or NULL."""
    columns = [view.column(name) for name in source_columns(field) if name not in view.absent]
    kind = cell_kind(field)
    if not columns:
        return "NULL"
    if kind is CellKind.ADDRESS:
        return _address([text_sql(column.name, column.details) for column in columns])
    cell = cell_sql(columns[0], kind)
    return cell if kind in (CellKind.BOOLEAN, CellKind.DATE) else _none_if_empty(cell)


def _none_if_empty(text: str) -> str:
    """COPY writes NULL as nothing, but quotes empty text. Other collations may ignore characters."""
    return f"nullif({text} COLLATE \"C\", '')"


def _address(lines: Sequence[str]) -> str:
    """Return the SQL that joins all lines but blank ones. It trims only lines with outer spaces: trimming is slow."""
    trimmed = (
        f"""CASE WHEN {line} IS NULL THEN NULL WHEN {line} COLLATE "C" > '!' AND {line} COLLATE "C" NOT LIKE '% ' """
        f"THEN {line} ELSE {_none_if_empty(f'btrim({line})')} END"
        for line in lines
    )
    return f"nullif(pg_catalog.concat_ws(', ', {', '.join(trimmed)}) COLLATE \"C\", '')"
