"""The columns of an export: what a caller may ask for, and how duplicates are reported."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field, StringConstraints

from exports.request.faults import BLANK_HEADER, BLANKS_AROUND_HEADER, REFUSED_IN_HEADER, USED_TWICE
from exports.request.fields import TargetField
from shared.models import Model
from shared.problems import Fault, pointer

_BLANKS = "".join(chr(code) for code in range(0x3001) if chr(code).isspace()) + "\ufeff"
"""White space of Unicode, and U+FEFF, which JavaScript counts as white space."""

REFUSED_IN_XML = r"\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff"
"""The characters, but for halves of surrogate pairs, that no XML 1.0 document can hold, and so no workbook (W3C,
"Extensible Markup Language", production 2)."""

_REFUSED = re.compile(f"[{REFUSED_IN_XML}]")
_OUTER = rf"[^\s\x85\ufeff{REFUSED_IN_XML}]"
_HEADER = rf"^{_OUTER}([^{REFUSED_IN_XML}]*{_OUTER})?$"
"""A header begins and ends with a visible character and holds none that a workbook refuses. For readers of
/openapi.json: jobs and mappings that older versions stored may hold other headers, so the model takes them and
`find_faults` refuses new ones."""


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
        yield from _header_faults(pointer("columnMappings", index, "csvHeader"), column.csv_header)
    yield from find_duplicates(columns)


def _header_faults(place: str, header: str) -> Iterator[Fault]:
    if refused := _REFUSED.search(header):
        yield REFUSED_IN_HEADER.at(place, character=f"U+{ord(refused[0]):04X}")
    elif not header.strip(_BLANKS):
        yield BLANK_HEADER.at(place)
    elif header != header.strip(_BLANKS):
        yield BLANKS_AROUND_HEADER.at(place)


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
