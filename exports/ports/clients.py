"""Port: the source of clients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from exports.file.ranges import Boundaries, KeyRange
from exports.file.renderer import Records, Renderer, Row
from exports.request.filters import ClientFilter

if TYPE_CHECKING:
    from exports.file.renderer import Records


@dataclass(frozen=True, slots=True)
class ClientSelection:
    """Which clients of one tenant, and which columns of the view. There is no selection without a tenant."""

    tenant: str
    columns: tuple[str, ...]
    filter: ClientFilter = field(default_factory=ClientFilter)


class ClientSource(Protocol):
    """Reads clients. Every method raises `SourceUnavailableError` when trying again can help, `SourceThrottledError`
    when asking less at once can, and a `PermanentError`
    (`SourceMismatchError`, `SourceRefusedError`) when it cannot. Safe to call from several threads."""

    def missing_columns(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Name those of `columns` that the `clients` view lacks. A missing view is a `SourceMismatchError`."""

    def find_boundaries(self, selection: ClientSelection, rows_per_page: int) -> Boundaries:
        """Pass once over the keys in key order; memory is bounded by the number of pages.

        Raises:
            SourceMismatchError: A client has no code.
        """

    def sample(
        self, selection: ClientSelection, key_ranges: Iterable[KeyRange], rows_of_each: int
    ) -> Iterator[list[Row]]:
        """Yield one list for each key range: its first clients, in key order, at most so many.

        Each range is read when it is asked for. The iterator owns a connection until it is exhausted or closed.
        """

    def render_samples(
        self, selection: ClientSelection, starts: Sequence[str], rows_of_each: int, renderer: Renderer
    ) -> Iterator[Records]:
        """Yield the records of the first clients from each code on, at most so many; all of them may be read at once.

        Byte for byte what `renderer` makes of what `sample` yields.

        Raises:
            SourceMismatchError: A value does not fit its column.
        """

    def read(self, selection: ClientSelection, key_range: KeyRange) -> Iterator[list[Row]]:
        """Yield the clients of a key range in key order, in lists of bounded length, without holding the whole range.

        The iterator owns a connection until it is exhausted or closed.
        """

    def render(self, selection: ClientSelection, key_range: KeyRange, renderer: Renderer) -> Iterator[Records]:
        """Yield the records of a key range in key order, some at a time, without holding the whole range.

        Byte for byte what `exports.file.renderer.render_lists` makes of what `read` yields, however it is done.

        Args:
            selection: Its columns are those `renderer` expects.

        Raises:
            SourceMismatchError: A value does not fit its column, or a client comes twice.
        """
