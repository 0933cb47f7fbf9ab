"""A repeated request with the same `Idempotency-Key` leads to the same job, or to one valid API key.

For a job, a record binds the key to the hash of the body and to the code of the job that the request will create. The
request writes the record before the job, and only if the key has none. A second request finds the record. If the first
request did not get as far as the job, the second one creates it under the same code. Creating a job twice under one
code is harmless, so the record needs no state between "reserved" and "done".

For an API key there is no record: the row of the new key identifies the request that made it (`mark_request`). Nothing
can show a key again, so a repeat makes another one in its place (`exports.steps.access.repeated_requests`).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from shared.models import Model

KEY_PATTERN = "^[!-~]([ -~]{0,253}[!-~])?$"


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """The request and the job that an idempotency key stands for.

    Attributes:
        key_hash: Hex SHA-256 of the key.
        body_hash: Hex SHA-256 of the request in canonical form.
        code: Code of the only job for this key.
    """

    tenant: str
    key_hash: str
    body_hash: str
    code: str
    created_date: datetime


def is_idempotency_key(text: str) -> bool:
    """Tell whether a text may be a key: 1 to 255 visible ASCII characters, with spaces allowed inside."""
    return re.fullmatch(KEY_PATTERN, text) is not None


def hash_of_key(key: str) -> str:
    """Hash a key for storage: a key may contain characters that the key of a table row may not."""
    return hashlib.sha256(key.encode()).hexdigest()


def hash_of_body(request: Model) -> str:
    """Hash the meaning of a request: the order of properties, white space and explicit defaults make no difference.

    The hash leaves out defaults. So a property that a later release adds does not change the hashes of older requests.
    """
    canonical = request.model_dump_json(by_alias=True, exclude_defaults=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def mark_request(actor: str, key: str, action: str, request: Model) -> str:
    """Identify a request for an API key by its caller and idempotency key, and by what it asked for."""
    return f"{hash_of_key(f'{actor} {key}')}:{hash_of_key(f'{action} {hash_of_body(request)}')}"


def have_same_key(mark: str, other: str) -> bool:
    """Return whether two requests that `mark_request` has identified had the same caller and idempotency key."""
    return mark.partition(":")[0] == other.partition(":")[0]
