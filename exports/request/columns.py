"""Which columns a caller may ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import StringConstraints

from exports.request.fields import TargetField
from shared.models import Model
from shared.problems import Fault, pointer


class ColumnMapping(Model):
    """One column of the file: its header and the field it shows."""

    csv_header: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    target_field: TargetField


ALL_COLUMNS: tuple[ColumnMapping, ...] = tuple(
    ColumnMapping(csv_header=field.value, target_field=field) for field in TargetField
)
"""A full export: every field, its name as header."""


def find_duplicates(columns: Sequence[ColumnMapping]) -> Iterator[Fault]:
    """Point at every header and every field that comes again."""
    headers: dict[str, int] = {}
    fields: dict[str, int] = {}
    for index, column in enumerate(columns):
        for seen, name, value in (
            (headers, "csvHeader", column.csv_header),
            (fields, "targetField", column.target_field.value),
        ):
            first = seen.setdefault(value, index)
            if first != index:
                detail = f"“{value}” is already used by column {first + 1}; use it once."
                yield Fault(pointer=pointer("columnMappings", index, name), detail=detail)
