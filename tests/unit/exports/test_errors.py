"""The drawn tree of errors has each class, below its base."""

from __future__ import annotations

import re

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
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ExportError)]
    assert sorted(drawn) == sorted(
        (kind.__name__, "" if kind is ExportError else kind.__bases__[0].__name__) for kind in kinds
    )
