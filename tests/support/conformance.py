"""Holds answers of the running system to its OpenAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol
from urllib.parse import urlsplit

import jsonschema
import referencing
from referencing.jsonschema import DRAFT202012

import function_app
from exports.triggers.http.api_docs.openapi import build_document

_DOCUMENT = "urn:document"
_NOT_OURS = ("/admin/", "/runtime/")


class AnAnswer(Protocol):
    """What came back; header names in lower case."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def body(self) -> bytes: ...


def assert_conforms(method: str, url: str, answer: AnAnswer) -> None:
    """Check status, media type, headers and body of an answer against what is documented.

    What the host answers by itself, because a worker has just ended, has no media type and is left alone.
    """
    path = urlsplit(url).path
    if path.startswith(_NOT_OURS) or (answer.status in (500, 502, 503) and not answer.body):
        return
    found = find_operation(method, path)
    if found is None:
        assert answer.status in (404, 405), f"{method} {path} is answered {answer.status} but not documented"
        return
    _assert_documented(f"{method} {found}", _reply(found, method.lower(), answer.status), answer)


def find_operation(method: str, path: str) -> str | None:
    """Find the template of a path, one with fewer parameters first, if it has this method."""
    for pattern, template, methods in _templates():
        if pattern.fullmatch(path.rstrip("/") or "/"):
            return template if method.lower() in methods else None
    return None


def validate(value: Any, schema: Mapping[str, Any]) -> None:
    """Check a value against a schema, whose references lead into the document."""
    _validator(json.dumps(schema)).validate(value)


@cache
def document() -> dict[str, Any]:
    """The document of all routes."""
    return build_document(function_app.ROUTES)


@cache
def _templates() -> list[tuple[re.Pattern[str], str, frozenset[str]]]:
    return [
        (re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), re.IGNORECASE), template, frozenset(item))
        for template, item in sorted(document()["paths"].items(), key=lambda entry: entry[0].count("{"))
    ]


def _reply(template: str, method: str, status: int) -> Mapping[str, Any]:
    responses = document()["paths"][template][method]["responses"]
    assert str(status) in responses, f"{method} {template} does not document {status}, but {', '.join(responses)}"
    reply: Mapping[str, Any] = responses[str(status)]
    if "$ref" in reply:
        reply = document()["components"]["responses"][reply["$ref"].rpartition("/")[2]]
    return reply


def _assert_documented(what: str, reply: Mapping[str, Any], answer: AnAnswer) -> None:
    for name, header in reply.get("headers", {}).items():
        if (value := answer.headers.get(name.lower())) is not None:
            validate(int(value) if header["schema"]["type"] == "integer" else value, header["schema"])
    content = reply.get("content", {})
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if not content:
        assert not answer.body, f"{what} documents no body for {answer.status}"
        return
    assert media_type in content, f"{what} answers {answer.status} as {media_type!r}, documented: {', '.join(content)}"
    if media_type.endswith("json"):
        validate(json.loads(answer.body), content[media_type]["schema"])


@cache
def _validator(schema: str) -> jsonschema.Draft202012Validator:
    parsed = json.loads(schema.replace('"#/', f'"{_DOCUMENT}#/'))
    resource: Any = DRAFT202012.create_resource(document())
    registry: Any = referencing.Registry().with_resource(_DOCUMENT, resource)
    return jsonschema.Draft202012Validator(
        parsed, registry=registry, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
