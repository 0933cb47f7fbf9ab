"""What the service sends by itself, for the OpenAPI document: OpenAPI 3.1 calls it `webhooks`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exports.triggers.http.api_docs.examples import EXAMPLES
from exports.triggers.http.api_docs.openapi_schemas import REFERENCE, Schema

BODY = "CsvExportEndedDto"
"""The model of a webhook's body: a job without its link."""

_JOB, _LINK = "CsvExportJobDto", "downloadUrl"
_MEANING = (
    "Sent to the `webhookUrl` of a request when the export has ended, however it did, and again for up to three days "
    "until it is answered with 2xx. Verify it before you believe it: the form is Standard Webhooks. It may come more "
    "than once, with the same `webhook-id`."
)
_HEADERS: tuple[tuple[str, str, Schema], ...] = (
    ("webhook-id", "Names the event: the same for every try", {"type": "string", "pattern": "^msg_[0-9a-z_-]+$"}),
    ("webhook-timestamp", "When this try was made, in seconds since 1970", {"type": "string", "pattern": "^[0-9]+$"}),
    (
        "webhook-signature",
        "`v1,` and the base64 of HMAC-SHA256 over id, timestamp and body, joined by full stops; several by blanks",
        {"type": "string", "pattern": "^v1,[0-9A-Za-z+/=]+( v1,[0-9A-Za-z+/=]+)*$"},
    ),
)


def add_ended_schema(schemas: dict[str, Schema]) -> None:
    """Add the model of a webhook's body, made from that of a job; nothing if the document knows no jobs."""
    if _JOB not in schemas:
        return
    job = schemas[_JOB]
    schemas[BODY] = {
        **job,
        "title": BODY,
        "description": "A job that has ended, as a webhook tells of it: without a link to its file.",
        "properties": _without_link(job["properties"]),
        "required": [name for name in job["required"] if name != _LINK],
        "examples": [_without_link(EXAMPLES[_JOB])],
    }


def describe_webhooks(schemas: Mapping[str, Schema]) -> dict[str, Any]:
    """Describe the one webhook, if its body is among the schemas."""
    return {"exportEnded": {"post": _operation()}} if BODY in schemas else {}


def _operation() -> dict[str, Any]:
    content = {"schema": {"$ref": REFERENCE + BODY}, "example": _without_link(EXAMPLES[_JOB])}
    return {
        "operationId": "export_ended",
        "summary": "An export has ended",
        "description": _MEANING,
        "tags": ["Exports"],
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": meaning, "schema": schema}
            for name, meaning, schema in _HEADERS
        ],
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {
            "2XX": {"description": "Taken"},
            "410": {"description": "Nothing more is wanted for this job"},
            "default": {"description": "Sent again later; after `Retry-After` at the earliest, with 429 and 503"},
        },
    }


def _without_link(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != _LINK}
