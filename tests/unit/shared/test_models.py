"""The behaviour that all models share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from shared.models import Model, Moment, rfc3339


class Sample(Model):
    first_part: str
    changed_at: Moment | None = None


def test_json_is_in_camel_case() -> None:
    assert Sample(first_part="x").model_dump_json(by_alias=True, exclude_none=True) == '{"firstPart":"x"}'


def test_an_unknown_property_is_refused() -> None:
    with pytest.raises(ValidationError):
        Sample.model_validate({"firstPart": "x", "other": 1})


def test_a_printed_validation_error_shows_no_value() -> None:
    with pytest.raises(ValidationError) as raised:
        Model.model_validate({"webhookUrl": "https://hooks.example/secret"})
    assert "secret" not in str(raised.value)


def test_a_model_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Sample(first_part="x").first_part = "y"  # type: ignore[misc]


def test_a_moment_is_written_in_utc_with_z() -> None:
    summer = timezone(timedelta(hours=1))
    sample = Sample(first_part="x", changed_at=datetime(2026, 7, 1, 0, 30, tzinfo=summer))
    assert sample.model_dump(mode="json")["changed_at"] == "2026-06-30T23:30:00.000Z"


@pytest.mark.parametrize("text", ["20260701", "1782864000", "-5", "17.5", "2026-07-01"])
def test_a_moment_is_never_read_from_digits_alone(text: str) -> None:
    with pytest.raises(ValidationError):
        Sample.model_validate_json(f'{{"firstPart":"x","changedAt":"{text}"}}')


@pytest.mark.parametrize("separator", "Tt _")
def test_a_moment_is_read_with_any_separator_between_day_and_time(separator: str) -> None:
    sample = Sample.model_validate_json(f'{{"firstPart":"x","changedAt":"2026-07-01{separator}09:00:00z"}}')
    assert sample.changed_at == datetime(2026, 7, 1, 9, tzinfo=UTC)


def test_a_strict_reading_of_json_takes_moments_as_text_and_never_as_numbers() -> None:
    text, number = '{"firstPart":"x","changedAt":"2026-07-01T09:00:00Z"}', '{"firstPart":"x","changedAt":1782896400}'
    assert Sample.model_validate_json(text, strict=True).changed_at == datetime(2026, 7, 1, 9, tzinfo=UTC)
    with pytest.raises(ValidationError):
        Sample.model_validate_json(number, strict=True)


@pytest.mark.parametrize("text", ["2026-07-01T25:00:00Z", "2026-07-01Tsecret"])
def test_a_printed_error_about_a_moment_shows_no_value(text: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Sample.model_validate({"firstPart": "x", "changedAt": text})
    assert text not in str(raised.value)
    assert [each["type"] for each in raised.value.errors()] == ["datetime_from_date_parsing"]


def test_a_moment_is_cut_to_milliseconds() -> None:
    assert rfc3339(datetime(2026, 7, 1, 0, 0, 0, 123_999, tzinfo=UTC)) == "2026-07-01T00:00:00.123Z"
