"""Builds requests in the form in which the Functions worker passes them to a trigger, and parses responses."""

from __future__ import annotations

import json
from typing import Any

import azure.functions as func
import pytest

from shared.http import read_body
from shared.models import Model
from shared.problems import ProblemError

JSON = {"content-type": "application/json"}


def a_request(
    body: bytes = b"{}", headers: dict[str, str] | None = None, route: dict[str, str] | None = None
) -> func.HttpRequest:
    """Build a POST with a JSON body by default, and with its length. `route` holds the parameters of the path."""
    return func.HttpRequest(
        method="POST",
        url="https://host.example/clients/export/csv?secret=1",
        headers={"content-length": str(len(body))} | (JSON if headers is None else headers),
        route_params=route or {},
        body=body,
    )


def faults_of_body(body: Any, model: type[Model]) -> list[tuple[str, str]]:
    """Read a body as a model; return pointer and detail of each fault."""
    with pytest.raises(ProblemError) as raised:
        read_body(a_request(json.dumps(body).encode()), model, max_bytes=1_000_000)
    assert raised.value.kind.code == "invalid-request"
    return [(fault.pointer, fault.detail) for fault in raised.value.faults]


def document(response: func.HttpResponse) -> dict[str, Any]:
    """Return the parsed JSON body of a response."""
    parsed: dict[str, Any] = json.loads(response.get_body())
    return parsed
