"""What the planning and the writing of pages must agree on: which clients, which columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from exports.csv.rows import CsvRows, dialect_of
from exports.errors import SourceMismatchError
from exports.jobs import ExportSpec
from exports.ports import ClientSelection
from exports.services import Services


def rows_of(spec: ExportSpec) -> CsvRows:
    """Give what renders the clients of a specification."""
    return CsvRows(spec.columns, dialect_of(spec.format))


def select_clients(tenant: str, spec: ExportSpec, rows: CsvRows) -> ClientSelection:
    """Select the clients of a specification with the columns that `rows` renders."""
    return ClientSelection(tenant=tenant, columns=rows.source_columns, filter=spec.filter)


@contextmanager
def naming_what_lacks(services: Services, selection: ClientSelection) -> Iterator[None]:
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
