"""The text of JSON in a cell."""

from __future__ import annotations

import re

_OUTSIDE_OF_STRINGS = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\n\r]+')


def compact_json(text: str | None) -> str | None:
    """Remove white space outside of strings, and change nothing else."""
    return None if text is None else _OUTSIDE_OF_STRINGS.sub(r"\1", text)
