"""The interface between a source of clients and the format of a file.

A source reads clients as lists of typed values. A renderer turns them into the records of one format. A source that has
a faster way to make the records of a format may use it, as long as it gives exactly the bytes that the renderer gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, pairwise
from operator import eq
from typing import Any, NamedTuple, Protocol, runtime_checkable

from exports.errors import SourceMismatchError
from exports.file.compression import Packing
from exports.file.frame import Frame
from exports.file.page_record import PageRecord
from exports.request.estimate import EstimateWarning
from exports.request.fields import TargetField, source_columns
from exports.request.formats import Compression

Row = Sequence[Any]
"""Values of one client in the order of `Renderer.source_columns`, as the database driver gives them."""

_LEADING_COLUMN = "code"

CountingRender = Callable[[Sequence[Row]], tuple[bytes, int, int]]
"""Renders rows, and counts the characters that are left out and the cells that are cut."""


class Records(NamedTuple):
    """Some whole records of a file, in key order.

    Attributes:
        rows: How many clients they show.
        data: Their bytes, before compression.
        first_code, last_code: The codes of the first and the last of these clients; None in samples.
        removed_characters: How many characters of the clients are left out because no cell can hold them.
        cut_cells: How many cells are cut because they are too long for the format.
    """

    rows: int
    data: bytes
    first_code: str | None = None
    last_code: str | None = None
    removed_characters: int = 0
    cut_cells: int = 0


class Renderer(Protocol):
    """Turns clients into the records of one format. Has no state between calls: the same rows give the same bytes."""

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Columns of the `clients` view that each row holds, in order. The first is `code`."""

    @property
    def compression(self) -> Compression | Packing:
        """How the rendered bytes are compressed before they are stored."""

    def opening(self, *, with_header: bool) -> bytes:
        """Render what comes before the first record of a file, such as a byte order mark and the header."""

    def render(self, rows: Sequence[Row]) -> bytes:
        """Render one record for each row, in the order given.

        Raises:
            SourceMismatchError: A value does not fit its column. The message names the column, never the value.
        """

    def warnings(self, sample: Sequence[Row], records: int) -> Iterable[EstimateWarning]:
        """Warn the caller about text that this format changes, and about programs that show such a file differently.

        Args:
            sample: Some clients of the export.
            records: Records that the whole file will have, including a header.
        """


@runtime_checkable
class SpreadsheetRenderer(Renderer, Protocol):
    """Renders text that spreadsheets open. Other formats need not implement this."""

    def render_counted(self, rows: Sequence[Row]) -> tuple[bytes, int]:
        """Render as `render` does, and count the characters of the clients that are left out, such as NUL."""

    def protect_start(self, data: bytes) -> bytes:
        """Change the first records of a file if, without it, a spreadsheet would take the file for another kind."""


@runtime_checkable
class FramedRenderer(Renderer, Protocol):
    """Renders a format whose files have frames: blocks between the pages. Other formats need not implement this."""

    def render_cut(self, rows: Sequence[Row]) -> tuple[bytes, int, int]:
        """Render as `render` does, and count the characters that are left out, and the cells that are cut."""

    def measure(self, sample: Sequence[Row]) -> tuple[int, ...]:
        """Return the widths of the columns, judged by some clients. The plan keeps them for `frames`."""

    def frames(
        self, records: Sequence[PageRecord], file_name: str, widths: Sequence[int] | None, *, with_header: bool
    ) -> Sequence[Frame]:
        """Make the frames of a file, in order. The same arguments give the same frames.

        Args:
            records: The records of all pages, in page order. They hold the CRC-32 and the length of each page before
                compression.
            widths: As `measure` has returned them; None in plans without them.

        Raises:
            FileMismatchError: The pages do not fit the format.
        """


def protected_start(data: bytes, renderer: Renderer) -> bytes:
    """Return what a file is to begin with instead of `data`, which ends after a whole record."""
    return renderer.protect_start(data) if isinstance(renderer, SpreadsheetRenderer) else data


def columns_for(fields: Iterable[TargetField]) -> tuple[str, ...]:
    """Return the `Renderer.source_columns` of a file that shows these fields: first `code`, then what they need."""
    return tuple(dict.fromkeys((_LEADING_COLUMN, *chain.from_iterable(map(source_columns, fields)))))


def render_lists(lists: Iterable[list[Row]], renderer: Renderer) -> Iterator[Records]:
    """Render each list of clients, and drop it before the next one is read: see `read_lists` of SQL sources.

    A source without a faster way renders like this.

    Args:
        lists: Clients in key order, with the columns that the renderer expects.

    Raises:
        SourceMismatchError: A value does not fit its column, or the view returns a client twice.
    """
    render = _counting_render(renderer)
    last_code: object = None
    for rows in lists:
        if rows:
            codes = [row[0] for row in rows]
            if codes[0] == last_code or any(map(eq, codes, codes[1:])):
                raise _repeated_client_of(last_code, codes)
            last_code = codes[-1]
            data, removed, cut_cells = _render_counted(rows, renderer, render)
            first_code, count = str(codes[0]), len(rows)
            del rows, codes
            yield Records(count, data, first_code, str(last_code), removed, cut_cells)


def _repeated_client_of(last_code: object, codes: list[object]) -> SourceMismatchError:
    return repeated_client(next(code for before, code in pairwise([last_code, *codes]) if before == code))


def render_rows(rows: Sequence[Row], renderer: Renderer) -> bytes:
    """Render rows. If a value does not fit its column, say in the error whose value it is.

    Raises:
        SourceMismatchError: A value does not fit its column.
    """
    return _render_counted(rows, renderer, _counting_render(renderer))[0]


def _counting_render(renderer: Renderer) -> CountingRender:
    """Return the function that renders rows and counts what is left out.

    Asking whether an object has the methods of a protocol takes as long as rendering some rows, so ask once.
    """
    if isinstance(renderer, FramedRenderer):
        return renderer.render_cut
    if isinstance(renderer, SpreadsheetRenderer):
        return lambda rows: (*renderer.render_counted(rows), 0)
    return lambda rows: (renderer.render(rows), 0, 0)


def _render_counted(rows: Sequence[Row], renderer: Renderer, render: CountingRender) -> tuple[bytes, int, int]:
    try:
        return render(rows)
    except SourceMismatchError as error:
        for row in rows:
            _require_fitting(row, renderer, error)
        raise


def _require_fitting(row: Row, renderer: Renderer, error: SourceMismatchError) -> None:
    try:
        renderer.render([row])
    except SourceMismatchError as found:
        raise SourceMismatchError(str(found), f"The client has the code {row[0]}.", found.column) from error


def render_samples(samples: Iterable[list[Row]], renderer: Renderer) -> Iterator[Records]:
    """Render each sample. Unlike `render_lists`, samples may have clients in common."""
    return (Records(len(rows), render_rows(rows, renderer)) for rows in samples)


def repeated_client(code: object) -> SourceMismatchError:
    """Make the error for a client that the view returns twice. Equal codes are neighbours: rows arrive in key order."""
    message = "The clients view returns a client more than once; tenant and code must be unique."
    return SourceMismatchError(message, private=f"It is {code}.", column="code")
