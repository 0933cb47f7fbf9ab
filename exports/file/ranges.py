"""Key ranges: the clients that belong to a page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Clients with `start <= code < stop`, in the order of the source. None leaves an end open."""

    start: str | None = None
    stop: str | None = None


@dataclass(frozen=True, slots=True)
class Boundaries:
    """The result of one pass over the keys of a selection.

    Attributes:
        total_rows: The number of clients.
        starts: The code of the first client of every page except the first, in key order. So `len(starts) + 1` ranges
            tile the whole key space: `[None, starts[0])`, `[starts[0], starts[1])`, …, `[starts[-1], None)`.
        absent_columns: Those of the selection's columns that the source did not have during the pass.
    """

    total_rows: int
    starts: tuple[str, ...]
    absent_columns: tuple[str, ...] = ()
