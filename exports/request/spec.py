"""Turns a request into the specification of a job, or names every fault that prevents it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum

from exports.request.body import CsvExportRequestDto
from exports.request.columns import ALL_COLUMNS, ColumnMapping, find_faults
from exports.request.consistency import Consistency
from exports.request.faults import FAULTY_MAPPING, SENSITIVE_FIELD, SENSITIVE_FIELD_IN_MAPPING, UNKNOWN_MAPPING
from exports.request.fields import SENSITIVE_FIELDS, TargetField
from exports.request.filters import ClientFilter, find_filter_faults
from exports.request.formats import CsvFormat, find_option_faults
from shared.models import Model, OptionalField
from shared.problems import Fault, pointer


class ExportSpec(Model):
    """What a job exports: a copy of everything that the request refers to, so that later changes do not affect the job.

    `omittedFields`: the sensitive fields that a full export leaves out because its caller may not export them.
    `consistency`: `snapshot` if the file shows one moment; None: each page is read at a moment of its own.
    `since`: the code of the export that the request names as its start; `filter` has the moment that follows from it.
    """

    columns: tuple[ColumnMapping, ...]
    include_headers: bool = True
    filter: ClientFilter = ClientFilter()
    format: CsvFormat = CsvFormat()
    omitted_fields: tuple[TargetField, ...] = ()
    consistency: OptionalField[Consistency] = None
    since: OptionalField[str] = None

    @property
    def sensitive_fields(self) -> tuple[TargetField, ...]:
        """The sensitive fields in the file; a key needs the scope `fields:sensitive` to read them."""
        return tuple(column.target_field for column in self.columns if column.target_field in SENSITIVE_FIELDS)


FindColumns = Callable[[str], Sequence[ColumnMapping] | None]
"""Returns the columns of a tenant's mapping by its code, or None if there is no such mapping."""


class SensitiveFields(Enum):
    """Whether the caller may export sensitive fields."""

    REFUSED = "a request that names one is refused; a full export leaves them out"
    ALLOWED = "they are exported like any other field"


class InvalidSpecError(Exception):
    """The request is well formed but cannot be fulfilled; `faults` says why."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} fault(s)")
        self.faults = tuple(faults)


class SensitiveFieldsError(Exception):
    """The caller may not read sensitive fields that a request names or that a file holds.

    For a request, `faults` points at each of them.
    """

    def __init__(self, fields: Sequence[TargetField], faults: Sequence[Fault] = ()) -> None:
        super().__init__(f"{len(fields)} sensitive field(s)")
        self.fields = tuple(fields)
        self.faults = tuple(faults)


def make_spec(request: CsvExportRequestDto, find_columns: FindColumns, sensitive: SensitiveFields) -> ExportSpec:
    """Build the specification of a job from a request.

    Raises:
        InvalidSpecError: The mapping does not exist, a header is blank, has outer white space or holds a character that
            no workbook can hold, a header or a field occurs twice, the format has an option that its preset does not
            know, or the filter lets no moment through.
        SensitiveFieldsError: The request or its mapping names a sensitive field, and `sensitive` refuses them.
    """
    named = _named_columns(request, find_columns)
    faults = list(_find_faults(request, named))
    if faults:
        raise InvalidSpecError(faults)
    if named and sensitive is SensitiveFields.REFUSED:
        _refuse_sensitive(request, named)
    columns = named or _full_export(sensitive)
    exported = {column.target_field for column in columns}
    return ExportSpec(
        columns=tuple(columns),
        include_headers=request.include_headers,
        filter=request.filter,
        format=request.format.resolve(),
        consistency=Consistency.SNAPSHOT if request.consistency is Consistency.SNAPSHOT else None,
        omitted_fields=() if named else tuple(field for field in TargetField if field not in exported),
    )


def _named_columns(request: CsvExportRequestDto, find_columns: FindColumns) -> Sequence[ColumnMapping] | None:
    if request.mapping_code is not None:
        return find_columns(request.mapping_code)
    return request.column_mappings or ()


def _find_faults(request: CsvExportRequestDto, named: Sequence[ColumnMapping] | None) -> Iterator[Fault]:
    if named is None:
        yield UNKNOWN_MAPPING.at(pointer("mappingCode"))
    if request.mapping_code is not None and any(find_faults(named or ())):
        yield FAULTY_MAPPING.at(pointer("mappingCode"))
    yield from find_faults(request.column_mappings or ())
    yield from find_option_faults(request.format, include_headers=request.include_headers)
    yield from find_filter_faults(request.filter)


def _full_export(sensitive: SensitiveFields) -> tuple[ColumnMapping, ...]:
    if sensitive is SensitiveFields.ALLOWED:
        return ALL_COLUMNS
    return tuple(column for column in ALL_COLUMNS if column.target_field not in SENSITIVE_FIELDS)


def _refuse_sensitive(request: CsvExportRequestDto, columns: Sequence[ColumnMapping]) -> None:
    found = {index: column.target_field for index, column in enumerate(columns) if _is_sensitive(column)}
    if not found:
        return
    if request.mapping_code is not None:
        faults = [SENSITIVE_FIELD_IN_MAPPING.at(pointer("mappingCode"), field=field) for field in found.values()]
    else:
        faults = [
            SENSITIVE_FIELD.at(pointer("columnMappings", index, "targetField"), field=field)
            for index, field in found.items()
        ]
    raise SensitiveFieldsError(list(found.values()), faults)


def _is_sensitive(column: ColumnMapping) -> bool:
    return column.target_field in SENSITIVE_FIELDS
