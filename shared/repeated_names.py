"""Finds duplicate names in JSON objects. Parsers accept them silently and disagree on which value wins (RFC 8259)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from shared.faults import REPEATED_PROPERTY
from shared.problems import MAX_FAULTS, Fault, pointer


class _Object(tuple[tuple[str, Any], ...]):
    """A JSON object as it was written: every name and value, in order."""

    __slots__ = ()


def find_repeated_names(document: bytes) -> list[Fault]:
    """Return a fault for every property whose name appeared earlier in the same object, at most `MAX_FAULTS`.

    Args:
        document: Valid JSON. Its depth must be bounded, because the search is recursive.
    """
    return list(islice(_faults(json.loads(document, object_pairs_hook=_Object)), MAX_FAULTS))


def _faults(value: Any, *path: str | int) -> Iterator[Fault]:
    if isinstance(value, _Object):
        seen: set[str] = set()
        for name, inner in value:
            if name in seen:
                yield REPEATED_PROPERTY.at(pointer(*path, name))
            seen.add(name)
            yield from _faults(inner, *path, name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _faults(inner, *path, index)
