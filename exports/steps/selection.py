"""What the planning and the writing of pages must agree on: which clients, which columns."""

from __future__ import annotations

from exports.csv_rows import CsvRows
from exports.jobs import ExportSpec
from exports.ports import ClientSelection


def select_clients(tenant: str, spec: ExportSpec, rows: CsvRows) -> ClientSelection:
    """Select the clients of a specification with the columns that `rows` renders."""
    return ClientSelection(tenant=tenant, columns=rows.source_columns, filter=spec.filter)
