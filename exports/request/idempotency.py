"""Repeating a request with the same `Idempotency-Key` gives the same job.

A record binds the key to the body's hash and to the code of the job that will be created. It is written first, and only
if there is none. Whoever comes second finds it, and creates the job under the same code if the first did not get so
far: creating twice is harmless, so no state is in between.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from exports.request.body import CsvExportRequestDto

KEY_PATTERN = "^[!-~]([ -~]{0,253}[!-~])?$"


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """What a key stands for.

    Attributes:
        key_hash: Hex SHA-256 of the key.
        body_hash: Hex SHA-256 of the request in canonical form.
        code: Code of the one job.
    """

    tenant: str
    key_hash: str
    body_hash: str
    code: str
    created_date: datetime


def is_idempotency_key(text: str) -> bool:
    """1 to 255 visible ASCII characters, blanks inside allowed."""
    return re.fullmatch(KEY_PATTERN, text) is not None


def hash_of_key(key: str) -> str:
    """Hash a key for storing: it may hold anything, and rows may not."""
    return hashlib.sha256(key.encode()).hexdigest()


def hash_of_body(request: CsvExportRequestDto) -> str:
    """Hash a request by its meaning: order of properties, blanks and spelled-out defaults do not matter.

    Defaults are left out, so that a property that is added later leaves the hashes of earlier requests alone.
    """
    meant = request.model_dump_json(by_alias=True, exclude_defaults=True)
    return hashlib.sha256(meant.encode()).hexdigest()
