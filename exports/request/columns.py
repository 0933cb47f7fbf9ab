"""Which columns a caller may ask for."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from exports.request.fields import TargetField
from shared.models import Model


class ColumnMapping(Model):
    """One column of the file: its header and the field it shows."""

    csv_header: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    target_field: TargetField


ALL_COLUMNS: tuple[ColumnMapping, ...] = tuple(
    ColumnMapping(csv_header=field.value, target_field=field) for field in TargetField
)
"""A full export: every field, its name as header."""
