"""Job codes: they are unique, cannot be guessed, and sort newest first.

A code is 26 characters of Crockford's base 32 in lower case. It holds 48 bits of inverted creation time in
milliseconds, then 80 random bits or bits of a digest. The time is inverted because Table Storage lists rows in
ascending order, and the newest job must come first.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_BITS, _UNIQUE_BITS = 48, 80
_LATEST_MS = (1 << _TIME_BITS) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
JOB_CODE_PATTERN = f"[0-7][{_ALPHABET}]{{25}}"
_SHAPE = re.compile(JOB_CODE_PATTERN)


def new_job_code(now: datetime) -> str:
    """Make a code that cannot be guessed."""
    return _encode(now, secrets.randbits(_UNIQUE_BITS))


def slot_job_code(schedule: str, slot: datetime) -> str:
    """Make the code of the one job of a schedule's slot. The same arguments give the same code on every host."""
    digest = hashlib.sha256(f"{schedule}\n{slot.astimezone(UTC).isoformat()}".encode()).digest()
    return _encode(slot, int.from_bytes(digest[: _UNIQUE_BITS // 8]))


def first_code_before(moment: datetime) -> str:
    """Return a code that sorts after the codes of all jobs created at `moment` or later, and before all older ones."""
    return _encode(moment, (1 << _UNIQUE_BITS) - 1)


def is_job_code(text: str) -> bool:
    """Return whether `text` has the form of a code. Check this before `text` becomes part of a storage query."""
    return _SHAPE.fullmatch(text) is not None


def _encode(moment: datetime, unique: int) -> str:
    elapsed_ms = (moment - _EPOCH) // timedelta(milliseconds=1)
    number = (_LATEST_MS - elapsed_ms) << _UNIQUE_BITS | unique
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
