"""Helpers for text that people read. Uses the standard library only, because dev.py imports it before set-up."""

from __future__ import annotations


def shorten(text: str, width: int) -> str:
    """Return the text, cut to `width` characters. An ellipsis marks a cut."""
    return text if len(text) <= width else text[: width - 1] + "…"
