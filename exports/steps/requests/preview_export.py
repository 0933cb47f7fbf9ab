"""Step: show the first rows of an export exactly as the file would hold them, and count its clients."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from exports.file.csv.read_records import read_records
from exports.file.renderer import Renderer, SpreadsheetRenderer, render_rows
from exports.file.xlsx.read_cells import read_cells
from exports.request.formats import FileKind
from exports.request.preview import (
    CUT_MARK,
    MAX_CELL_CHARACTERS,
    MAX_ROWS,
    MAX_TEXT_CHARACTERS,
    ExportPreviewDto,
)
from exports.request.spec import ExportSpec
from exports.services import Services
from exports.steps.pages.selection import naming_every_refusal, renderer_for, select_clients

_READ_SECONDS, _COUNT_SECONDS = 10.0, 2.0
"""The most seconds for reading the first clients, which are far apart if few pass the filter, and for counting all."""

Cells = list[list[str]]


def preview_export(services: Services, tenant: str, spec: ExportSpec) -> ExportPreviewDto:
    """Read and render the first clients, and let the database count all of them. Changes nothing.

    The number of clients is at most 15 seconds old.

    Raises:
        SourceUnavailableError, SourceThrottledError: Can be tried again.
        SourceMismatchError, SourceRefusedError: Cannot be tried again; the `clients` view is at fault.
    """
    renderer = renderer_for(spec)
    selection = select_clients(tenant, spec, renderer)
    now = services.now()
    known = services.counts.find(tenant, spec.filter, now)
    with services.lookups.enter(), naming_every_refusal(services, selection):
        found = services.clients.preview(selection, MAX_ROWS, _READ_SECONDS, 0 if known else _COUNT_SECONDS)
    total = known[0] if known and found.total is None else found.total
    if not known:
        services.counts.keep(tenant, spec.filter, now, total)
    cells, text = _read_back(spec, renderer, render_rows(found.rows, renderer))
    return ExportPreviewDto(
        total_items=total,
        columns=spec.columns,
        rows=tuple(tuple(map(_cut_cell, row)) for row in cells),
        omitted_fields=spec.omitted_fields,
        text=text[:MAX_TEXT_CHARACTERS],
    )


def _read_back(spec: ExportSpec, renderer: Renderer, records: bytes) -> tuple[Cells, str]:
    """Return the cells of the records as a program reads them, and the beginning of the file as text."""
    return READERS[spec.format.kind](spec, renderer, records)


def _read_csv(spec: ExportSpec, renderer: Renderer, records: bytes) -> tuple[Cells, str]:
    start = renderer.opening(with_header=spec.include_headers) + records
    if isinstance(renderer, SpreadsheetRenderer):
        start = renderer.protect_start(start)
    text = start.decode("utf-8-sig")
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
