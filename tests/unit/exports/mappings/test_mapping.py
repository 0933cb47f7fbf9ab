"""Saved mappings: their content, their changes, and the presets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from exports.mappings.mapping import (
    CreateCsvMappingDto,
    CsvMappingDto,
    MatchField,
    UpdateCsvMappingDto,
    new_mapping,
    show_mapping,
)
from exports.mappings.presets import MAPPING_PRESETS, show_mapping_preset
from exports.request.columns import find_duplicates
from exports.request.fields import SENSITIVE_FIELDS
from shared.named_resources import is_code
from tests.support.builders import NOON, a_mapping
from tests.support.http import faults_of_body

COLUMN = {"csvHeader": "Client", "targetField": "Name"}
BODY: dict[str, Any] = {"name": "Mine", "columnMappings": [COLUMN], "mappingType": "Client"}


def _create(**changes: Any) -> CreateCsvMappingDto:
    return CreateCsvMappingDto.model_validate(BODY | changes)


def _update(**changes: Any) -> UpdateCsvMappingDto:
    return UpdateCsvMappingDto.model_validate({"name": "Mine", "columnMappings": [COLUMN]} | changes)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/name", "/columnMappings", "/mappingType"]),
        (BODY | {"name": ""}, ["/name"]),
        (BODY | {"name": " \t"}, ["/name"]),
        (BODY | {"name": "x" * 201}, ["/name"]),
        (BODY | {"name": "two\nlines"}, ["/name"]),
        (BODY | {"columnMappings": []}, ["/columnMappings"]),
        (BODY | {"mappingType": "Supplier", "matchField": "Utr"}, ["/mappingType", "/matchField"]),
        (BODY | {"code": "mine", "isPreset": True}, ["/code", "/isPreset"]),
    ],
)
def test_every_fault_of_a_new_mapping_is_pointed_at(body: dict[str, Any], pointers: list[str]) -> None:
    assert sorted(pointer for pointer, _ in faults_of_body(body, CreateCsvMappingDto)) == sorted(pointers)


def test_an_update_needs_a_name_and_columns() -> None:
    assert [pointer for pointer, _ in faults_of_body({}, UpdateCsvMappingDto)] == ["/name", "/columnMappings"]


@pytest.mark.parametrize(("name", "kept"), [("  Mine ", "Mine"), ("x" * 200, "x" * 200), ("Ä & “Co”", "Ä & “Co”")])
def test_a_name_is_trimmed_and_otherwise_kept(name: str, kept: str) -> None:
    assert _create(name=name).name == kept


def test_a_mapping_is_shown_with_exactly_its_eight_properties() -> None:
    shown = show_mapping(new_mapping("tenant", _create(), NOON))
    assert shown.model_dump(mode="json", by_alias=True) == {
        "code": shown.code,
        "name": "Mine",
        "columnMappings": [COLUMN],
        "matchField": "Code",
        "isPreset": False,
        "mappingType": "Client",
        "createdDate": "2026-01-31T12:00:00.000Z",
        "updatedDate": "2026-01-31T12:00:00.000Z",
    }


def test_codes_are_unique_and_differ_in_shape_from_preset_codes() -> None:
    codes = {new_mapping("tenant", _create(), NOON).code for _ in range(100)}
    assert len(codes) == 100
    assert all(map(is_code, codes))
    assert not any(map(is_code, MAPPING_PRESETS))


@pytest.mark.parametrize(
    "code", ["", "x", "..", "0" * 19, "0" * 21, "A" * 20, "0" * 20 + "\n", "' or 1 eq 1 or '0' eq"]
)
def test_other_texts_are_not_codes(code: str) -> None:
    assert not is_code(code)


def test_an_update_replaces_the_content_and_keeps_the_created_date() -> None:
    changed = a_mapping().update(_update(name="New", matchField="NiNumber"), NOON + timedelta(hours=1))
    assert (changed.content.name, changed.content.match_field) == ("New", MatchField.NI_NUMBER)
    assert (changed.created_date, changed.updated_date) == (NOON, NOON + timedelta(hours=1))


def test_an_update_without_a_match_field_keeps_the_present_one() -> None:
    mapping = a_mapping().update(_update(matchField="CompanyNumber"), NOON)
    assert mapping.update(_update(), NOON).content.match_field is MatchField.COMPANY_NUMBER


def test_each_update_has_a_later_date_even_if_the_clock_goes_back() -> None:
    mapping = a_mapping()
    dates = [mapping.updated_date]
    for now in (NOON, NOON + timedelta(microseconds=999), NOON - timedelta(days=1)):
        mapping = mapping.update(_update(), now)
        dates.append(mapping.updated_date)
    assert dates == [NOON + timedelta(milliseconds=number) for number in range(4)]


# --- presets ---


@pytest.mark.parametrize("code", MAPPING_PRESETS)
def test_a_preset_is_a_valid_mapping(code: str) -> None:
    shown = show_mapping_preset(code)
    document = shown.model_dump(mode="json", by_alias=True)
    assert shown.is_preset
    assert set(document) == {field.alias for field in CsvMappingDto.model_fields.values()}
    assert not list(find_duplicates(shown.column_mappings))
    assert CreateCsvMappingDto.model_validate({key: document[key] for key in ("name", "columnMappings", "mappingType")})


@pytest.mark.parametrize("code", MAPPING_PRESETS)
def test_a_preset_contains_its_match_field(code: str) -> None:
    content = MAPPING_PRESETS[code]
    assert content.match_field.value in {column.target_field.value for column in content.columns}


def test_only_the_preset_for_individuals_needs_sensitive_fields() -> None:
    sensitive = {
        code: {column.target_field.value for column in content.columns if column.target_field in SENSITIVE_FIELDS}
        for code, content in MAPPING_PRESETS.items()
    }
    assert sensitive == {
        "limited-company-clients": set(),
        "individual-clients": {"NiNumber", "ContactDateOfBirth"},
    }
