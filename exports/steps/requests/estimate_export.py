"""Step: say what an export would come to, without starting one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from exports.file.compression import pack
from exports.file.csv.excel_text import is_converted
from exports.file.csv.formula_guard import guard_parts, guard_text
from exports.file.plan import rows_per_page
from exports.file.ranges import Boundaries, KeyRange
from exports.file.renderer import Renderer, Row
from exports.ports.clients import ClientSelection
from exports.request.estimate import EXCEL_MAX_RECORDS, EstimateWarning, ExportEstimateDto, WarningCode
from exports.request.spec import ExportSpec
from exports.services import Services
from exports.steps.pages.selection import explain_missing_columns, renderer_for, select_clients

_SAMPLE_ROWS = 1_000
_SAMPLE_PLACES = 20
_STRIDE_ROWS = 500
"""Places to sample from are known to this many clients, so a small export is not judged by its beginning alone."""
_START_SECONDS = 0.3
"""What a job takes beside its rows: to be planned, published and looked at again."""


def estimate_export(services: Services, tenant: str, spec: ExportSpec) -> ExportEstimateDto:
    """Count the clients, and judge size, time and pitfalls by a sample spread over the key space.

    Passes once over the keys and reads at most some 1,000 clients; each statement ends at the database's time-out.
    Changes nothing. Exact in bytes if the sample is the whole export, in one page.

    Raises:
        SourceUnavailableError: Can be tried again.
        SourceMismatchError, SourceRefusedError: Cannot; the `clients` view is at fault.
    """
    renderer = renderer_for(spec)
    selection = select_clients(tenant, spec, renderer)
    with explain_missing_columns(services, selection):
        boundaries = services.clients.find_boundaries(selection, _STRIDE_ROWS)
        sample = list(_read_sample(services, selection, boundaries))
    return _extrapolate(services, spec, renderer, boundaries.total_rows, sample)


def _extrapolate(
    services: Services, spec: ExportSpec, renderer: Renderer, total: int, sample: Sequence[Row]
) -> ExportEstimateDto:
    """Judge `total` clients by some of them."""
    opening, rendered = renderer.opening(with_header=spec.include_headers), renderer.render(sample)
    whole = len(pack([opening, rendered], spec.format.compression))
    body = len(pack([rendered], spec.format.compression)) if sample else 0
    page_rows = rows_per_page(len(sample), body, services.settings.block_bytes)
    scale = total / len(sample) if sample else 0
    plain_seconds = scale * len(rendered) / services.settings.bytes_per_second
    return ExportEstimateDto(
        rows=total,
        bytes=whole - body + round(scale * body),
        pages=max(1, -(-total // page_rows)),
        seconds=round(_START_SECONDS + plain_seconds, 1),
        warnings=tuple(_warnings(spec, total, renderer.texts(sample))),
    )


def _read_sample(services: Services, selection: ClientSelection, boundaries: Boundaries) -> Iterator[Row]:
    """Read a few clients at each of some places, spread evenly over the key space; all, if there are only few."""
    starts: tuple[str | None, ...] = (None, *boundaries.starts)
    count = min(len(starts), _SAMPLE_PLACES)
    chosen = [starts[place * len(starts) // count] for place in range(count)]
    key_ranges = (KeyRange(start, stop) for start, stop in zip(chosen, [*chosen[1:], None], strict=True))
    for rows in services.clients.sample(selection, key_ranges, _SAMPLE_ROWS // count):
        yield from rows


def _warnings(spec: ExportSpec, total: int, texts: Mapping[str, Sequence[str]]) -> Iterator[EstimateWarning]:
    if total + spec.include_headers > EXCEL_MAX_RECORDS:
        message = f"Excel opens at most {EXCEL_MAX_RECORDS:,} rows and drops the rest; narrow the filter."
        yield EstimateWarning(code=WarningCode.EXCEL_ROW_LIMIT, message=message)
    if not spec.format.excel_text and (columns := _columns(texts, is_converted)):
        message = "Excel may drop leading zeros, round long numbers or make dates here; the preset excel prevents that."
        yield EstimateWarning(code=WarningCode.EXCEL_CHANGES_CELLS, message=message, columns=columns)
    if spec.format.formula_guard and (columns := _columns(texts, _guarded(spec))):
        message = "Cells that look like formulas will get an apostrophe here; formulaGuard: false leaves them alone."
        yield EstimateWarning(code=WarningCode.GUARD_CHANGES_CELLS, message=message, columns=columns)
    if spec.omitted_fields:
        message = "This API key may not read sensitive fields; they will be left out."
        names = tuple(field.value for field in spec.omitted_fields)
        yield EstimateWarning(code=WarningCode.FIELDS_LEFT_OUT, message=message, columns=names)


def _columns(texts: Mapping[str, Sequence[str]], concerns: Callable[[str], bool]) -> tuple[str, ...]:
    return tuple(header for header, cells in texts.items() if any(map(concerns, cells)))


def _guarded(spec: ExportSpec) -> Callable[[str], bool]:
    """Give what says whether the guard changes a text."""
    delimiter = spec.format.delimiter.value

    def changes(text: str) -> bool:
        if spec.format.excel_text and is_converted(text):
            return False
        return (guard_text(text) if delimiter == "," else guard_parts(text, delimiter)) != text

    return changes
