"""Warn before an export about cells that the guard changes, and about what Excel would change or drop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from exports.file.csv.excel_text import is_converted
from exports.file.csv.formula_guard import guard_parts
from exports.file.text_warnings import headers_alike, is_too_long
from exports.request.estimate import EXCEL_MAX_CELL_CHARS, EXCEL_MAX_RECORDS, EstimateWarning, WarningCode
from exports.request.formats import CsvFormat


def csv_warnings(
    texts: Mapping[str, Sequence[str]], headers: Sequence[str], wanted: CsvFormat, records: int
) -> Iterator[EstimateWarning]:
    """Warn about a file in the wanted format.

    Args:
        texts: Cells of some clients that are free text, by header, as the source has them.
        headers: All headers that the file shows.
        records: Records that the whole file will have, including a header.
    """
    if records > EXCEL_MAX_RECORDS:
        message = f"Excel opens at most {EXCEL_MAX_RECORDS:,} rows and drops the rest; narrow the filter."
        yield EstimateWarning(code=WarningCode.EXCEL_ROW_LIMIT, message=message)
    if not wanted.excel_text and (columns := _headers(texts, is_converted)):
        message = "Excel may drop leading zeros, round long numbers or make dates here; the preset excel prevents that."
        yield EstimateWarning(code=WarningCode.EXCEL_CHANGES_CELLS, message=message, columns=columns)
    if columns := _headers(texts, is_too_long):
        message = f"Excel cuts a cell after {EXCEL_MAX_CELL_CHARS:,} characters; open the file with another program."
        yield EstimateWarning(code=WarningCode.EXCEL_CUTS_CELLS, message=message, columns=columns)
    if alike := headers_alike(headers):
        yield alike
    if wanted.formula_guard and (columns := _guarded(texts, headers, wanted)):
        message = "Cells that look like formulas will get an apostrophe here; formulaGuard: false leaves them alone."
        yield EstimateWarning(code=WarningCode.GUARD_CHANGES_CELLS, message=message, columns=columns)


def _headers(texts: Mapping[str, Sequence[str]], applies: Callable[[str], bool]) -> tuple[str, ...]:
    return tuple(header for header, cells in texts.items() if any(map(applies, cells)))


def _guarded(texts: Mapping[str, Sequence[str]], headers: Sequence[str], wanted: CsvFormat) -> tuple[str, ...]:
    """Return the headers of columns with a cell that gets an apostrophe."""
    first = headers[0] if len(headers) > 1 else None  # no record begins with a constant

    def changes(header: str, text: str) -> bool:
        if wanted.excel_text and is_converted(text):
            return header == first
        return guard_parts(text) != text

    return tuple(header for header, cells in texts.items() if any(changes(header, cell) for cell in cells))
