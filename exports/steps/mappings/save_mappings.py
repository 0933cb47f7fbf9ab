"""Steps: list, look up, create, update and delete the mappings of a tenant. Presets belong to every tenant.

Every step raises `StorageUnavailableError` when trying again can help.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from exports.errors import MappingNotFoundError, PresetReadOnlyError, TooManyMappingsError
from exports.mappings.mapping import (
    MAX_MAPPINGS,
    CreateCsvMappingDto,
    CsvMappingDto,
    SavedMapping,
    UpdateCsvMappingDto,
    new_mapping,
    show_mapping,
)
from exports.mappings.presets import MAPPING_PRESETS, show_mapping_preset
from exports.request.columns import ColumnMapping, find_faults
from exports.request.spec import InvalidSpecError
from exports.services import Services
from shared.events import emit
from shared.lists import ListDto, sort_and_cut
from shared.named_resources import cursor_by_name, is_code

Check = Callable[[CsvMappingDto], None]
"""Checks a mapping that is about to change; raises an error to prevent the change. It may run several times."""

_NOT_FOUND = "There is no mapping with this code."


def find_mapping(services: Services, tenant: str, code: str) -> CsvMappingDto:
    """Return a preset or a mapping of the tenant.

    Raises:
        MappingNotFoundError: The tenant has no mapping with this code.
    """
    if code in MAPPING_PRESETS:
        return show_mapping_preset(code)
    found = services.mappings.get(tenant, code) if is_code(code) else None
    if found is None:
        raise MappingNotFoundError(_NOT_FOUND)
    return show_mapping(found)


def columns_of(services: Services, tenant: str, code: str) -> Sequence[ColumnMapping] | None:
    """Return the columns of a mapping; None if the tenant has no mapping with this code."""
    try:
        return find_mapping(services, tenant, code).column_mappings
    except MappingNotFoundError:
        return None


def mapping_name_of(services: Services, tenant: str, code: str | None) -> str | None:
    """Return the name of a mapping; None if no code is given, or the tenant has no mapping with this code."""
    try:
        return find_mapping(services, tenant, code).name if code is not None else None
    except MappingNotFoundError:
        return None


def list_mappings(services: Services, tenant: str, limit: int, after: str | None = None) -> ListDto[CsvMappingDto]:
    """List the presets, then the mappings of the tenant by name, ignoring case.

    Args:
        after: The cursor of the last item of the previous answer. The list continues after it, even if it was deleted.
    """
    everything = [*map(show_mapping_preset, MAPPING_PRESETS), *map(show_mapping, services.mappings.all(tenant))]
    return sort_and_cut(everything, _cursor, limit, after)


def create_mapping(services: Services, tenant: str, request: CreateCsvMappingDto) -> CsvMappingDto:
    """Save a mapping under a new code.

    Raises:
        InvalidSpecError: A header is blank, has outer white space or holds a character that no workbook can hold, or a
            header or a field occurs twice.
        TooManyMappingsError: The tenant has `MAX_MAPPINGS`. Requests at the same moment may exceed it by a few.
    """
    _require_faultless(request.column_mappings)
    if services.mappings.count(tenant) >= MAX_MAPPINGS:
        message = f"A tenant may save {MAX_MAPPINGS} mappings; delete one that is no longer used."
        raise TooManyMappingsError(message)
    mapping = new_mapping(tenant, request, services.now())
    services.mappings.create(mapping)
    emit("mapping.created", tenant=tenant, mapping=mapping.code)
    return show_mapping(mapping)


def update_mapping(
    services: Services, tenant: str, code: str, request: UpdateCsvMappingDto, check: Check
) -> CsvMappingDto:
    """Replace the content of a mapping, if `check` accepts its state at the moment of writing.

    Raises:
        InvalidSpecError: A header is blank, has outer white space or holds a character that no workbook can hold, or a
            header or a field occurs twice.
        PresetReadOnlyError: The code belongs to a preset.
        MappingNotFoundError: The tenant has no mapping with this code.
    """
    _require_own(code)
    _require_faultless(request.column_mappings)

    def alter(mapping: SavedMapping) -> SavedMapping:
        check(show_mapping(mapping))
        return mapping.update(request, services.now())

    changed = services.mappings.change(tenant, code, alter)
    emit("mapping.updated", tenant=tenant, mapping=code)
    return show_mapping(changed)


def delete_mapping(services: Services, tenant: str, code: str, check: Check) -> None:
    """Delete a mapping, if `check` accepts its state at the moment of deletion. Jobs that used it are not affected.

    Raises:
        PresetReadOnlyError: The code belongs to a preset.
        MappingNotFoundError: The tenant has no mapping with this code.
    """
    _require_own(code)
    services.mappings.delete(tenant, code, lambda mapping: check(show_mapping(mapping)))
    emit("mapping.deleted", tenant=tenant, mapping=code)


def _cursor(mapping: CsvMappingDto) -> str:
    return f"{0 if mapping.is_preset else 1}\n{cursor_by_name(mapping.name, mapping.code)}"


def _require_own(code: str) -> None:
    if code in MAPPING_PRESETS:
        raise PresetReadOnlyError("A preset cannot be changed; save a mapping of your own with its columns.")
    if not is_code(code):
        raise MappingNotFoundError(_NOT_FOUND)


def _require_faultless(columns: Sequence[ColumnMapping]) -> None:
    faults = list(find_faults(columns))
    if faults:
        raise InvalidSpecError(faults)
