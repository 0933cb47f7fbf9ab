"""Helpers for text that people read. Uses the standard library only, because dev.py imports it before set-up."""

from __future__ import annotations


def shorten(text: str, width: int) -> str:
    """Return the text, cut to `width` characters. An ellipsis marks a cut."""
    return text if len(text) <= width else text[: width - 1] + "…"


def printable(text: str) -> str:
    """Return the text with a question mark for each character that does not print, such as a line break.

    Clients, and callers over HTTP, choose names. A terminal might obey such a character in one.
    """
    return "".join(letter if letter.isprintable() else "?" for letter in text)
