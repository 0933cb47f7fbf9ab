"""Choose the clients, the columns and the renderer of a specification: planning and writing of pages must agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache

from exports.errors import PermanentError, SourceMismatchError, TransientError
from exports.file.csv.renderer import CsvRenderer
from exports.file.jsonl.renderer import JsonLinesRenderer
from exports.file.renderer import Renderer
from exports.file.xlsx.renderer import XlsxRenderer
from exports.ports.clients import ClientSelection
from exports.request.formats import FileKind, LongCells
from exports.request.spec import ExportSpec
from exports.services import Services
from shared.same_object import SameObject

RENDERERS: dict[FileKind | None, Callable[[ExportSpec], Renderer]] = {
    None: lambda spec: CsvRenderer(spec.columns, spec.format),
    FileKind.XLSX: lambda spec: XlsxRenderer(spec.columns, spec.format),
    FileKind.JSONL: lambda spec: JsonLinesRenderer(spec.columns, spec.format),
}
"""The renderer of each kind of file; None is CSV. Add a new format here."""

_LOOKUP_SECONDS = 2.0


def renderer_for(spec: ExportSpec) -> Renderer:
    """Return the renderer of a specification's format. All jobs of one specification share it: it has no state."""
    return _build(SameObject(spec))


def cutting_renderer_for(spec: ExportSpec) -> Renderer:
    """Return a renderer that cuts text too long for a workbook, even if such text would fail the export."""
    if spec.format.long_cells is not LongCells.FAIL:
        return renderer_for(spec)
    cutting = spec.format.model_copy(update={"long_cells": LongCells.CUT})
    return renderer_for(spec.model_copy(update={"format": cutting}))


@lru_cache(maxsize=8)
def _build(same: SameObject[ExportSpec]) -> Renderer:
    return RENDERERS[same.value.format.kind](same.value)


def select_clients(
    tenant: str, spec: ExportSpec, renderer: Renderer, absent_columns: tuple[str, ...] | None = None
) -> ClientSelection:
    """Select the clients of a specification with the columns that `renderer` expects."""
    return ClientSelection(tenant, renderer.source_columns, spec.filter, absent_columns)


def find_absent_columns(services: Services, tenant: str, spec: ExportSpec) -> tuple[str, ...] | None:
    """Return the exported columns that the view lacks now; None if the source does not say soon. Planning asks again.

    A request or the timer waits for it, so it takes a place among the lookups of the tenant and reads for a short time.
    """
    with suppress(TransientError, PermanentError), services.lookups.enter(tenant):
        return services.clients.limited(_LOOKUP_SECONDS).missing_columns(renderer_for(spec).source_columns)
    return None


@contextmanager
def naming_every_refusal(services: Services, selection: ClientSelection) -> Iterator[None]:
    """If the source refuses a column for its type, let the error name every column that it refuses.

    The lookup runs only after the source has refused to read. Before every job it would cost a statement more.
    """
    try:
        yield
    except SourceMismatchError:
        services.clients.missing_columns(("tenant", *selection.columns))
        raise
