"""Reads the parts of Bicep files that the tests of `infra/` need. Types and resource schemas are not checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PAIRS = {")": "(", "]": "[", "}": "{"}
_PARAMETER = re.compile(r"^param (\w+) (\w+)( =)?", re.MULTILINE)
_MODULE = re.compile(r"^module (\w+) '([^']+)' = \{", re.MULTILINE)
_OUTPUT = re.compile(r"^output (\w+) ", re.MULTILINE)
_RESOURCE = re.compile(r"^resource (\w+) '([^'@]+)@([^']+)'", re.MULTILINE)


class UnbalancedError(Exception):
    """A bracket or quote of a Bicep file has no partner."""


@dataclass(frozen=True, slots=True)
class Module:
    """A use of a module in another file."""

    name: str
    path: str
    parameters: frozenset[str]


@dataclass(frozen=True, slots=True)
class Bicep:
    """One file: its text, and its code, which is the text with comments and the contents of strings blanked out."""

    text: str
    code: str

    @property
    def parameters(self) -> dict[str, bool]:
        """Parameter name → whether it is required."""
        return {name: not default for name, _, default in _PARAMETER.findall(self.code)}

    @property
    def outputs(self) -> frozenset[str]:
        return frozenset(_OUTPUT.findall(self.code))

    @property
    def resources(self) -> dict[str, str]:
        """Symbol → resource type."""
        return {symbol: kind for symbol, kind, _ in _RESOURCE.findall(self.text)}

    @property
    def modules(self) -> list[Module]:
        return [
            Module(match[1], match[2], frozenset(_keys(block(self.code, "params", match.start()))))
            for match in _MODULE.finditer(self.text)
        ]


def read_bicep(path: Path) -> Bicep:
    text = path.read_text(encoding="utf-8")
    return Bicep(text, blank(text))


def block(code: str, key: str, start: int = 0) -> str:
    """Return the contents of the first `key: {…}` or `key = {…}` at or after `start`."""
    opening = re.compile(rf"\b{key}\b(:| =) \{{").search(code, start)
    assert opening, f"no {key}"
    depth = 1
    for position in range(opening.end(), len(code)):
        depth += {"{": 1, "}": -1}.get(code[position], 0)
        if depth == 0:
            return code[opening.end() : position]
    raise UnbalancedError(key)


def _keys(body: str) -> Iterator[str]:
    """Yield the keys of an object, without those of nested objects."""
    depth = 0
    for line in body.splitlines():
        key = re.match(r"\s*(\w+):", line)
        if key and depth == 0:
            yield key[1]
        depth += sum({"{": 1, "[": 1, "(": 1, "}": -1, "]": -1, ")": -1}.get(letter, 0) for letter in line)


def blank(text: str) -> str:
    """Blank out comments and strings, but keep `${…}` and every position. Check that brackets and quotes match.

    Raises:
        UnbalancedError: Names the line.
    """
    out, open_brackets, position = [], [""], 0
    while position < len(text):
        kept, length = _token(text, position, in_string=open_brackets[-1] == "'")
        _nest(open_brackets, kept, f"line {text.count(chr(10), 0, position) + 1}: {text[position : position + 20]!r}")
        out.append(kept.rjust(length) if "\n" not in text[position : position + length] else kept)
        position += length
    if open_brackets != [""]:
        message = f"never closed: {open_brackets[1:]}"
        raise UnbalancedError(message)
    return "".join(out)


def _token(text: str, position: int, *, in_string: bool) -> tuple[str, int]:
    """Return the code at this position of the text, and the number of characters that it replaces."""
    letter, pair = text[position], text[position : position + 2]
    if in_string:
        if letter == "\\":
            return "", 2
        if pair == "${":
            return "{", 2
        return (letter, 1) if letter in "'\n" else (" ", 1)
    if pair == "//":
        return "", len(text[position:].split("\n", 1)[0])
    return letter, 1


def _nest(open_brackets: list[str], token: str, where: str) -> None:
    """Update the stack of open brackets and quotes with one token.

    Raises:
        UnbalancedError: A bracket does not match the open one, or a line ends inside a string.
    """
    if token == "\n" and "'" in open_brackets:
        raise UnbalancedError(where)
    if token == "'":
        if open_brackets[-1] == "'":
            open_brackets.pop()
        else:
            open_brackets.append("'")
    elif open_brackets[-1] == "'" and token != "{":
        return
    elif token and token in "([{":
        open_brackets.append(token)
    elif token in _PAIRS and open_brackets.pop() != _PAIRS[token]:
        raise UnbalancedError(where)
