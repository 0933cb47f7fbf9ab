"""Saving mappings: a sorted list, a limited number, and changes that never overwrite others."""

from __future__ import annotations

from typing import Any

import pytest

from exports.errors import MappingNotFoundError, PresetReadOnlyError, TooManyMappingsError
from exports.mappings.mapping import MAX_MAPPINGS, CreateCsvMappingDto, CsvMappingDto, UpdateCsvMappingDto
from exports.mappings.presets import MAPPING_PRESETS
from exports.request.body import CsvExportRequestDto
from exports.request.spec import InvalidSpecError, SensitiveFields
from exports.steps.mappings import save_mappings as steps
from exports.steps.requests.resolve_spec import resolve_spec
from shared.lists import MAX_TOKEN_CHARS, decode_token
from tests.support.builders import a_mapping
from tests.support.fakes import MemoryServices, a_services

TENANT = "tenant"
COLUMN = {"csvHeader": "Client", "targetField": "Name"}
PRESETS_FIRST = ["Individual clients", "Limited company clients"]


def _create(services: MemoryServices, name: str = "Mine", **changes: Any) -> CsvMappingDto:
    body = {"name": name, "columnMappings": [COLUMN], "mappingType": "Client"} | changes
    return steps.create_mapping(services, TENANT, CreateCsvMappingDto.model_validate(body))


def _update(name: str = "New") -> UpdateCsvMappingDto:
    return UpdateCsvMappingDto.model_validate({"name": name, "columnMappings": [COLUMN]})


def _allow_all(_: CsvMappingDto) -> None:
    """Check a precondition that every mapping fulfils."""


def _names(services: MemoryServices, limit: int) -> list[list[str]]:
    """Follow the list to its end; return the names in each response."""
    responses, after = [], None
    while True:
        response = steps.list_mappings(services, TENANT, limit, after)
        responses.append([item.name for item in response.data])
        if not response.has_more:
            assert response.continuation_token is None
            return responses
        assert response.continuation_token is not None
        after = decode_token(response.continuation_token)


def test_presets_come_first_then_mappings_by_name_ignoring_case() -> None:
    services = a_services()
    for name in ("beta", "Alpha", "alpha", "Émile", "2026", "BETA"):
        _create(services, name)
    (names,) = _names(services, 100)
    assert names[:3] == [*PRESETS_FIRST, "2026"]
    assert [name.lower() for name in names[3:]] == ["alpha", "alpha", "beta", "beta", "émile"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_a_list_followed_with_any_limit_has_no_gap_and_no_repeat(limit: int) -> None:
    services = a_services()
    for name in ("a", "a", "b", "ß", "SS", "🙂" * 200):
        _create(services, name)
    (whole,) = _names(services, 100)
    responses = _names(services, limit)
    assert [name for names in responses for name in names] == whole
    assert [len(names) for names in responses[:-1]] == [limit] * (len(responses) - 1)


def test_a_list_continues_in_place_even_if_its_last_item_was_deleted() -> None:
    services = a_services()
    first, _ = _create(services, "a"), _create(services, "b")
    start = steps.list_mappings(services, TENANT, 3)
    steps.delete_mapping(services, TENANT, first.code, _allow_all)
    rest = steps.list_mappings(services, TENANT, 3, decode_token(start.continuation_token or ""))
    assert [item.name for item in rest.data] == ["b"]


@pytest.mark.parametrize("letter", ["x", "🙂", "ΐ", "ﬃ"])
def test_the_longest_name_gives_a_token_that_is_accepted(letter: str) -> None:
    services = a_services()
    for _ in range(2):
        _create(services, letter * 200)
    token = steps.list_mappings(services, TENANT, 3).continuation_token
    assert token is not None
    assert len(token) <= MAX_TOKEN_CHARS
    assert decode_token(token)


def test_the_number_of_mappings_of_a_tenant_is_limited() -> None:
    services = a_services()
    for number in range(MAX_MAPPINGS):
        services.mappings.create(a_mapping(tenant=TENANT, code=f"{number:020x}"))
    with pytest.raises(TooManyMappingsError, match="500"):
        _create(services)
    steps.delete_mapping(services, TENANT, f"{0:020x}", _allow_all)
    assert _create(services).name == "Mine"


def test_repeated_headers_and_fields_are_reported_and_nothing_is_saved() -> None:
    services = a_services()
    with pytest.raises(InvalidSpecError) as raised:
        _create(services, columnMappings=[COLUMN, COLUMN])
    assert [fault.pointer for fault in raised.value.faults] == [
        "/columnMappings/1/csvHeader",
        "/columnMappings/1/targetField",
    ]
    assert services.mappings.count(TENANT) == 0


@pytest.mark.parametrize("code", MAPPING_PRESETS)
def test_a_preset_can_be_read_but_not_changed(code: str) -> None:
    services = a_services()
    assert steps.find_mapping(services, TENANT, code).is_preset
    with pytest.raises(PresetReadOnlyError):
        steps.update_mapping(services, TENANT, code, _update(), _allow_all)
    with pytest.raises(PresetReadOnlyError):
        steps.delete_mapping(services, TENANT, code, _allow_all)


@pytest.mark.parametrize("code", ["0" * 20, "nope", "", "%00"])
def test_an_unknown_mapping_is_not_found(code: str) -> None:
    services = a_services()
    with pytest.raises(MappingNotFoundError):
        steps.find_mapping(services, TENANT, code)
    with pytest.raises(MappingNotFoundError):
        steps.update_mapping(services, TENANT, code, _update(), _allow_all)
    with pytest.raises(MappingNotFoundError):
        steps.delete_mapping(services, TENANT, code, _allow_all)


def test_a_precondition_checks_the_mapping_as_it_is_when_written() -> None:
    services = a_services()
    code = _create(services, "first").code
    seen: list[str] = []

    def overtake() -> None:
        services.mappings.before_write = lambda: None
        steps.update_mapping(services, TENANT, code, _update("second"), _allow_all)

    services.mappings.before_write = overtake
    steps.update_mapping(services, TENANT, code, _update("third"), lambda shown: seen.append(shown.name))
    assert seen == ["first", "second"]
    assert steps.find_mapping(services, TENANT, code).name == "third"


# --- the columns of a mapping in an export ---


def test_an_export_copies_the_columns_so_later_changes_do_not_affect_it() -> None:
    services = a_services()
    code = _create(services).code
    request = CsvExportRequestDto(mapping_code=code)
    spec = resolve_spec(services, TENANT, request, SensitiveFields.REFUSED)
    steps.delete_mapping(services, TENANT, code, _allow_all)
    assert [column.csv_header for column in spec.columns] == ["Client"]
    with pytest.raises(InvalidSpecError):
        resolve_spec(services, TENANT, request, SensitiveFields.REFUSED)


def test_a_mapping_of_another_tenant_looks_like_an_unknown_mapping() -> None:
    services = a_services()
    code = _create(services).code
    faults = []
    for unknown in (code, "f" * 20):
        with pytest.raises(InvalidSpecError) as raised:
            resolve_spec(services, "other", CsvExportRequestDto(mapping_code=unknown), SensitiveFields.ALLOWED)
        faults.append(raised.value.faults)
    assert faults[0] == faults[1]
