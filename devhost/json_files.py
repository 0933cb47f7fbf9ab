"""Reads the JSON of settings files as .NET does: with comments and trailing commas. Standard library only."""

from __future__ import annotations

import json
import re
from typing import Any

_STRING = r'"(?:\\.|[^"\\])*"'
_COMMENT = re.compile(rf"({_STRING})|//[^\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING_COMMA = re.compile(rf"({_STRING})|,(?=\s*[}}\]])", re.DOTALL)


def parse_json(text: str) -> Any:
    """Parse JSON that may hold comments and trailing commas.

    Raises:
        ValueError: It is not such a text.
    """
    for ignored in (_COMMENT, _TRAILING_COMMA):
        text = ignored.sub(lambda found: found[1] or " ", text)
    return json.loads(text)
