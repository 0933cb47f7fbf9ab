"""Report on the view `clients`, by the descriptions, checks and statements that exports themselves use."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

from sqlalchemy import Engine

from exports.adapters.clients_sql.described import column_names
from exports.adapters.clients_sql.dialects.registry import PORTABLE, dialect_named
from exports.adapters.clients_sql.engines import make_engine
from exports.adapters.clients_sql.errors import source_errors
from exports.adapters.clients_sql.inspection.findings import Findings
from exports.adapters.clients_sql.inspection.time_limit import TimeLimit
from exports.adapters.clients_sql.sql.address import DatabaseAddress, parse_url
from exports.adapters.clients_sql.sql.checks import EVERY_FILTER, misspelt_columns, refusals
from exports.adapters.clients_sql.sql.columns import CellForm, ClientView, ViewColumn
from exports.adapters.clients_sql.view_findings import ViewCheck, inspector_named
from exports.request.fields import FIELD_COLUMNS, REQUIRED_COLUMNS, VIEW_COLUMNS, CellKind
from exports.request.filters import filters_by

_SECONDS = 3.9
_ANSWER_SECONDS = 4


class ColumnReport(NamedTuple):
    """One column that the view may have.

    Attributes:
        type_name: Its type in the database; empty if the column is missing, or the database describes no types.
        cell: What stands in a cell; empty if no file shows the column, or it is missing or refused.
        problem: Why an export fails by this column, and the change to make; empty if none does.
        absence: What it means that the view lacks this column, if it need not have it; else empty.
    """

    name: str
    type_name: str = ""
    cell: str = ""
    problem: str = ""
    absence: str = ""

    @property
    def state(self) -> str:
        """Whether an export can use the column: `ok`, `missing` (it exports without) or `refused` (it fails)."""
        return "refused" if self.problem else "missing" if self.absence else "ok"


class ViewReport(NamedTuple):
    """The columns that the view may have, and what else was found."""

    columns: list[ColumnReport]
    findings: Findings

    @property
    def reasons(self) -> list[str]:
        """Why an export would fail."""
        return [*(column.problem for column in self.columns if column.problem), *self.findings.reasons]


def report_on_view(url: str, tenant: str | None = None, deletions: str = "") -> ViewReport:
    """Check the view of a database, within seconds whatever its size.

    Args:
        tenant: The tenant to look at; None: the first one.
        deletions: The name of the view of deleted clients; empty: there is none.

    Raises:
        ExportError: The database cannot be reached, refuses the login, or has no view `clients`. `operator` says where.
    """
    address, limit = DatabaseAddress.of(url), TimeLimit(_SECONDS)
    with source_errors(PORTABLE, address):
        engine = make_engine(parse_url(url), _ANSWER_SECONDS)
    inspector_named(engine.dialect.name).limit(engine, limit)
    try:
        view, columns = _describe(engine, address)
        usable = [column.name for column in columns if not column.problem]
        checkable = {"tenant", "code"} <= set(usable)
        findings = Findings()
        if checkable:
            view_check = ViewCheck(engine, address, view, limit)
            findings = view_check.run(tenant, usable)
            if deletions:
                view_check.look_at_deletions(deletions)
    finally:
        engine.dispose()
    return ViewReport([_with_findings(column, findings) for column in columns], findings)


def _describe(engine: Engine, address: DatabaseAddress) -> tuple[ClientView, list[ColumnReport]]:
    """Describe every column that the view may have."""
    dialect = dialect_named(engine.dialect.name)
    with source_errors(dialect, address), engine.connect() as connection:
        names = column_names(connection)
        present = names & set(VIEW_COLUMNS)
        view = ClientView(dialect, dialect.describe(connection, [name for name in VIEW_COLUMNS if name in present]))
    fields = [name for name in FIELD_COLUMNS if name in present]
    refused = {refusal.column.name: str(refusal) for refusal in refusals(view, fields, EVERY_FILTER)}
    return view, [
        _report(view.column(name), refused.get(name, ""))
        if name in present
        else _missing(name, sorted(names - present))
        for name in VIEW_COLUMNS
    ]


def _report(column: ViewColumn, problem: str) -> ColumnReport:
    cell = "" if problem or column.name not in FIELD_COLUMNS else _cell(column)
    return ColumnReport(column.name, column.type_name, cell, problem)


def _with_findings(column: ColumnReport, findings: Findings) -> ColumnReport:
    """Say beside a column what was found when its values were read."""
    problem = column.problem or findings.problems.get(column.name, "")
    return column._replace(problem=problem, cell="" if problem else column.cell)


def _missing(name: str, others: Sequence[str]) -> ColumnReport:
    """Report a column that the view lacks.

    Args:
        others: Columns of the view that no export reads. One may be the missing column under another name.
    """
    if misspelt := misspelt_columns((name,), others):
        return ColumnReport(name, problem=misspelt[name])
    similar = get_close_matches(name, others, n=1)
    hint = f" The view has a column {similar[0]}: if it is the same, rename it." if similar else ""
    if name in REQUIRED_COLUMNS:
        problem = f"The view clients lacks the column {name}, which every view needs. Add it.{hint}"
        return ColumnReport(name, problem=problem)
    effects = [*(["empty in every file"] if name in FIELD_COLUMNS else []), *map(_refused, filters_by(name))]
    return ColumnReport(name, absence=f"missing: {', '.join(effects)}.{hint}")


def _refused(name: str) -> str:
    return f"the filter {name} is refused"


def _cell(column: ViewColumn) -> str:
    if column.kind is CellKind.BOOLEAN:
        return "true or false"
    if column.kind is CellKind.DATE:
        return "YYYY-MM-DD"
    if column.form is None or column.form is CellForm.UNKNOWN:
        return "known only when clients are read"
    return str(column.form.value)
