"""The name of a view that a setting gives."""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import PydanticCustomError

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)


def read_view_name(value: Any) -> str:
    """Return the name of a view; empty if there is none. Other characters would need quotes in some database."""
    if value != "" and (not isinstance(value, str) or not _NAME.fullmatch(value)):
        message = "give the name of a view: lower-case letters a to z, digits and _, at most 63, no digit first"
        raise PydanticCustomError("view_name", message)
    return str(value)
