"""Finds properties that come twice in a JSON object, which parsers settle silently, each in its own way (RFC 8259)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from shared.problems import Fault, pointer


class _Object(tuple[tuple[str, Any], ...]):
    """A JSON object as it was written: names and values in their order."""

    __slots__ = ()


def find_repeated_names(document: bytes) -> list[Fault]:
    """Point at every property that its object has had before. The document must be valid JSON, of bounded depth."""
    return list(_faults(json.loads(document, object_pairs_hook=_Object)))


def _faults(value: Any, *path: str | int) -> Iterator[Fault]:
    if isinstance(value, _Object):
        seen: set[str] = set()
        for name, inner in value:
            if name in seen:
                yield Fault(pointer=pointer(*path, name), detail="This property comes twice; give it once.")
            seen.add(name)
            yield from _faults(inner, *path, name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _faults(inner, *path, index)
