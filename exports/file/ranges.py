"""Key ranges: which clients a page covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Clients with `start <= code < stop`, in the order of the source. `None` leaves an end open."""

    start: str | None = None
    stop: str | None = None


@dataclass(frozen=True, slots=True)
class Boundaries:
    """The outcome of one pass over the keys of a selection.

    Attributes:
        total_rows: Clients found.
        starts: Code of the first client of every page but the first, in key order. So `len(starts) + 1` ranges tile
            the whole key space: `[None, starts[0])`, `[starts[0], starts[1])`, …, `[starts[-1], None)`.
    """

    total_rows: int
    starts: tuple[str, ...]
