"""Defines the tables, the view and the marker of a sample database."""

from __future__ import annotations

from exports.commands.command_line import CommandError
from exports.commands.sample.clients import SAMPLE_COLUMNS
from exports.request.fields import VIEW_COLUMNS, CellKind, TargetField, cell_kind, source_columns

MARKER_TABLE = "client_sample"
"""The table that marks a database as made by this command, so that the command may replace it."""

ROWS_PER_REPORT = 10_000
"""How many clients are written between two reports of progress."""


class SampleRefusedError(CommandError):
    """The database cannot be filled with sample clients. The text says why."""


def table_statements(types: dict[CellKind, str], moment: str, key: str = "TEXT") -> tuple[str, ...]:
    """Return the DDL of the table, the view and the marker.

    Args:
        types: The column types of one kind of database; other columns are TEXT.
        moment: The column type of `updated_at`.
        key: The column type of the primary key's columns.
    """
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
