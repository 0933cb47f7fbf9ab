"""From a request to the specification of a job: everything looked up, or every fault named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exports.jobs import ExportSpec
from exports.requests import ALL_COLUMNS, ColumnMapping, CsvExportRequestDto
from shared.problems import Fault, pointer


class InvalidSpecError(Exception):
    """The request is well formed but cannot be met; `faults` says why."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} fault(s)")
        self.faults = tuple(faults)


def make_spec(request: CsvExportRequestDto) -> ExportSpec:
    """Pin down what to export.

    Raises:
        InvalidSpecError: A mapping does not exist, or a column is mapped twice.
    """
    faults = list(_find_faults(request))
    if faults:
        raise InvalidSpecError(faults)
    columns = request.column_mappings or ALL_COLUMNS
    return ExportSpec(columns=columns, include_headers=request.include_headers, filter=request.filter)


def _find_faults(request: CsvExportRequestDto) -> Iterator[Fault]:
    if request.mapping_code is not None:
        yield Fault(pointer=pointer("mappingCode"), detail="There is no mapping with this code.")
    yield from _find_duplicates(request.column_mappings or ())


def _find_duplicates(columns: Sequence[ColumnMapping]) -> Iterator[Fault]:
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
