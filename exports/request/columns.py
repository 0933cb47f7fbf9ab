"""The columns of an export: what a caller may ask for, and how duplicates are reported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import StringConstraints

from exports.request.fields import TargetField
from shared.models import Model
from shared.problems import Fault, pointer


class ColumnMapping(Model):
    """One column of the file: its header and the field that its cells show."""

    csv_header: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    target_field: TargetField


ALL_COLUMNS: tuple[ColumnMapping, ...] = tuple(
    ColumnMapping(csv_header=field.value, target_field=field) for field in TargetField
)
"""The columns of a full export: every field, with its name as the header."""


def find_duplicates(columns: Sequence[ColumnMapping]) -> Iterator[Fault]:
    """Yield a fault for every header and every field that an earlier column already uses."""
    headers: dict[str, int] = {}
    fields: dict[str, int] = {}
    for index, column in enumerate(columns):
        for first_uses, name, value in (
            (headers, "csvHeader", column.csv_header),
            (fields, "targetField", column.target_field.value),
        ):
            first = first_uses.setdefault(value, index)
            if first != index:
                detail = f"“{value}” is already used by column {first + 1}; use it once."
                yield Fault(pointer=pointer("columnMappings", index, name), detail=detail)
