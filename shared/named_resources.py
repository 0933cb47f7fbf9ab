"""What everything that a tenant saves under a name has in common: its name, its code, the moments of its changes."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CODE = re.compile("[0-9a-f]{20}")
_TICK = timedelta(milliseconds=1)


def _one_line(name: str) -> str:
    if _CONTROL.search(name):
        raise PydanticCustomError("control_characters", "leave out line breaks and other control characters")
    return name


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_one_line),
    Field(json_schema_extra={"pattern": r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"}),
]
"""Trimmed; one line."""


def new_code() -> str:
    """Make a code that nobody can guess."""
    return secrets.token_hex(10)


def is_code(text: str) -> bool:
    """Say whether `text` has the shape of such a code (so that nothing else reaches a storage query)."""
    return _CODE.fullmatch(text) is not None


def to_millisecond(moment: datetime) -> datetime:
    """Drop what is not shown."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def moment_of_change(now: datetime, before: datetime) -> datetime:
    """Give the moment of a change: in whole milliseconds, and later than the one before."""
    return max(to_millisecond(now), before + _TICK)


def position_of(name: str, code: str) -> str:
    """Where something stands in a list by name, letter case ignored. Names have no line breaks, so these texts sort
    as (name, code) do."""
    return f"{name.casefold()}\n{code}"
