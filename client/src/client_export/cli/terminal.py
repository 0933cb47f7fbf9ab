"""Makes text safe for terminals, which obey control characters. Names in answers were chosen by strangers."""

from __future__ import annotations

import codecs
import io
import json
import sys
from typing import Any, TextIO

_ESCAPES = "client-export-escapes"


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


def write_json(stream: TextIO, value: Any, indent: int | None = None) -> None:
    """Write a value as JSON in UTF-8 (RFC 8259); to a stream of another encoding in ASCII, which is both."""
    text = json_text(value, indent)
    if codecs.lookup(getattr(stream, "encoding", None) or "utf-8").name != "utf-8":
        text = text.encode("ascii", errors=_ESCAPES).decode()
    stream.write(f"{text}\n")


def escape_what_cannot_be_written() -> None:
    """Let standard output and errors escape, as JSON does, the letters that their encoding has not.

    A pipe of Windows has the encoding of the country, such as cp1252. Without this a name would end the command.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPES)


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error(_ESCAPES, _escape)
