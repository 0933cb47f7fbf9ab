"""Find calls of functions in the text of a view's definition, where a database keeps only text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

_LITERALS = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_NAME = re.compile(r"""(?:`([^`]+)`|"([^"]+)"|\[([^\]]+)\]|([\w$]+))(\s*\()?""")
"""A name, quoted or not, and whether a parenthesis follows, as after the name of a function."""


def calls(views: Mapping[str, str], start: str, functions: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield each of the functions that a view calls, and the view, through all views that it reads.

    Args:
        views: The definitions of all views, by their names in lower case.
        start: The name of the first view.
        functions: Names in lower case.
    """
    waiting, known = [start], {start}
    while waiting:
        view = waiting.pop(0)
        definition = _LITERALS.sub("''", views.get(view, "")).lower()
        names = [("".join(forms), is_called) for *forms, is_called in _NAME.findall(definition)]
        yield from ((name, view) for name in sorted({name for name, is_called in names if is_called} & set(functions)))
        read = {name for name, _ in names if name in views} - known
        waiting += sorted(read)
        known |= read
