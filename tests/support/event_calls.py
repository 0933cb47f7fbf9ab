"""Reads events: from the calls in the source text, from `docs/events.md`, and from a log."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LEVELS = {"DEBUG": "debug", "INFO": "info", "WARNING": "warning", "ERROR": "error"}
_NOT_FIELDS = {"cause", "level"}
_ROW = re.compile(r"^\| `(\w+\.\w+)` \| ([\w, ]+) \| ([^|]*) \| ([^|]+) \|$", re.MULTILINE)
_LINE = re.compile(r"event=.*")
_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)(?: |$)')

TEXT = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
ROWS = {
    name: (set(levels.split(", ")), re.findall(r"`(\w+)`", fields)) for name, levels, fields, _ in _ROW.findall(TEXT)
}
"""The levels and fields of every documented event, by its name."""


def events_of(log: str) -> Iterator[dict[str, str]]:
    """Return the fields of every event in a log. Its lines may begin with a level, a time and the like."""
    for line in _LINE.findall(log):
        pairs = _PAIR.findall(line)
        assert " ".join(f"{name}={value}" for name, value in pairs) == line, f"no pairs separated by one blank: {line}"
        yield {name: json.loads(value) if value.startswith('"') else value for name, value in pairs}


@dataclass
class Event:
    """An event as the calls write it. `open`: a call passes a mapping of fields that the source text does not show."""

    levels: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)
    open: bool = False


def emitted_events() -> dict[str, Event]:
    """Return every event that the code emits, by its name."""
    events: dict[str, Event] = {}
    for folder in ("exports", "shared"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            for call in _calls(ast.parse(text)) if "emit(" in text else ():
                _add(events, call, path)
    return events


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "emit":
            yield node


def _add(events: dict[str, Event], call: ast.Call, path: Path) -> None:
    name = call.args[0]
    where = f"{path.relative_to(ROOT)}:{call.lineno}"
    assert isinstance(name, ast.Constant), f"{where}: the name of an event must be a literal"
    event = events.setdefault(str(name.value), Event())
    level = call.args[1] if len(call.args) > 1 else None
    assert level is None or isinstance(level, ast.Attribute), f"{where}: the level must be one of logging"
    event.levels.add(_LEVELS[level.attr if level else "INFO"])
    event.fields |= {each.arg for each in call.keywords if each.arg} - _NOT_FIELDS
    event.open |= any(each.arg is None for each in call.keywords)
