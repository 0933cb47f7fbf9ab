"""Step: estimate what an export would come to, without starting it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from exports.errors import EstimateTooSlowError, SourceUnavailableError
from exports.file.compression import compress
from exports.file.page_record import PageRecord
from exports.file.plan import planned_bytes, rows_per_page
from exports.file.ranges import Boundaries
from exports.file.renderer import FramedRenderer, Renderer, Row, protected_start, render_lists
from exports.request.estimate import EstimateWarning, ExportEstimateDto, WarningCode
from exports.request.incomplete_columns import incomplete_columns
from exports.request.spec import ExportSpec
from exports.services import Services
from exports.steps.pages.sampling import Sampler
from exports.steps.pages.selection import cutting_renderer_for, naming_every_refusal, renderer_for, select_clients
from exports.steps.requests.estimate_snapshot import reading_of, snapshot_seconds, snapshot_warnings
from exports.steps.requests.recent_rate import recent_rate

_SAMPLE_ROWS = 1_000
_STRIDE_ROWS = 500
"""Divides up to 1,000 clients into at most two strides, so the sample holds all of them."""

_START_SECONDS = 0.3
"""What a job takes beside reading its clients: planning, publishing and the last look at its status."""

_LONGEST_SECONDS = 20.0
"""Nobody waits longer for an estimate, and it holds a connection. PostgreSQL passes over 80 million keys in this time
(docs/performance.md)."""

_RETRY_SECONDS = 300
"""A repeat would take as long again, so no program should try soon."""


def estimate_export(services: Services, tenant: str, spec: ExportSpec) -> ExportEstimateDto:
    """Count the clients, and judge size, time and pitfalls by a sample from all over the key space.

    Passes once over the keys and reads at most some 1,000 clients, as long as there is time. Changes nothing. The bytes
    are exact if the sample is the whole export and fits in one page.

    Raises:
        SourceUnavailableError, SourceThrottledError: Can be tried again.
        EstimateTooSlowError: Counting the clients takes too long.
        SourceMismatchError, SourceRefusedError: Cannot be tried again; the `clients` view is at fault.
    """
    renderer = renderer_for(spec)
    with services.estimates.enter(tenant), _time_limit(services) as limited:
        sampler = Sampler(limited, select_clients(tenant, spec, renderer), renderer)
        with naming_every_refusal(limited, sampler.selection):
            strides = limited.clients.find_boundaries(sampler.selection, _STRIDE_ROWS)
            sample = sampler.read_rows(strides, _SAMPLE_ROWS)
            reading = reading_of(limited, spec)
    estimate = _extrapolate(services, spec, renderer, strides, sample)
    seconds = round(_START_SECONDS + snapshot_seconds(reading, estimate.seconds), 1)
    estimate = _with_recent_rate(services, tenant, spec, estimate.model_copy(update={"seconds": seconds}))
    costs = snapshot_warnings(reading, services.settings.longest_snapshot, estimate)
    return estimate.model_copy(update={"warnings": (*estimate.warnings, *costs)})


@contextmanager
def _time_limit(services: Services) -> Iterator[Services]:
    """Give services whose source of clients reads for so long at most, and say what to do if that is too short."""
    began = services.clock()
    try:
        yield replace(services, clients=services.clients.limited(_LONGEST_SECONDS))
    except SourceUnavailableError as error:
        if services.clock() - began < _LONGEST_SECONDS:
            raise
        message = (
            f"Counting these clients takes longer than {_LONGEST_SECONDS:g} seconds, so there is no estimate. "
            "Start the export without one; the preview shows its first rows."
        )
        raise EstimateTooSlowError(message, _RETRY_SECONDS) from error


def _with_recent_rate(
    services: Services, tenant: str, spec: ExportSpec, estimate: ExportEstimateDto
) -> ExportEstimateDto:
    """Replace the seconds at the configured rate by those at the rate of recent jobs, if there are similar ones."""
    rate = recent_rate(services, tenant, spec, estimate.rows, _START_SECONDS)
    if rate is None:
        return estimate
    seconds = round(_START_SECONDS + estimate.rows / rate.rows_per_second, 1)
    return estimate.model_copy(update={"seconds": seconds, "recent_jobs": rate.jobs})


def _extrapolate(
    services: Services, spec: ExportSpec, renderer: Renderer, strides: Boundaries, sample: Sequence[Row]
) -> ExportEstimateDto:
    """Judge all clients by a sample of them. The seconds are those for reading and writing the clients alone."""
    total = strides.total_rows
    opening = renderer.opening(with_header=spec.include_headers)
    rendered = b"".join(records.data for records in render_lists([[*sample]], cutting_renderer_for(spec)))
    whole = len(compress([protected_start(opening + rendered, renderer)], renderer.compression))
    body = len(compress([rendered], renderer.compression)) if sample else 0
    page_rows = rows_per_page(len(sample), round(planned_bytes(len(rendered), body)), services.settings.block_bytes)
    scale = total / len(sample) if sample else 0
    plain_seconds = scale * len(rendered) / services.settings.bytes_per_second
    pages = max(1, -(-total // page_rows))
    return ExportEstimateDto(
        rows=total,
        bytes=whole - body + round(scale * body) + _frame_bytes(spec, renderer, sample, total, pages),
        pages=pages,
        seconds=plain_seconds,
        warnings=(
            *_format_warnings(spec, renderer, sample, total),
            *_omission_warnings(spec),
            *_absence_warnings(spec, strides.absent_columns),
        ),
    )


def _frame_bytes(spec: ExportSpec, renderer: Renderer, sample: Sequence[Row], total: int, pages: int) -> int:
    """Return the size of the frames of a file whose pages have the same number of clients; 0 for CSV."""
    if not isinstance(renderer, FramedRenderer):
        return 0
    rows = -(-total // pages)
    records = [
        PageRecord(page, min(rows, total - page * rows), 0, "", "", content_crc32=0, content_bytes=0)
        for page in range(pages)
    ]
    name = spec.format.file_name or ""
    frames = renderer.frames(records, name, renderer.measure(sample), with_header=spec.include_headers)
    return sum(frame.bytes for frame in frames)


def _format_warnings(
    spec: ExportSpec, renderer: Renderer, sample: Sequence[Row], total: int
) -> Iterator[EstimateWarning]:
    for warning in renderer.warnings(sample, total + spec.include_headers):
        if spec.include_headers or warning.code is not WarningCode.HEADERS_ALIKE:
            yield warning


def _omission_warnings(spec: ExportSpec) -> Iterator[EstimateWarning]:
    if spec.omitted_fields:
        message = "This API key or token may not read sensitive fields; they will be left out."
        names = tuple(field.value for field in spec.omitted_fields)
        yield EstimateWarning(code=WarningCode.FIELDS_LEFT_OUT, message=message, columns=names)


def _absence_warnings(spec: ExportSpec, absent: Sequence[str]) -> Iterator[EstimateWarning]:
    if found := incomplete_columns(spec.columns, absent):
        message = f"The view clients lacks {', '.join(absent)}, so these columns will be empty or lack a part."
        headers = tuple(column.csv_header for column in found)
        yield EstimateWarning(code=WarningCode.INCOMPLETE_COLUMNS, message=message, columns=headers)
