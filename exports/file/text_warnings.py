"""Judge text for warnings that several formats give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from exports.request.estimate import EXCEL_MAX_CELL_CHARS, EstimateWarning, WarningCode


def headers_alike(headers: Sequence[str]) -> EstimateWarning | None:
    """Warn about headers that another header equals if letter case is ignored; None if there are none."""
    columns = _alike(headers)
    message = "These headers differ only in upper and lower case; many programs take them for one column."
    return EstimateWarning(code=WarningCode.HEADERS_ALIKE, message=message, columns=columns) if columns else None


def is_too_long(text: str) -> bool:
    """Say whether text has more characters than a cell of Excel holds, which counts units of UTF-16."""
    if 2 * len(text) <= EXCEL_MAX_CELL_CHARS:
        return False
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 > EXCEL_MAX_CELL_CHARS


def _alike(headers: Sequence[str]) -> tuple[str, ...]:
    """Return the headers that another header equals if letter case is ignored."""
    counts = Counter(header.casefold() for header in headers)
    return tuple(header for header in headers if counts[header.casefold()] > 1)
