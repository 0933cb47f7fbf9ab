"""Checks responses of the running system against its OpenAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import referencing
from referencing.jsonschema import DRAFT202012

import function_app
from exports.triggers.http.api_docs.openapi import build_document
from tests.support.http_client import Response

_DOCUMENT = "urn:document"
_OF_EVERY_SERVER = frozenset(
    "cache-control connection content-encoding content-length content-security-policy content-type date server "
    "transfer-encoding x-content-type-options".split()
)
"""Headers about the transfer and the handling of any answer, which the document need not describe."""
_ROUTES_OF_THE_HOST = ("/admin/", "/runtime/")


def assert_conforms(method: str, url: str, response: Response) -> None:
    """Check that status, media type, headers and body of a response are as documented.

    Skips responses that the host sends itself: those of its own routes, and the empty errors that it sends when a
    worker has just ended.
    """
    path = urlsplit(url).path
    if path.startswith(_ROUTES_OF_THE_HOST) or (response.status in (500, 502, 503) and not response.body):
        return
    template = find_operation(method, path)
    if template is None:
        assert response.status in (404, 405), f"{method} {path} is not documented, but its status is {response.status}"
        return
    _assert_documented(f"{method} {template}", _documented(template, method.lower(), response.status), response)


def find_operation(method: str, path: str) -> str | None:
    """Return the template of a path if it has this method. Templates with fewer parameters take precedence."""
    for pattern, template, methods in _templates():
        if pattern.fullmatch(path.rstrip("/") or "/"):
            return template if method.lower() in methods else None
    return None


def validate(value: Any, schema: Mapping[str, Any]) -> None:
    """Check a value against a schema. References in the schema point into the document."""
    _validator(json.dumps(schema)).validate(value)


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document of all routes."""
    return build_document(function_app.ROUTES)


@cache
def _templates() -> list[tuple[re.Pattern[str], str, frozenset[str]]]:
    return [
        (re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), re.IGNORECASE), template, frozenset(item))
        for template, item in sorted(document()["paths"].items(), key=lambda entry: entry[0].count("{"))
    ]


def _documented(template: str, method: str, status: int) -> Mapping[str, Any]:
    responses = document()["paths"][template][method]["responses"]
    assert str(status) in responses, f"{method} {template} does not document {status}, but {', '.join(responses)}"
    documented: Mapping[str, Any] = responses[str(status)]
    if "$ref" in documented:
        documented = document()["components"]["responses"][documented["$ref"].rpartition("/")[2]]
    return documented


def _assert_documented(operation: str, documented: Mapping[str, Any], response: Response) -> None:
    assert "x-request-id" in response.headers, f"{operation}: the answer does not name its request"
    for name, header in documented.get("headers", {}).items():
        if (value := response.headers.get(name.lower())) is not None:
            validate(int(value) if header["schema"]["type"] == "integer" else value, header["schema"])
    undocumented = response.headers.keys() - {name.lower() for name in documented.get("headers", {})} - _OF_EVERY_SERVER
    assert not undocumented, f"{operation} does not document the headers of {response.status}: {sorted(undocumented)}"
    content = documented.get("content", {})
    media_type = response.headers.get("content-type", "").partition(";")[0]
    if not content:
        assert not response.body, f"{operation} documents no body for {response.status}"
        return
    documented_types = ", ".join(content)
    assert media_type in content, f"{operation}: {response.status} is {media_type!r}, documented: {documented_types}"
    if media_type.endswith("json"):
        _validate_body(response.body, json.dumps(content[media_type]["schema"]))
    if media_type == "application/problem+json":
        problem = response.json
        assert problem["code"] in content[media_type]["examples"], f"{operation} does not document {problem['code']}"
        assert problem["status"] == response.status, problem


@lru_cache(maxsize=1024)
def _validate_body(body: bytes, schema: str) -> None:
    """Check a body. Remembers bodies that conform, because tests poll a job until it changes."""
    _validator(schema).validate(json.loads(body))


@cache
def _validator(schema: str) -> jsonschema.Draft202012Validator:
    parsed = json.loads(schema.replace('"#/', f'"{_DOCUMENT}#/'))
    resource: Any = DRAFT202012.create_resource(document())
    registry: Any = referencing.Registry().with_resource(_DOCUMENT, resource)
    return jsonschema.Draft202012Validator(
        parsed, registry=registry, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
