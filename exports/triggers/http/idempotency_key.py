"""The request header `Idempotency-Key`, with which a caller may repeat a request whose answer was lost."""

from __future__ import annotations

from exports.request.idempotency import KEY_PATTERN, is_idempotency_key
from exports.triggers.http.problems import INVALID_HEADER
from exports.triggers.http.routes import Call, Parameter
from shared.problems import ProblemError


def idempotency_key(description: str) -> Parameter:
    """Describe the header."""
    schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": KEY_PATTERN}
    return Parameter("Idempotency-Key", "header", description, schema)


def parse_idempotency_key(call: Call) -> str | None:
    """Return the key that the caller sent, if any.

    Raises:
        ProblemError: It is malformed.
    """
    key: str | None = call.req.headers.get("idempotency-key")
    if key is not None and not is_idempotency_key(key):
        raise ProblemError(INVALID_HEADER, "An Idempotency-Key has 1 to 255 visible ASCII characters.")
    return key
