"""Warn before an export about what a workbook cannot hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exports.file.text_warnings import headers_alike
from exports.request.estimate import EXCEL_MAX_CELL_CHARS, EstimateWarning, WarningCode


def workbook_warnings(
    long: tuple[str, ...], headers: Sequence[str], records: int, max_rows: int, *, cuts: bool
) -> Iterator[EstimateWarning]:
    """Warn about a workbook.

    Args:
        long: Headers of columns with a cell that no workbook can hold.
        records: Rows that the whole file will have, with one header.
        cuts: Whether such cells are cut; otherwise the job fails.
    """
    if records > max_rows:
        message = f"A sheet holds at most {max_rows:,} rows, so the workbook will have several sheets."
        yield EstimateWarning(code=WarningCode.SEVERAL_SHEETS, message=message)
    if long:
        held = f"A cell of a workbook holds at most {EXCEL_MAX_CELL_CHARS:,} characters"
        advice = "Longer text will be cut; CSV keeps it." if cuts else "So this export would fail; CSV keeps all text."
        yield EstimateWarning(code=WarningCode.CELLS_TOO_LONG, message=f"{held}. {advice}", columns=long)
    if alike := headers_alike(headers):
        yield alike
