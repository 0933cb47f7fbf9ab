"""A request becomes a specification, or every part that cannot be fulfilled is pointed at."""

from __future__ import annotations

from typing import Any

import pytest

from exports.request.body import CsvExportRequestDto
from exports.request.columns import ALL_COLUMNS, ColumnMapping
from exports.request.fields import SENSITIVE_FIELDS, TargetField, source_columns
from exports.request.filters import SEARCHED_COLUMNS
from exports.request.spec import InvalidSpecError, SensitiveFields, SensitiveFieldsError
from shared.problems import Fault
from tests.support.builders import a_spec_of

NAME = {"csvHeader": "Client", "targetField": "Name"}
SECRET = {"csvHeader": "NI", "targetField": "NiNumber"}
MAPPINGS = {
    "plain": (ColumnMapping(csv_header="Client", target_field=TargetField.NAME),),
    "blank": (ColumnMapping(csv_header=" ", target_field=TargetField.NAME),),
    "refused": (ColumnMapping(csv_header="a\x01b", target_field=TargetField.NAME),),
    "private": (
        ColumnMapping(csv_header="Client", target_field=TargetField.NAME),
        ColumnMapping(csv_header="NI", target_field=TargetField.NI_NUMBER),
        ColumnMapping(csv_header="Born", target_field=TargetField.CONTACT_DATE_OF_BIRTH),
    ),
}


def _spec_faults(**body: Any) -> list[Fault]:
    with pytest.raises(InvalidSpecError) as raised:
        a_spec_of(CsvExportRequestDto.model_validate(body), MAPPINGS)
    return list(raised.value.faults)


def test_a_specification_holds_the_columns_and_filter_of_the_request() -> None:
    request = CsvExportRequestDto.model_validate(
        {"columnMappings": [NAME], "includeHeaders": False, "filter": {"search": "smith"}}
    )
    spec = a_spec_of(request)
    assert (spec.columns, spec.include_headers, spec.filter) == (request.column_mappings, False, request.filter)


def test_without_mappings_every_field_is_a_column() -> None:
    assert a_spec_of(CsvExportRequestDto()).columns == ALL_COLUMNS


def test_a_repeated_header_is_pointed_at() -> None:
    again = {"csvHeader": "Client", "targetField": "Email"}
    (fault,) = _spec_faults(columnMappings=[NAME, {"csvHeader": "X", "targetField": "Code"}, again])
    assert fault.pointer == "/columnMappings/2/csvHeader"
    assert fault.detail == "“Client” is already used by column 1; use it once."


def test_a_repeated_field_is_pointed_at() -> None:
    (fault,) = _spec_faults(columnMappings=[NAME, {"csvHeader": "X", "targetField": "Name"}])
    assert fault.pointer == "/columnMappings/1/targetField"


@pytest.mark.parametrize(
    ("header", "what"),
    [
        (" ", "blank"),
        ("\u00a0\u3000", "blank"),
        (" Name", "begins or ends with white space"),
        ("Name\n", "begins or ends with white space"),
        ("Name\ufeff", "begins or ends with white space"),
        ("a\0b", "the character U+0000"),
        ("a\x01b", "the character U+0001"),
        ("\x1f", "the character U+001F"),
        ("a\ufffe\0", "the character U+FFFE"),
    ],
)
def test_a_header_that_no_file_can_show_well_is_pointed_at(header: str, what: str) -> None:
    (fault,) = _spec_faults(columnMappings=[NAME, {"csvHeader": header, "targetField": "Code"}])
    assert fault.pointer == "/columnMappings/1/csvHeader"
    assert what in fault.detail


@pytest.mark.parametrize("header", ["tab\there", "line\r\nbreak", "\x7f\x85é\U0001f642\U0010ffff", "\ufffd"])
def test_a_header_that_every_file_can_show_is_taken(header: str) -> None:
    request = CsvExportRequestDto.model_validate({"columnMappings": [{"csvHeader": header, "targetField": "Code"}]})
    assert a_spec_of(request).columns[0].csv_header == header


@pytest.mark.parametrize("mapping", ["blank", "refused"])
def test_a_stored_mapping_with_a_faulty_header_is_refused_until_it_is_changed(mapping: str) -> None:
    (fault,) = _spec_faults(mappingCode=mapping)
    assert fault.pointer == "/mappingCode"
    assert "change the mapping first" in fault.detail


def test_headers_that_differ_in_case_are_different() -> None:
    other = {"csvHeader": "client", "targetField": "Email"}
    assert len(a_spec_of(CsvExportRequestDto.model_validate({"columnMappings": [NAME, other]})).columns) == 2


