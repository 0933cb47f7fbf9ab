"""Choose the clients, the columns and the renderer of a specification: planning and writing of pages must agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from exports.errors import SourceMismatchError
from exports.file.csv.renderer import CsvRenderer
from exports.file.renderer import Renderer
from exports.ports.clients import ClientSelection
from exports.request.formats import CsvFormat
from exports.request.spec import ExportSpec
from exports.services import Services

RENDERERS: dict[type, Callable[[ExportSpec], Renderer]] = {
    CsvFormat: lambda spec: CsvRenderer(spec.columns, spec.format),
}
"""The renderer of each kind of format. Add a new format here."""


def renderer_for(spec: ExportSpec) -> Renderer:
    """Build the renderer of a specification's format."""
    return RENDERERS[type(spec.format)](spec)


def select_clients(tenant: str, spec: ExportSpec, renderer: Renderer) -> ClientSelection:
    """Select the clients of a specification with the columns that `renderer` expects."""
    return ClientSelection(tenant=tenant, columns=renderer.source_columns, filter=spec.filter)


@contextmanager
def explain_missing_columns(services: Services, selection: ClientSelection) -> Iterator[None]:
    """Name every missing column in the error if the source lacks some.

    The lookup runs only after the source has refused to read. Before every job it would cost a statement more.
    """
    try:
        yield
    except SourceMismatchError:
        _require_columns(services, selection)
        raise


def _require_columns(services: Services, selection: ClientSelection) -> None:
    missing = services.clients.missing_columns(("tenant", *selection.columns))
    if missing:
        message = f"The clients view lacks the column {', '.join(missing)}; docs/client-view.md says what it must have."
        raise SourceMismatchError(message)
