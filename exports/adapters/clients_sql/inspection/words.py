"""Find calls of functions in the text of a view's definition, where a database keeps only text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

_LITERAL = r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/"
_ESCAPED_LITERAL = r"'(?:[^'\\]|\\.|'')*'"
_NAME = r"""(?:`((?:``|[^`])+)`|"([^"]+)"|\[([^\]]+)\]|([\w$]+))(\s*\()?"""
"""A name, quoted or not, and whether a parenthesis follows, as after the name of a function."""

AS_WRITTEN = re.compile(f"{_LITERAL}|{_NAME}", re.DOTALL)
"""The words of SQLite, which keeps a view as it was written. A literal or a comment is a word without a name."""

AS_PRINTED = re.compile(f"{_ESCAPED_LITERAL}|{_NAME}", re.DOTALL)
"""The words of MySQL and MariaDB, which print a view: literals with backslashes in every `sql_mode`, no comments."""


def calls(
    views: Mapping[str, str], start: str, functions: Collection[str], words: re.Pattern[str]
) -> Iterator[tuple[str, str]]:
    """Yield each of the functions that a view calls, and the view, through all views that it reads.

    Args:
        views: The definitions of all views, by their names in lower case.
        start: The name of the first view.
        functions: Names in lower case.
        words: `AS_WRITTEN` or `AS_PRINTED`.
    """
    waiting, known = [start], {start}
    while waiting:
        view = waiting.pop(0)
        found = words.findall(views.get(view, "").lower())
        names = [("".join(forms).replace("``", "`"), is_called) for *forms, is_called in found if any(forms)]
        yield from ((name, view) for name in sorted({name for name, is_called in names if is_called} & set(functions)))
        read = {name for name, _ in names if name in views} - known
        waiting += sorted(read)
        known |= read
