"""Count the lines of a JSON Lines file with a reader that shares no code with the renderer."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

from exports.file.unreadable import NOT_UTF8, UnreadablePageError

_TYPES = frozenset({str, bool, type(None)})


def count_lines(
    stream: BinaryIO, headers: Sequence[str], code_at: int | None, on_code: Callable[[str], None] = lambda _: None
) -> int:
    """Count the lines in the decompressed bytes of a page. Only one line is in memory.

    Every line must be a JSON object with the headers as its keys, in their order, and text, truth values or nulls.

    Args:
        code_at: The number of the column that shows the codes of clients, counted from 0; None if there is none.
        on_code: Takes the text of that column of each client.

    Raises:
        UnreadablePageError: The bytes are not UTF-8, or a line is not such an object.
    """
    expected = tuple(headers)
    number = 0
    for number, line in enumerate(stream, 1):
        names, values = _read(line, number)
        if names != expected:
            raise _wrong(number, "has other keys than the headers of the file")
        if not _TYPES.issuperset(map(type, values)):
            raise _wrong(number, "has a value that is not text, a truth value or null")
        if code_at is not None:
            code = values[code_at]
            if isinstance(code, bool):
                raise _wrong(number, "has a truth value as the code of a client")
            on_code(code or "")
    return number


def _read(line: bytes, number: int) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Return the keys and the values of the object on a line."""
    if not line.endswith(b"\n"):
        raise UnreadablePageError("the page does not end with a line feed")
    try:
        pairs = json.loads(line.decode(), object_pairs_hook=tuple)
    except UnicodeDecodeError:
        raise UnreadablePageError(NOT_UTF8) from None
    except (ValueError, RecursionError):
        raise _wrong(number, "is not JSON") from None
    if not isinstance(pairs, tuple):
        raise _wrong(number, "is not a JSON object")
    names, values = zip(*pairs, strict=True) if pairs else ((), ())
    return names, values


def _wrong(number: int, reason: str) -> UnreadablePageError:
    return UnreadablePageError(f"line {number} of the page {reason}")
