"""From a request to a specification: what cannot be met is pointed at."""

from __future__ import annotations

from typing import Any

import pytest

from exports.requests import ALL_COLUMNS, CsvExportRequestDto
from exports.specs import InvalidSpecError, make_spec
from shared.problems import Fault

NAME = {"csvHeader": "Client", "targetField": "Name"}


def _spec_faults(**body: Any) -> list[Fault]:
    with pytest.raises(InvalidSpecError) as raised:
        make_spec(CsvExportRequestDto.model_validate(body))
    return list(raised.value.faults)


def test_a_specification_holds_what_was_asked_for() -> None:
    request = CsvExportRequestDto.model_validate(
        {"columnMappings": [NAME], "includeHeaders": False, "filter": {"search": "smith"}}
    )
    spec = make_spec(request)
    assert (spec.columns, spec.include_headers, spec.filter) == (request.column_mappings, False, request.filter)


def test_without_mappings_every_field_is_a_column() -> None:
    assert make_spec(CsvExportRequestDto()).columns == ALL_COLUMNS


def test_a_header_used_twice_is_pointed_at_where_it_comes_again() -> None:
    again = {"csvHeader": "Client", "targetField": "Email"}
    (fault,) = _spec_faults(columnMappings=[NAME, {"csvHeader": "X", "targetField": "Code"}, again])
    assert fault.pointer == "/columnMappings/2/csvHeader"
    assert fault.detail == "“Client” is already used by column 1; use it once."


def test_a_field_used_twice_is_pointed_at_where_it_comes_again() -> None:
    (fault,) = _spec_faults(columnMappings=[NAME, {"csvHeader": "X", "targetField": "Name"}])
    assert fault.pointer == "/columnMappings/1/targetField"


def test_headers_that_differ_in_case_are_different() -> None:
    other = {"csvHeader": "client", "targetField": "Email"}
    assert len(make_spec(CsvExportRequestDto.model_validate({"columnMappings": [NAME, other]})).columns) == 2


def test_every_repetition_is_named() -> None:
    faults = _spec_faults(columnMappings=[NAME, NAME, NAME])
    assert [fault.pointer for fault in faults] == [
        f"/columnMappings/{index}/{name}" for index in (1, 2) for name in ("csvHeader", "targetField")
    ]


def test_an_unknown_mapping_is_pointed_at() -> None:
    (fault,) = _spec_faults(mappingCode="nope")
    assert (fault.pointer, fault.detail) == ("/mappingCode", "There is no mapping with this code.")
