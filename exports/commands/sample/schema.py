"""Tables, view and marker of a sample database."""

from __future__ import annotations

from exports.commands.sample.clients import SAMPLE_COLUMNS
from exports.request.fields import VIEW_COLUMNS, CellKind, TargetField, cell_kind, source_columns

MARKER_TABLE = "client_sample"
"""Says that we made the database, so that we may replace it."""


ROWS_PER_REPORT = 10_000


class SampleRefusedError(Exception):
    """The database cannot take sample clients; the text says why."""


def table_statements(types: dict[CellKind, str], moment: str, key: str = "TEXT") -> tuple[str, ...]:
    """The DDL of the table, the view and our mark, with the column types of one kind of database."""
    kinds = {name: cell_kind(field) for field in TargetField for name in source_columns(field)}
    exact = {"tenant": f"{key} NOT NULL", "code": f"{key} NOT NULL", "updated_at": f"{moment} NOT NULL"}
    columns = (
        f"{name} {exact.get(name) or types.get(kinds.get(name, CellKind.TEXT), 'TEXT')}" for name in SAMPLE_COLUMNS
    )
    return (
        f"CREATE TABLE client_records ({', '.join(columns)}, PRIMARY KEY (tenant, code))",
        f"CREATE VIEW clients AS SELECT {', '.join(VIEW_COLUMNS)} FROM client_records",  # noqa: S608 - our own names
        f"CREATE TABLE {MARKER_TABLE} (made_by TEXT)",
    )
