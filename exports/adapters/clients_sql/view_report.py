"""Report on each column of the view `clients`, by the descriptions and the checks that exports themselves use."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import make_url

from exports.adapters.clients_sql.dialects.registry import PORTABLE, dialect_named
from exports.adapters.clients_sql.engines import make_engine
from exports.adapters.clients_sql.errors import source_errors
from exports.adapters.clients_sql.sql.checks import EVERY_FILTER, refusals
from exports.adapters.clients_sql.sql.columns import CellForm, ClientView, ViewColumn
from exports.adapters.clients_sql.sql.statements import view_columns
from exports.request.fields import FIELD_COLUMNS, VIEW_COLUMNS, CellKind


class ColumnReport(NamedTuple):
    """One column that the view must have.

    Attributes:
        type_name: Its type in the database; empty if the column is missing, or the database describes no types.
        cell: What stands in a cell; empty if no file shows the column, or it is missing or refused.
        problem: Why an export fails by this column, and the change to make; empty if none does.
    """

    name: str
    type_name: str = ""
    cell: str = ""
    problem: str = ""


def report_on_view(url: str) -> list[ColumnReport]:
    """Describe every column that the view must have. Reads no client, except where SQLite types a key by its values.

    Raises:
        ExportError: The database cannot be reached, refuses the login, or has no view `clients`.
    """
    with source_errors(PORTABLE):
        engine = make_engine(make_url(url))
    dialect = dialect_named(engine.dialect.name)
    try:
        with source_errors(dialect), engine.connect() as connection:
            names = connection.execute(view_columns()).keys()
            present = {dialect.column_name(name) for name in names} & set(VIEW_COLUMNS)
            view = ClientView(dialect, dialect.describe(connection, [name for name in VIEW_COLUMNS if name in present]))
    finally:
        engine.dispose()
    fields = [name for name in FIELD_COLUMNS if name in present]
    refused = {refusal.column.name: str(refusal) for refusal in refusals(view, fields, EVERY_FILTER)}
    return [
        _report(view.column(name), refused.get(name, "")) if name in present else _missing(name)
        for name in VIEW_COLUMNS
    ]


def _report(column: ViewColumn, problem: str) -> ColumnReport:
    cell = "" if problem or column.name not in FIELD_COLUMNS else _cell(column)
    return ColumnReport(column.name, column.type_name, cell, problem)


def _missing(name: str) -> ColumnReport:
    change = f"Add it to the view; if you have no data for it, write: NULL AS {name}."
    return ColumnReport(name, problem=f"The view clients lacks the column {name}. {change}")


def _cell(column: ViewColumn) -> str:
    if column.kind is CellKind.BOOLEAN:
        return "true or false"
    if column.kind is CellKind.DATE:
        return "YYYY-MM-DD"
    if column.form is None or column.form is CellForm.UNKNOWN:
        return "known only when clients are read"
    return str(column.form.value)
