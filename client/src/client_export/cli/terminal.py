"""Makes text safe for terminals, which obey control characters. Names in answers were chosen by strangers."""

from __future__ import annotations

import json
from typing import Any


def one_line(text: str | None) -> str:
    """Return a text with a space for each character that does not print, also for line breaks; empty for None."""
    return "".join(letter if letter.isprintable() else " " for letter in text or "")


def plain(text: str) -> str:
    """Return a text of several lines with a space for each character that does not print."""
    return "\n".join(map(one_line, text.split("\n")))


def json_text(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON in which people can read all letters. What does not print is escaped."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)
