"""Count the records of a CSV file with a reader that shares no code with the renderer."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import BinaryIO

from exports.file.csv.read_records import each_record
from exports.file.unreadable import NOT_UTF8, UnreadablePageError
from exports.request.fields import TargetField
from exports.request.spec import ExportSpec


def code_column(spec: ExportSpec) -> int | None:
    """Return the number of the column that shows the codes of clients, counted from 0; None if the file has none."""
    fields = [column.target_field for column in spec.columns]
    return fields.index(TargetField.CODE) if TargetField.CODE in fields else None


def count_records(
    stream: BinaryIO, spec: ExportSpec, *, is_first: bool, on_code: Callable[[str], None] = lambda _: None
) -> int:
    """Count the records in the decompressed bytes of a page, header included.

    Line breaks within quotes end no record. Every record must have a cell for each column.

    Args:
        stream: Stays open.
        spec: How the file was written.
        is_first: Whether the page begins the file.
        on_code: Takes the cell of the column `Code` of each client, if the file has that column.

    Raises:
        UnreadablePageError: The bytes are not CSV in UTF-8, or a record has too few or too many cells.
    """
    encoding = "utf-8-sig" if is_first and spec.format.byte_order_mark else "utf-8"
    text = io.TextIOWrapper(stream, encoding=encoding, newline="")
    count = 0
    header = 1 if is_first and spec.include_headers else 0
    code_at = code_column(spec)
    try:
        for record in each_record(text, spec.format.delimiter.value):
            if len(record) != len(spec.columns):
                message = f"record {count + 1} of the page has {len(record)} cells, not {len(spec.columns)}"
                raise UnreadablePageError(message)
            count += 1
            if code_at is not None and count > header:
                on_code(record[code_at])
    except UnicodeDecodeError:
        raise UnreadablePageError(NOT_UTF8) from None
    except csv.Error as error:
        raise UnreadablePageError(str(error)) from None
    finally:
        text.detach()  # or the stream would be closed with it
    return count
