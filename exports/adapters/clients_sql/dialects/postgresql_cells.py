"""Write the SQL that makes PostgreSQL form cells exactly as `exports.file.csv.renderer` does.

There is SQL only for types for which the result is exact. If a column has another type, rows are read and rendered
instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from exports.file.csv.renderer import CsvRenderer
from exports.request.fields import CellKind, TargetField, cell_kind, source_columns

_BOOLEAN, _BIGINT, _SMALLINT, _INTEGER, _TEXT, _CHARACTER = 16, 20, 21, 23, 25, 1042
_VARCHAR, _DATE, _TIMESTAMP, _TIMESTAMP_WITH_ZONE, _UUID = 1043, 1082, 1114, 1184, 2950
"""Object ids of built-in types. They are the same on every server (pg_type.dat)."""

_TEXTS = frozenset({_TEXT, _VARCHAR})
_PRINTED_ALIKE = frozenset({_BIGINT, _SMALLINT, _INTEGER, _UUID})
_DAYS = frozenset({_DATE, _TIMESTAMP, _TIMESTAMP_WITH_ZONE})

IsUnknown = Callable[[int], bool]
"""Says whether the driver does not know the type with this id, and so returns the text that PostgreSQL prints."""


def cells(renderer: CsvRenderer, types: Mapping[str, int], is_unknown: IsUnknown) -> list[str] | None:
    """Return the SQL of each field's cell; None if one of them cannot be written exactly.

    Args:
        types: Type ids by column.
        is_unknown: Recognizes types that users have created, such as enumerations.
    """
    if renderer.format.excel_text:
        return None
    expressions = [_cell(field, types, is_unknown) for field in renderer.fields]
    if any(expression is None for expression in expressions):
        return None
    # COPY never quotes NULL, even with FORCE_QUOTE
    return [f"coalesce(({cell})::text, '')" if renderer.quotes_all else str(cell) for cell in expressions]


def _cell(field: TargetField, types: Mapping[str, int], is_unknown: IsUnknown) -> str | None:
    columns = source_columns(field)
    kind = cell_kind(field)
    if kind is CellKind.ADDRESS:
        texts = [_text(name, types[name], is_unknown) for name in columns]
        return None if None in texts else _address([str(text) for text in texts])
    (name,) = columns
    if kind is CellKind.BOOLEAN:
        return f"CASE WHEN {name} THEN 'true' WHEN NOT {name} THEN 'false' END" if types[name] == _BOOLEAN else None
    if kind is CellKind.DATE:
        return _day(name) if types[name] in _DAYS else None
    text = _text(name, types[name], is_unknown)
    return None if text is None else f"nullif({text}, '')"


def _text(name: str, type_id: int, is_unknown: IsUnknown) -> str | None:
    """Return the SQL of the text that the driver would return; NULL or empty for an absent value."""
    if type_id in _TEXTS:
        return name
    if type_id == _CHARACTER:
        return f"concat({name})"  # a cast would remove the padding
    return f"{name}::text" if type_id in _PRINTED_ALIKE or is_unknown(type_id) else None


def _day(name: str) -> str:
    """Return the SQL of a day in the years 1 to 9999, as Python has them. Other days cause an error of class 22."""
    refused = f"make_date(0, 1, octet_length({name}::text))"  # depends on the row, or the planner would evaluate it
    return (
        f"CASE WHEN {name} IS NULL OR {name} >= '0001-01-01' AND {name} < '10000-01-01' "
        f"THEN {name}::date ELSE {refused} END"
    )


def _address(lines: list[str]) -> str:
    """Return the SQL that joins all lines but blank ones. It trims only lines with outer spaces: trimming is slow."""
    trimmed = (
        f"""CASE WHEN {line} IS NULL THEN NULL WHEN {line} COLLATE "C" > '!' AND {line} COLLATE "C" NOT LIKE '% ' """
        f"THEN {line} ELSE nullif(btrim({line}), '') END"
        for line in lines
    )
    return f"nullif(concat_ws(', ', {', '.join(trimmed)}), '')"
