"""Shared by all resources that a tenant saves under a name: names, codes, and the moments of their changes."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

from shared.faults import CONTROL_CHARACTERS

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CODE = re.compile("[0-9a-f]{20}")
_TICK = timedelta(milliseconds=1)


def one_line(name: str) -> str:
    """Refuse a name with control characters, as pydantic validates it."""
    if _CONTROL.search(name):
        raise CONTROL_CHARACTERS.error()
    return name


NAME_SCHEMA: Final = {"pattern": r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"}
"""What a JSON Schema says of a name beside its length."""
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(one_line),
    Field(json_schema_extra=NAME_SCHEMA),
]
"""The name of a resource: one line, without spaces at its ends."""


def new_code() -> str:
    """Make a code that cannot be guessed."""
    return secrets.token_hex(10)


def is_code(text: str) -> bool:
    """Return whether `text` has the form of a code. Check this before `text` becomes part of a storage query."""
    return _CODE.fullmatch(text) is not None


def to_millisecond(moment: datetime) -> datetime:
    """Drop the microseconds, which JSON does not show."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def moment_of_change(now: datetime, before: datetime) -> datetime:
    """Return the moment to record for a change: in whole milliseconds, and later than that of the change before."""
    return max(to_millisecond(now), before + _TICK)


def cursor_by_name(name: str, code: str) -> str:
    """Return the cursor of a resource in a list by name, which ignores letter case.

    Names have no line breaks, so these texts sort as the pairs (name, code) do.
    """
    return f"{name.casefold()}\n{code}"
