"""Describes the webhook that the service sends, for the `webhooks` of the OpenAPI 3.1 document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.alias_generators import to_camel

from exports.jobs.view import NOT_SENT
from exports.triggers.http.api_docs.examples import EXAMPLES
from exports.triggers.http.api_docs.openapi_schemas import REFERENCE, Schema

BODY = "CsvExportEndedDto"
"""The model of the webhook's body: a job without what receivers do not get."""

WEBHOOKS = {"name": "Webhooks", "description": "What the service sends to your server."}
"""A tag of its own: generators write a file for each tag, and OpenAPI Generator writes webhooks over routes."""

_JOB = "CsvExportJobDto"
_LEFT_OUT = frozenset(map(to_camel, NOT_SENT))
_MEANING = (
    "Sent to the `webhookUrl` of a request when the export has ended, with any status. It is repeated for up to three "
    "days until your server answers with 2xx. Verify the signature before you trust the content; the format is "
    "Standard Webhooks. The same webhook may arrive more than once; it then has the same `webhook-id`."
)
_HEADERS: tuple[tuple[str, str, Schema], ...] = (
    ("webhook-id", "Identifies the event: the same for every try", {"type": "string", "pattern": "^msg_[0-9a-z_-]+$"}),
    ("webhook-timestamp", "The time of this try, in seconds since 1970", {"type": "string", "pattern": "^[0-9]+$"}),
    (
        "webhook-signature",
        "`v1,` and base64 of HMAC-SHA256 over id, timestamp and body, joined by full stops; spaces between several",
        {"type": "string", "pattern": "^v1,[0-9A-Za-z+/=]+( v1,[0-9A-Za-z+/=]+)*$"},
    ),
)


def add_ended_schema(schemas: dict[str, Schema]) -> None:
    """Add the model of the webhook's body, derived from the model of a job, if the document has that model."""
    if _JOB not in schemas:
        return
    job = schemas[_JOB]
    schemas[BODY] = {
        **job,
        "title": BODY,
        "description": "A job that has ended, as the webhook sends it: without the link to its file, its request, and "
        "the names of its caller and its mapping.",
        "properties": _sent(job["properties"]),
        "required": [name for name in job["required"] if name not in _LEFT_OUT],
        "examples": [_sent(EXAMPLES[_JOB])],
    }


def describe_webhooks(schemas: Mapping[str, Schema]) -> dict[str, Any]:
    """Describe the webhook, if the model of its body is among the schemas."""
    return {"exportEnded": {"post": _operation()}} if BODY in schemas else {}


def _operation() -> dict[str, Any]:
    content = {"schema": {"$ref": REFERENCE + BODY}, "example": _sent(EXAMPLES[_JOB])}
    return {
        "operationId": "export_ended",
        "summary": "An export has ended",
        "description": _MEANING,
        "tags": [WEBHOOKS["name"]],
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": meaning, "schema": schema}
            for name, meaning, schema in _HEADERS
        ],
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {
            "2XX": {"description": "Accepted"},
            "410": {"description": "Send no more for this job"},
            "default": {"description": "Send it again later; with 429 and 503, not before `Retry-After`"},
        },
    }


def _sent(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in _LEFT_OUT}
