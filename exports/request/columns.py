"""The columns of an export: what a caller may ask for, and how duplicates are reported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field, StringConstraints

from exports.request.faults import BLANK_HEADER, BLANKS_AROUND_HEADER, HEADER_WITH_NUL, USED_TWICE
from exports.request.fields import TargetField
from shared.faults import FaultKind
from shared.models import Model
from shared.problems import Fault, pointer

_BLANKS = "".join(chr(code) for code in range(0x3001) if chr(code).isspace()) + "\ufeff"
"""White space of Unicode, and U+FEFF, which JavaScript counts as white space."""

_OUTER = r"[^\s\x00\x1c-\x1f\x85\ufeff]"
_HEADER = rf"^{_OUTER}([^\x00]*{_OUTER})?$"
"""A header begins and ends with a visible character and holds no NUL. For readers of /openapi.json: jobs and mappings
that older versions stored may hold other headers, so the model takes them and `find_faults` refuses new ones."""


class ColumnMapping(Model):
    """One column of the file: its header and the field that its cells show."""

    csv_header: Annotated[
        str, StringConstraints(min_length=1, max_length=200), Field(json_schema_extra={"pattern": _HEADER})
    ]
    target_field: TargetField


ALL_COLUMNS: tuple[ColumnMapping, ...] = tuple(
    ColumnMapping(csv_header=field.value, target_field=field) for field in TargetField
)
"""The columns of a full export: every field, with its name as the header."""


def find_faults(columns: Sequence[ColumnMapping]) -> Iterator[Fault]:
    """Yield a fault for every header that no file can show well, and for every duplicate."""
    for index, column in enumerate(columns):
        kind = _header_fault(column.csv_header)
        if kind:
            yield kind.at(pointer("columnMappings", index, "csvHeader"))
    yield from find_duplicates(columns)


def _header_fault(header: str) -> FaultKind | None:
    if "\0" in header:
        return HEADER_WITH_NUL
    if not header.strip(_BLANKS):
        return BLANK_HEADER
    if header != header.strip(_BLANKS):
        return BLANKS_AROUND_HEADER
    return None


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
                yield USED_TWICE.at(pointer("columnMappings", index, name), value=value, column=first + 1)
