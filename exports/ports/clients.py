"""Port: the source of clients."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from exports.file.ranges import Boundaries, KeyRange
from exports.file.renderer import Records, Renderer, Row
from exports.request.filter_values import FilterValuesDto
from exports.request.filters import ClientFilter
from exports.request.preview import ClientCount

Item = TypeVar("Item")
MAX_RANKED_CODES = 400
"""SQLite combines at most 500 selects; SQL Server takes at most 2,100 parameters."""


@contextmanager
def released(yielded: Iterator[Item]) -> Iterator[Iterator[Item]]:
    """Close what a source yields when the context ends, because it owns a connection, even if not all of it was read.

    Otherwise the connection would be open until Python collects the garbage of a failed step, in any thread. An error
    of the context is more telling than one of closing.
    """
    try:
        yield yielded
    except BaseException:
        with suppress(Exception):
            _close(yielded)
        raise
    _close(yielded)


def _close(yielded: Iterator[object]) -> None:
    if isinstance(yielded, Generator):
        yielded.close()


@dataclass(frozen=True, slots=True)
class ClientSelection:
    """The clients of one tenant that pass a filter, and the wanted columns of the `clients` view.

    Attributes:
        absent_columns: Those of `columns` that the view lacked when the export was planned. A view that now lacks
            others is refused, so that no file mixes them. None: the view may lack any.
    """

    tenant: str
    columns: tuple[str, ...]
    filter: ClientFilter = field(default_factory=ClientFilter)
    absent_columns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ClientPreview:
    """The first clients of a selection, in key order.

    Attributes:
        count: How many clients there are; None: counting them was not wanted, or there was no time to find the first.
        is_complete: Whether `rows` holds as many clients as were wanted, or all. If not, time was over.
    """

    rows: list[Row]
    count: ClientCount | None
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class ClientSnapshot:
    """One state of the clients, which stays the same however they change meanwhile.

    Attributes:
        clients: Reads the clients in this state. If the source loses the state, every further reading raises
            `SourceUnavailableError`.
        moment: Everything that was committed until then is in the state, by the clock of the source.
        token: What the source calls the state; None if it has no name for it.
        readers: How many threads can read at the same time.
    """

    clients: ClientSource
    moment: datetime
    token: str | None
    readers: int


@dataclass(frozen=True, slots=True)
class SnapshotReading:
    """How a source would read a snapshot.

    Attributes:
        readers: How many threads can read at the same time.
        copied_bytes: The size of what must be copied first; 0: nothing.
    """

    readers: int
    copied_bytes: int = 0


@dataclass(frozen=True, slots=True)
class RemovedCodes:
    """The codes of clients that an earlier export may hold, and that a later one of the same clients would not hold.

    Attributes:
        deleted: The clients that were deleted; None if the source cannot tell.
        left: The clients that exist, but no longer pass the filter.
    """

    deleted: tuple[str, ...] | None
    left: tuple[str, ...]


class ClientSource(Protocol):
    """Reads clients. Safe to call from several threads.

    Every method raises `SourceUnavailableError` if trying again can help, `SourceThrottledError` if fewer requests at
    the same time can help, and a `PermanentError` (`SourceMismatchError`, `SourceRefusedError`) if neither can.

    A column that the view lacks is None in every row. But before a client is read, methods that take a selection raise
    `SourceMismatchError` if its filter needs the column or the column is one of `REQUIRED_COLUMNS`, and
    `SourceReplacedError` if the view lacks others than `selection.absent_columns`. A source without a list of its
    columns, such as Table Storage, lacks none: the value of each client is there or not.
    """

    def limited(self, seconds: float) -> ClientSource:
        """Return a source of the same clients that reads for so many seconds from now on, as far as it can be stopped.

        When they are over, it raises `SourceUnavailableError`. Such a source is for one user that waits.
        """

    def missing_columns(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Name those of `columns` that the `clients` view lacks.

        Raises:
            SourceMismatchError: The view is missing; or it has every one of `columns` that is required, but some of
                them have types that cannot be used.
        """

    def find_boundaries(self, selection: ClientSelection, rows_per_page: int) -> Boundaries:
        """Pass once over the keys in key order. The memory needed grows only with the number of pages.

        Raises:
            SourceMismatchError: A client has no code.
        """

    def rank_codes(self, codes: Sequence[str]) -> list[int]:
        """Return the dense rank of each code: 1 for the first in key order, and the same rank for equal codes.

        The source itself orders them, exactly as it orders clients. None of the codes needs to exist. The proof of a
        file relies on this order alone, never on a comparison of codes in Python.

        Args:
            codes: At most `MAX_RANKED_CODES`.

        Raises:
            SourceMismatchError: The column `code` cannot hold one of them: its type has changed.
        """

    def generation(self) -> str | None:
        """Identify the data, such as one file of several that were put in the same place one after the other.

        Returns:
            Text for `is_replaced`; None if the data cannot be replaced as a whole.
        """

    def is_replaced(self, since: str) -> bool:
        """Say whether other data stand in the place of those that `generation` identified.

        Changes of single clients do not count. Whatever was read between the two calls is all of the same data, if
        they were not replaced.
        """

    def sample(
        self, selection: ClientSelection, key_ranges: Iterable[KeyRange], rows_of_each: int
    ) -> Iterator[list[Row]]:
        """Yield one list for each key range: its first clients, `rows_of_each` at most, in key order.

        A range is read only when the caller requests its list. The iterator owns a connection until it is exhausted or
        closed.
        """

    def render_samples(
        self, selection: ClientSelection, starts: Sequence[str], rows_of_each: int, renderer: Renderer
    ) -> Iterator[Records]:
        """Yield the records of the first clients, `rows_of_each` at most, from each code on.

        The bytes are those that `renderer` makes of the rows that `sample` yields. All samples may be read at once.

        Raises:
            SourceMismatchError: A value does not fit its column.
        """

    def preview(self, selection: ClientSelection, rows: int, seconds: float, count_seconds: float) -> ClientPreview:
        """Read the first clients, `rows` at most, and count all of them.

        Args:
            seconds: How long reading may take, as far as the source can stop it. If it takes longer, the result holds
                the clients that were found by then, and none are counted.
            count_seconds: How long counting may take. If it takes longer, the number is not known, but perhaps a lower
                bound. 0: it is not wanted, and only known if all clients are shown.
        """

    def filter_values(self, tenant: str, most: int, seconds: float) -> FilterValuesDto:
        """Find the values that the filters can have for the clients of a tenant, in any order.

        Args:
            most: The most values of each list.
            seconds: How long each list may take. If some values are not found in time, the result says so.
        """

    def removed_codes(self, selection: ClientSelection, most: int, seconds: float) -> RemovedCodes:
        """Find the clients that were deleted, or changed and do not pass the filter, in the time that the filter names.

        A client that was deleted and made again is not deleted. Clients that changed and never passed the filter count
        too: the source knows only what they are now.

        Args:
            selection: Its filter has an `updated_since`. It has no columns.
            most: The most codes of each list that are wanted. A list that is longer shows that there are more.
            seconds: How long all of it may take.

        Raises:
            SourceUnavailableError: The time is over.
            SourceMismatchError: The source should know which clients were deleted, but its view of them cannot be used.
        """

    def require_deletions(self) -> None:
        """Look whether the view of deleted clients can be used, if there is to be one.

        Raises:
            SourceMismatchError: It cannot.
        """

    def read(self, selection: ClientSelection, key_range: KeyRange) -> Iterator[list[Row]]:
        """Yield the clients of a key range in key order, in lists of bounded length.

        The whole range is never in memory. The iterator owns a connection until it is exhausted or closed.
        """

    def render(self, selection: ClientSelection, key_range: KeyRange, renderer: Renderer) -> Iterator[Records]:
        """Yield the records of a key range in key order, a few at a time. The whole range is never in memory.

        The bytes are those that `exports.file.renderer.render_lists` makes of the rows that `read` yields.

        Args:
            selection: Its columns must be those that `renderer` expects.

        Raises:
            SourceMismatchError: A value does not fit its column, or the view returns a client twice.
        """

    def snapshot_refusal(self) -> str | None:
        """Say in a sentence for a caller why the source can show no snapshot; None if it can, as far as is known.

        Asks the source nothing.
        """

    def snapshot_reading(self) -> SnapshotReading:
        """Look how the source would read a snapshot now. Takes none.

        Raises:
            SourceRefusedError: The source can show no snapshot.
        """

    def open_snapshot(self) -> AbstractContextManager[ClientSnapshot]:
        """Take a snapshot of the clients. It ends with the context.

        Raises:
            SourceRefusedError: The source can show no snapshot.
        """
