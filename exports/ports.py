"""What the steps need from the outside world, as structural types. Adapters and fakes pass the same contract suites."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from exports.requests import ClientFilter

Row = Sequence[Any]
"""Values of one client in the order of `ClientSelection.columns`, as the database driver gives them."""


@dataclass(frozen=True, slots=True)
class ClientSelection:
    """Which clients of one tenant, and which columns of the view. There is no selection without a tenant."""

    tenant: str
    columns: tuple[str, ...]
    filter: ClientFilter = ClientFilter()


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


class ClientSource(Protocol):
    """Reads clients. Every method raises `SourceUnavailableError` when trying again can help and a `PermanentError`
    (`SourceMismatchError`, `SourceRefusedError`) when it cannot. Safe to call from several threads."""

    def missing_columns(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Name those of `columns` that the `clients` view lacks. A missing view is a `SourceMismatchError`."""

    def find_boundaries(self, selection: ClientSelection, rows_per_page: int) -> Boundaries:
        """Pass once over the keys in key order; memory is bounded by the number of pages.

        Raises:
            SourceMismatchError: A client has no code.
        """

    def read(
        self, selection: ClientSelection, key_range: KeyRange, limit_rows: int | None = None
    ) -> Iterator[list[Row]]:
        """Yield the clients of a key range in key order, in lists of bounded length, without holding the whole range.

        The iterator owns a connection until it is exhausted or closed.
        """
