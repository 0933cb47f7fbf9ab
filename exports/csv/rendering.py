"""From lists of clients, as a source reads them, to the records of a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from exports.csv.rows import CsvRows
from exports.errors import SourceMismatchError
from exports.ports import Row


class Records(NamedTuple):
    """Some whole records of a file, in key order.

    Attributes:
        rows: How many clients they show.
        data: Their bytes, each with its line ending.
    """

    rows: int
    data: bytes


def render_lists(lists: Iterable[list[Row]], csv_rows: CsvRows) -> Iterator[Records]:
    """Render list by list: how every source renders that knows nothing faster, and what the faster ones must equal.

    Args:
        lists: Clients in key order, with the columns `csv_rows` expects.

    Raises:
        SourceMismatchError: A value does not fit its column, or a client comes twice.
    """
    last_code: object = None
    for rows in lists:
        for row in rows:
            if row[0] == last_code:
                raise repeated(last_code)
            last_code = row[0]
        yield Records(len(rows), csv_rows.render(rows))


def render_samples(samples: Iterable[list[Row]], csv_rows: CsvRows) -> Iterator[Records]:
    """Render sample by sample, as `render_lists` does but that samples may have clients in common."""
    return (Records(len(rows), csv_rows.render(rows)) for rows in samples)


def repeated(code: object) -> SourceMismatchError:
    """What is to be said of a client that comes twice. Rows arrive in key order, so equal codes are neighbours."""
    message = "The clients view returns a client more than once; tenant and code must be unique."
    return SourceMismatchError(message, private=f"It is {code}.")
