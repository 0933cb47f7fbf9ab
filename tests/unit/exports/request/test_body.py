"""The body of an export request: what it may contain, and how every fault in it is pointed at."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from exports.request.body import CsvExportRequestDto
from exports.request.columns import ALL_COLUMNS
from exports.request.fields import TargetField
from shared.http import read_body
from tests.support.builders import a_spec_of
from tests.support.http import a_request, faults_of_body

NAME = {"csvHeader": "Client", "targetField": "Name"}


def _faults(body: Any) -> list[tuple[str, str]]:
    return faults_of_body(body, CsvExportRequestDto)


def test_an_empty_body_asks_for_every_client_with_every_field_and_headers() -> None:
    spec = a_spec_of(CsvExportRequestDto.model_validate_json("{}"))
    assert [column.target_field for column in spec.columns] == list(TargetField)
    assert [column.csv_header for column in spec.columns] == [field.value for field in TargetField]
    assert spec.include_headers
    assert spec.filter.model_dump(exclude_defaults=True) == {}


def test_every_property_reaches_the_specification() -> None:
    moment = "2026-01-31T09:00:00+01:00"
    body = {
        "columnMappings": [NAME],
        "includeHeaders": False,
        "filter": {
            "managerCodes": ["M1"],
            "partnerCodes": ["P1"],
            "associateCodes": ["A1"],
            "teamCodes": ["T1"],
            "statuses": ["LostProspect"],
            "types": ["SoleTrader"],
            "serviceCodes": ["S1"],
            "search": "smith",
            "updatedSince": moment,
            "updatedUntil": "2026-02-28T09:00:00+01:00",
        },
    }
    spec = a_spec_of(CsvExportRequestDto.model_validate(body))
    assert spec.columns[0].csv_header == "Client"
    assert not spec.include_headers
    assert spec.filter.model_fields_set == set(type(spec.filter).model_fields)
    assert spec.filter.updated_since == datetime(2026, 1, 31, 8, tzinfo=UTC)
    assert spec.filter.updated_until == datetime(2026, 2, 28, 8, tzinfo=UTC)


def test_an_explicit_null_means_the_same_as_an_absent_property() -> None:
    request = CsvExportRequestDto.model_validate({"mappingCode": None, "columnMappings": None})
    assert a_spec_of(request).columns == ALL_COLUMNS


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"colour": "red"}, "/colour"),
        ({"include_headers": True}, "/include_headers"),
        ({"filter": {"manager": "M1"}}, "/filter/manager"),
        ({"a/b~c": 1}, "/a~1b~0c"),
        ({"columnMappings": [{**NAME, "width": 3}]}, "/columnMappings/0/width"),
    ],
)
def test_an_unknown_property_is_pointed_at(body: dict[str, Any], pointer: str) -> None:
    assert _faults(body) == [(pointer, "There is no property with this name here; remove it or correct its spelling.")]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"columnMappings": [NAME, {"csvHeader": "X", "targetField": "Nome"}]}, "/columnMappings/1/targetField"),
        ({"columnMappings": [{"csvHeader": "X", "targetField": "name"}]}, "/columnMappings/0/targetField"),
        ({"columnMappings": [{"csvHeader": "X", "targetField": 7}]}, "/columnMappings/0/targetField"),
        ({"filter": {"statuses": ["Active", "Asleep"]}}, "/filter/statuses/1"),
        ({"filter": {"types": ["Company"]}}, "/filter/types/0"),
    ],
)
def test_an_unknown_value_is_pointed_at(body: dict[str, Any], pointer: str) -> None:
    assert [found for found, _ in _faults(body)] == [pointer]


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({"includeHeaders": "true"}, "/includeHeaders", "This must be true or false."),
        ({"includeHeaders": 1}, "/includeHeaders", "This must be true or false."),
        ({"mappingCode": 5}, "/mappingCode", "This must be a string."),
        ({"columnMappings": {"Client": "Name"}}, "/columnMappings", "This must be an array."),
        ({"columnMappings": ["Name"]}, "/columnMappings/0", "This must be an object."),
        ({"filter": []}, "/filter", "This must be an object."),
        ({"filter": None}, "/filter", "This must be an object."),
        ({"filter": {"managerCodes": "M1"}}, "/filter/managerCodes", "This must be an array."),
        ({"filter": {"managerCodes": ["M1", 2]}}, "/filter/managerCodes/1", "This must be a string."),
        ({"filter": {"search": 5}}, "/filter/search", "This must be a string."),
        ([], "", "This must be an object."),
        (None, "", "This must be an object."),
    ],
)
def test_a_wrong_type_is_pointed_at(body: Any, pointer: str, detail: str) -> None:
    assert _faults(body) == [(pointer, detail)]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"columnMappings": [{"targetField": "Name"}]}, "/columnMappings/0/csvHeader"),
        ({"columnMappings": [{"csvHeader": "X"}]}, "/columnMappings/0/targetField"),
    ],
)
def test_a_missing_property_is_pointed_at(body: dict[str, Any], pointer: str) -> None:
    assert _faults(body) == [(pointer, "This property is required.")]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"columnMappings": []}, "/columnMappings"),
        ({"columnMappings": [{"csvHeader": "", "targetField": "Name"}]}, "/columnMappings/0/csvHeader"),
        ({"columnMappings": [{"csvHeader": "x" * 201, "targetField": "Name"}]}, "/columnMappings/0/csvHeader"),
        ({"mappingCode": ""}, "/mappingCode"),
        ({"filter": {"managerCodes": [""]}}, "/filter/managerCodes/0"),
        ({"filter": {"managerCodes": ["M"] * 1001}}, "/filter/managerCodes"),
        ({"filter": {"search": "x" * 201}}, "/filter/search"),
    ],
)
def test_a_value_that_is_too_short_or_too_long_is_pointed_at(body: dict[str, Any], pointer: str) -> None:
    assert [found for found, _ in _faults(body)] == [pointer]


@pytest.mark.parametrize(
    "moment",
    [
        "2026-01-31T09:00:00",
        "2026-01-31",
        "yesterday",
        "2026-02-30T09:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59.9995-12:00",
        1_700_000_000,
    ],
)
def test_a_moment_that_cannot_be_converted_to_utc_is_pointed_at(moment: Any) -> None:
    for name in ("updatedSince", "updatedUntil"):
        assert [found for found, _ in _faults({"filter": {name: moment}})] == [f"/filter/{name}"]


@pytest.mark.parametrize(
    "text",
    ["2026-01-31T09:00:00Z", "2026-01-31t09:00:00.000z", "2026-01-31 10:00:00+01:00", "2026-01-31_10:00+0100"],
)
def test_a_body_may_give_a_moment_in_every_usual_form(text: str) -> None:
    body = json.dumps({"filter": {"updatedSince": text, "updatedUntil": text}}).encode()
    wanted = read_body(a_request(body), CsvExportRequestDto, max_bytes=1_000_000).filter
    assert wanted.updated_since == wanted.updated_until == datetime(2026, 1, 31, 9, tzinfo=UTC)


@pytest.mark.parametrize("text", ["20260131", "17.5", "-5", "+1700000000", "1700000000000", "2026-01-31", "2026"])
def test_text_of_digits_is_no_moment_but_a_fault(text: str) -> None:
    for name in ("updatedSince", "updatedUntil"):
        ((pointer, detail),) = _faults({"filter": {name: text}})
        assert (pointer, "2026-01-31T09:00:00Z" in detail) == (f"/filter/{name}", True)


def test_the_fault_of_a_moment_without_offset_shows_an_example() -> None:
    (_, detail), *_ = _faults({"filter": {"updatedSince": "2026-01-31T09:00:00"}})
    assert "2026-01-31T09:00:00Z" in detail


def test_a_mapping_code_beside_column_mappings_is_a_fault_of_the_body() -> None:
    (pointer, detail), *others = _faults({"mappingCode": "m", "columnMappings": [NAME]})
    assert (pointer, others) == ("", [])
    assert "not both" in detail


def test_every_fault_of_a_body_is_named() -> None:
    body = {"colour": 1, "includeHeaders": 1, "columnMappings": [{"csvHeader": "X", "targetField": "Nome"}]}
    assert {found for found, _ in _faults(body)} == {"/colour", "/includeHeaders", "/columnMappings/0/targetField"}


def test_a_request_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        CsvExportRequestDto().include_headers = False  # type: ignore[misc]


# --- notify


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/",
        "https://hooks.example.com:8443/a/b?token=x%20y&z=1",
        "http://127.0.0.1:8080/hooks",
        "https://[2606:2800:220:1::1]:443/",
        "https://example.com?a=/b",
        "https://example.com/" + "a" * 1980,
    ],
)
def test_an_absolute_url_is_accepted(url: str) -> None:
    request = CsvExportRequestDto.model_validate({"notify": {"webhookUrl": url}})
    assert request.notify is not None
    assert request.notify.webhook_url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/hooks",
        "/hooks",
        "//example.com/hooks",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://",
        "https:///hooks",
        f"https://{'a' * 254}/",
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "https://example.com/#part",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://example.com:x/",
        "https://[nope]/",
        "https://example.com/a b",
        "https://example.com/a\\nHost: other",
        "https://example.com/\n",
        "https://example.com/\r\nx: y",
        "https://b\u00fccher.example/",
        "https://example.com\\@10.0.0.1/",
        " https://example.com/",
    ],
)
def test_a_url_that_is_not_absolute_is_refused_with_an_example(url: str) -> None:
    ((pointer, detail),) = _faults({"notify": {"webhookUrl": url}})
    assert pointer == "/notify/webhookUrl"
    assert "https://example.com/exports" in detail


def test_a_url_longer_than_2000_characters_is_refused() -> None:
    url = "https://example.com/" + "a" * 1981
    assert [pointer for pointer, _ in _faults({"notify": {"webhookUrl": url}})] == ["/notify/webhookUrl"]


def test_notify_needs_a_receiver_and_takes_nothing_else() -> None:
    assert _faults({"notify": {}}) == [("/notify", "Give webhookUrl or email, or both.")]
    faults = _faults({"notify": {"phone": "1", "webhookUrl": None, "email": "a@b.example"}})
    assert {pointer for pointer, _ in faults} == {"/notify/phone", "/notify/webhookUrl", "/notify/email"}


def test_a_stored_request_has_only_the_receivers_that_were_given() -> None:
    for notify in ({"webhookUrl": "https://example.com"}, {"email": ["a@b.example"]}):
        request = CsvExportRequestDto.model_validate({"notify": notify})
        assert request.model_dump(mode="json", by_alias=True)["notify"] == notify


def test_at_most_five_different_addresses_get_an_email() -> None:
    six = [f"{number}@b.example" for number in range(6)]
    assert [pointer for pointer, _ in _faults({"notify": {"email": six}})] == ["/notify/email"]
    assert [pointer for pointer, _ in _faults({"notify": {"email": []}})] == ["/notify/email"]
    assert [pointer for pointer, _ in _faults({"notify": {"email": ["a@b.example", "A@B.example"]}})] == [
        "/notify/email"
    ]
    assert [pointer for pointer, _ in _faults({"notify": {"email": [*six[:4], "x"]}})] == ["/notify/email/4"]


def test_a_printed_request_does_not_show_its_url() -> None:
    request = CsvExportRequestDto.model_validate({"notify": {"webhookUrl": "https://example.com/s3cret"}})
    assert "s3cret" not in repr(request)