def test_every_repetition_is_named() -> None:
    faults = _spec_faults(columnMappings=[NAME, NAME, NAME])
    assert [fault.pointer for fault in faults] == [
        f"/columnMappings/{index}/{name}" for index in (1, 2) for name in ("csvHeader", "targetField")
    ]


def test_an_unknown_mapping_is_pointed_at() -> None:
    (fault,) = _spec_faults(mappingCode="nope")
    assert (fault.pointer, fault.detail) == ("/mappingCode", "There is no mapping with this code.")


@pytest.mark.parametrize("until", ["2026-01-31T08:59:59.999Z", "2026-01-31T10:00:00+01:00"])
def test_a_filter_that_ends_before_it_begins_is_pointed_at(until: str) -> None:
    (fault,) = _spec_faults(filter={"updatedSince": "2026-01-31T09:00:00Z", "updatedUntil": until})
    assert fault.pointer == "/filter/updatedUntil"
    assert "later moment than updatedSince" in fault.detail


def test_a_filter_may_end_a_millisecond_after_it_begins() -> None:
    moments = {"updatedSince": "2026-01-31T09:00:00Z", "updatedUntil": "2026-01-31T09:00:00.001Z"}
    spec = a_spec_of(CsvExportRequestDto.model_validate({"filter": moments}))
    assert spec.filter.model_dump(mode="json", by_alias=True, exclude_defaults=True) == {
        "updatedSince": "2026-01-31T09:00:00.000Z",
        "updatedUntil": "2026-01-31T09:00:00.001Z",
    }


def test_a_mapping_supplies_its_columns() -> None:
    spec = a_spec_of(CsvExportRequestDto(mapping_code="private"), MAPPINGS)
    assert (spec.columns, spec.omitted_fields) == (MAPPINGS["private"], ())


# --- sensitive fields ---


def _refusal(**body: Any) -> SensitiveFieldsError:
    with pytest.raises(SensitiveFieldsError) as raised:
        a_spec_of(CsvExportRequestDto.model_validate(body), MAPPINGS, SensitiveFields.REFUSED)
    return raised.value


def test_a_full_export_without_the_scope_omits_and_lists_sensitive_fields() -> None:
    spec = a_spec_of(CsvExportRequestDto(), sensitive=SensitiveFields.REFUSED)
    assert set(spec.omitted_fields) == SENSITIVE_FIELDS
    assert [column.target_field for column in spec.columns] == [
        field for field in TargetField if field not in SENSITIVE_FIELDS
    ]


def test_a_full_export_with_the_scope_omits_nothing() -> None:
    spec = a_spec_of(CsvExportRequestDto(), sensitive=SensitiveFields.ALLOWED)
    assert (spec.columns, spec.omitted_fields) == (ALL_COLUMNS, ())


def test_a_request_for_a_sensitive_field_is_refused_and_pointed_at() -> None:
    refusal = _refusal(columnMappings=[NAME, SECRET])
    assert refusal.fields == (TargetField.NI_NUMBER,)
    assert [fault.pointer for fault in refusal.faults] == ["/columnMappings/1/targetField"]


def test_a_mapping_with_sensitive_fields_is_refused_and_names_them() -> None:
    refusal = _refusal(mappingCode="private")
    assert refusal.fields == (TargetField.NI_NUMBER, TargetField.CONTACT_DATE_OF_BIRTH)
    assert [(fault.pointer, "NiNumber" in fault.detail) for fault in refusal.faults] == [
        ("/mappingCode", True),
        ("/mappingCode", False),
    ]


@pytest.mark.parametrize("body", [{"columnMappings": [NAME]}, {"mappingCode": "plain"}])
def test_a_request_without_sensitive_fields_needs_no_scope(body: dict[str, Any]) -> None:
    spec = a_spec_of(CsvExportRequestDto.model_validate(body), MAPPINGS, SensitiveFields.REFUSED)
    assert (len(spec.columns), spec.omitted_fields) == (1, ())


def test_faults_are_reported_before_scopes_are_checked() -> None:
    with pytest.raises(InvalidSpecError):
        a_spec_of(
            CsvExportRequestDto.model_validate({"columnMappings": [SECRET, SECRET]}), sensitive=SensitiveFields.REFUSED
        )


def test_a_search_never_reads_sensitive_columns() -> None:
    assert {source_columns(field)[0] for field in SENSITIVE_FIELDS}.isdisjoint(SEARCHED_COLUMNS)
