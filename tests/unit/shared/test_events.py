"""Events are lines that a query can take apart: one event, then its fields in a fixed order."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import FIELDS, emit, line_of
from shared.request_ids import serving


def test_an_event_begins_with_its_name_and_has_its_fields_in_a_fixed_order() -> None:
    fields: dict[str, object] = {"try": 2, "error": "internal", "by": "me", **dict.fromkeys(reversed(FIELDS[:-1]), 1)}
    names = [pair.partition("=")[0] for pair in line_of("job.ended", fields).split(" ")]
    assert names == ["event", *FIELDS, "by", "try"]


def test_absent_values_are_left_out() -> None:
    assert line_of("job.ended", {"job": "a", "rows": None, "bytes": 0}) == "event=job.ended job=a bytes=0"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("northwind", "northwind"),
        (12, "12"),
        (1.23456, "1.235"),
        (True, "true"),
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00+00:00"),
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ('say "no"', '"say \\"no\\""'),
        ("one\ntwo", '"one\\ntwo"'),
        ("one\u2028two", '"one\\u2028two"'),
        ("", '""'),
    ],
)
def test_a_value_that_could_break_the_line_is_a_json_string(value: object, text: str) -> None:
    assert line_of("e", {"x": value}) == f"event=e x={text}"


@given(st.text())
def test_no_text_can_add_a_line_or_a_field(text: str) -> None:
    line = line_of("e", {"x": text})
    value = line.removeprefix("event=e x=")
    assert line.isprintable()
    assert value == text if not value.startswith('"') else json.loads(value) == text
    assert value.startswith('"') or not {" ", "=", '"'} & set(value)


def test_an_event_names_the_request_that_is_being_served() -> None:
    with serving("of-the-request"):
        assert line_of("e", {"request": "of-the-job"}) == "event=e request=of-the-request"
    assert line_of("e", {"request": "of-the-job"}) == "event=e request=of-the-job"
    assert line_of("e", {}) == "event=e"


def test_the_traceback_of_a_cause_follows_the_line_of_the_event(caplog: pytest.LogCaptureFixture) -> None:
    error = ZeroDivisionError("50 % broken")
    emit("step.failed", logging.WARNING, cause=error, error="50%s")
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.WARNING, "event=step.failed error=50%s")
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    assert record.filename == "test_events.py"
