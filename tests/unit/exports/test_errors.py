"""The drawn tree of errors has each class of the service, below its base, wherever it is defined."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import exports
from exports import errors
from exports.errors import ExportError

_DRAWN = re.compile(r"^    (?P<lines>[│├└─ ]*)(?P<name>\w+Error)(?=  |$)", re.MULTILINE)
_WIDTH = len("├── ")


def test_the_tree_at_the_top_draws_every_error_below_its_base() -> None:
    drawn, above = [], [""]
    for found in _DRAWN.finditer(errors.__doc__ or ""):
        depth = len(found["lines"]) // _WIDTH
        above[depth + 1 :] = [found["name"]]
        drawn.append((found["name"], above[depth]))
    for module in pkgutil.walk_packages(exports.__path__, "exports."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    assert sorted(drawn) == sorted([("ExportError", ""), *_below(ExportError)])


def _below(base: type[Exception]) -> Iterator[tuple[str, str]]:
    """Yield the errors of the service below a base, each with the name of its own base."""
    for kind in base.__subclasses__():
        if kind.__module__.startswith("exports."):
            yield kind.__name__, base.__name__
            yield from _below(kind)
