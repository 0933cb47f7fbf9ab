"""Step: show the first rows of an export exactly as the file would hold them, and count its clients."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exports.file.csv.read_records import read_records
from exports.file.renderer import Renderer, protected_start, render_rows
from exports.file.xlsx.read_cells import read_cells
from exports.request.estimate import WarningCode
from exports.request.formats import FileKind
from exports.request.preview import (
    CUT_MARK,
    MAX_CELL_CHARACTERS,
    MAX_ROWS,
    MAX_TEXT_CHARACTERS,
    ClientCount,
    ExportPreviewDto,
)
from exports.request.spec import ExportSpec
from exports.services import Services
from exports.steps.pages.selection import cutting_renderer_for, naming_every_refusal, renderer_for, select_clients


@dataclass(frozen=True, slots=True)
class PreviewTimeouts:
    """How long a preview may take.

    Attributes:
        read_seconds: To find the first clients, which are far apart if few pass the filter.
        count_seconds: To count all clients after that.
    """

    read_seconds: float
    count_seconds: float


QUICK = PreviewTimeouts(read_seconds=0.12, count_seconds=0.1)
"""A reader waits for the first rows: the answer should take less than 0.3 seconds."""

FULL = PreviewTimeouts(read_seconds=10.0, count_seconds=2.0)
"""A reader asks for all first rows and the number of clients."""

Cells = list[list[str]]


def preview_export(
    services: Services, tenant: str, spec: ExportSpec, timeouts: PreviewTimeouts = QUICK
) -> ExportPreviewDto:
    """Read and render the first clients, and let the database count all of them. Changes nothing.

    The number of clients is at most 15 seconds old. What takes longer than `timeouts` is left out: the preview then has
    the clients that were found in time, and a lower bound of their number at most.

    Raises:
        SourceUnavailableError, SourceThrottledError: Can be tried again.
        SourceMismatchError, SourceRefusedError: Cannot be tried again; the `clients` view is at fault.
    """
    renderer = renderer_for(spec)
    selection = select_clients(tenant, spec, renderer)
    now = services.clock()
    known = services.counts.find(tenant, spec.filter, now, timeouts.count_seconds)
    with services.lookups.enter(tenant), naming_every_refusal(services, selection):
        count_seconds = 0 if known else timeouts.count_seconds
        found = services.clients.preview(selection, MAX_ROWS, timeouts.read_seconds, count_seconds)
    count = found.count or known or ClientCount()
    if count.total is None:
        count = ClientCount(minimum=max(count.minimum or 0, len(found.rows)) or None)
    if not known and len(found.rows) == MAX_ROWS:  # fewer are counted by each preview anyway
        services.counts.keep(tenant, spec.filter, now, timeouts.count_seconds, count)
    cells, text = _read_back(spec, renderer, render_rows(found.rows, cutting_renderer_for(spec)))
    return ExportPreviewDto(
        total_items=count.total,
        minimum_items=count.minimum,
        columns=spec.columns,
        rows=tuple(tuple(map(_cut_cell, row)) for row in cells),
        rows_complete=found.is_complete,
        omitted_fields=spec.omitted_fields,
        warnings=tuple(
            warning for warning in renderer.warnings(found.rows, 0) if warning.code is WarningCode.CELLS_TOO_LONG
        ),
        text=text[:MAX_TEXT_CHARACTERS],
    )


def _read_back(spec: ExportSpec, renderer: Renderer, records: bytes) -> tuple[Cells, str]:
    """Return the cells of the records as a program reads them, and the beginning of the file as text."""
    return READERS[spec.format.kind](spec, renderer, records)


def _read_csv(spec: ExportSpec, renderer: Renderer, records: bytes) -> tuple[Cells, str]:
    opening = renderer.opening(with_header=spec.include_headers)
    text = protected_start(opening + records, renderer).decode("utf-8-sig")
    return read_records(text, spec.format.delimiter.value)[spec.include_headers :], text


def _read_lines(_spec: ExportSpec, _renderer: Renderer, records: bytes) -> tuple[Cells, str]:
    text = records.decode()
    lines = (json.loads(line) for line in text.split("\n") if line)
    return [list(map(_shown, line.values())) for line in lines], text


def _read_workbook(_spec: ExportSpec, _renderer: Renderer, records: bytes) -> tuple[Cells, str]:
    return read_cells(records), ""


READERS: Mapping[FileKind | None, Callable[[ExportSpec, Renderer, bytes], tuple[Cells, str]]] = {
    None: _read_csv,
    FileKind.XLSX: _read_workbook,
    FileKind.JSONL: _read_lines,
}
"""Reads the records of each kind of file; None is CSV."""


def _shown(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode(errors="replace").decode()  # half of a surrogate pair has no UTF-8


def _cut_cell(text: str) -> str:
    return text if len(text) <= MAX_CELL_CHARACTERS else text[: MAX_CELL_CHARACTERS - 1] + CUT_MARK
