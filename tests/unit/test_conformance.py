"""The check that every end-to-end test runs on every response finds responses that are not as documented."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from exports.triggers.http.api_docs.examples import EXAMPLES
from tests.support.conformance import assert_conforms
from tests.support.http_client import Response

JOB = "http://host/tenants/northwind/clients/export/csv/7ybqttn9kg0pf1x6vfw644k23d"


def an_answer(body: Any, status: int = 200, media_type: str = "application/json", **headers: str) -> Response:
    sent = {"content-type": media_type, "x-request-id": "1", **headers}
    return Response(status, sent, json.dumps(body).encode())


def test_a_documented_response_passes() -> None:
    assert_conforms("GET", JOB, an_answer(EXAMPLES["CsvExportJobDto"], etag='"1"'))
    assert_conforms("GET", JOB, Response(304, {"x-request-id": "1"}, b""))
    assert_conforms("GET", "http://host/nowhere", an_answer({}, 404))


@pytest.mark.parametrize(
    "answer",
    [
        an_answer(EXAMPLES["CsvExportJobDto"], 418),
        an_answer(EXAMPLES["CsvExportJobDto"], media_type="text/plain"),
        an_answer({}, 304),
        an_answer(EXAMPLES["CsvExportJobDto"], location="/elsewhere"),
    ],
)
def test_an_undocumented_status_media_type_header_or_body_fails(answer: Response) -> None:
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
def test_a_body_or_header_that_does_not_fit_its_schema_fails(answer: Response) -> None:
    with pytest.raises(jsonschema.ValidationError):
        assert_conforms("GET", JOB, answer)


def test_a_response_to_an_undocumented_path_fails() -> None:
    with pytest.raises(AssertionError, match="not documented"):
        assert_conforms("GET", "http://host/secret", an_answer({}, 200))


def test_an_answer_that_does_not_name_its_request_fails() -> None:
    with pytest.raises(AssertionError, match="does not name its request"):
        assert_conforms("GET", JOB, Response(304, {}, b""))
