"""The check that every end-to-end test makes of every answer bites."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from exports.triggers.http.api_docs.examples import EXAMPLES
from tests.support.conformance import assert_conforms
from tests.support.system import Answer

JOB = "http://host/tenants/northwind/clients/export/csv/7ybqttn9kg0pf1x6vfw644k23d"


def an_answer(body: Any, status: int = 200, media_type: str = "application/json", **headers: str) -> Answer:
    return Answer(status, {"content-type": media_type, **headers}, json.dumps(body).encode())


def test_what_is_documented_passes() -> None:
    assert_conforms("GET", JOB, an_answer(EXAMPLES["CsvExportJobDto"], etag='"1"'))
    assert_conforms("GET", JOB, Answer(304, {}, b""))
    assert_conforms("GET", "http://host/nowhere", an_answer({}, 404))


@pytest.mark.parametrize(
    "answer",
    [
        an_answer(EXAMPLES["CsvExportJobDto"], 418),
        an_answer(EXAMPLES["CsvExportJobDto"], media_type="text/plain"),
        an_answer({}, 304),
    ],
)
def test_an_undocumented_status_media_type_or_body_does_not(answer: Answer) -> None:
    with pytest.raises(AssertionError):
        assert_conforms("GET", JOB, answer)


@pytest.mark.parametrize(
    "answer",
    [
        an_answer({**EXAMPLES["CsvExportJobDto"], "status": "Done"}),
        an_answer({**EXAMPLES["CsvExportJobDto"], "createdDate": "yesterday"}),
        an_answer({name: value for name, value in EXAMPLES["CsvExportJobDto"].items() if name != "downloadUrl"}),
        an_answer(EXAMPLES["CsvExportJobDto"], etag="1"),
    ],
)
def test_a_body_or_header_of_another_shape_does_not(answer: Answer) -> None:
    with pytest.raises(jsonschema.ValidationError):
        assert_conforms("GET", JOB, answer)


def test_an_answer_of_a_path_that_is_not_documented_does_not() -> None:
    with pytest.raises(AssertionError, match="not documented"):
        assert_conforms("GET", "http://host/secret", an_answer({}, 200))
