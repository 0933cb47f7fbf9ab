"""Columns of a file that show nothing, or less than they should, because the `clients` view lacks columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField, source_columns
from shared.models import Model


class IncompleteColumn(Model):
    """A column of the file whose data the `clients` view lacks, wholly or in part.

    Attributes:
        missing: The columns that the view lacks.
        reason: A sentence for people.
    """

    csv_header: str
    target_field: TargetField
    missing: tuple[str, ...]
    reason: str


def incomplete_columns(columns: Sequence[ColumnMapping], absent: Collection[str]) -> tuple[IncompleteColumn, ...]:
    """Return the incomplete ones of a file's columns, in their order.

    Args:
        absent: The columns that the view lacks.
    """
    return tuple(
        _incomplete(column, missing)
        for column in columns
        if (missing := tuple(name for name in source_columns(column.target_field) if name in absent))
    )


def _incomplete(column: ColumnMapping, missing: tuple[str, ...]) -> IncompleteColumn:
    is_empty = missing == source_columns(column.target_field)
    effect = "every cell is empty" if is_empty else "every cell lacks a part"
    return IncompleteColumn(
        csv_header=column.csv_header,
        target_field=column.target_field,
        missing=missing,
        reason=f"The view clients lacks {', '.join(missing)}, so {effect}.",
    )
