"""What the planning and the writing of pages must agree on: which clients, which columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from exports.errors import SourceMismatchError
from exports.file.csv.renderer import CsvRenderer
from exports.file.renderer import Renderer
from exports.ports.clients import ClientSelection
from exports.request.spec import ExportSpec
from exports.services import Services


def renderer_for(spec: ExportSpec) -> Renderer:
    """Build the renderer of a specification's format. A new format adds its renderer here."""
    return CsvRenderer(spec.columns, spec.format)


def select_clients(tenant: str, spec: ExportSpec, renderer: Renderer) -> ClientSelection:
    """Select the clients of a specification with the columns that `renderer` expects."""
    return ClientSelection(tenant=tenant, columns=renderer.source_columns, filter=spec.filter)


@contextmanager
def explain_missing_columns(services: Services, selection: ClientSelection) -> Iterator[None]:
    """Where clients cannot be read for want of a column, name all that are wanting. Asking first would be a statement
    more for every job."""
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
