"""Print the report on a view for people: a table of columns, then what else was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from exports.commands.command_line import plain
from shared.text import printable

if TYPE_CHECKING:
    from exports.adapters.clients_sql.inspection.findings import Findings, KeyUse, Sample, UnstableFunction
    from exports.adapters.clients_sql.view_report import ColumnReport, ViewReport

_COLOURS = {"FAIL": "31", "warn": "33", "none": "33", "ok": "32", "": "0"}
_MARKS = {"refused": "FAIL", "missing": "none", "ok": "ok"}
_LABEL_WIDTH = len("functions")
_MEANINGFUL_SECONDS = 0.05
"""A sample that is read faster says nothing of the speed: opening the statement takes as long."""


def report_lines(report: ViewReport, *, colours: bool) -> Iterator[str]:
    """Yield the lines of the report."""
    columns = report.columns
    names = max(len(column.name) for column in columns)
    types = max(len(column.type_name) for column in columns)
    for column in columns:
        mark, text = _MARKS[column.state], column.problem or column.absence or column.cell
        line = printable(f"{column.name:{names}}  {column.type_name:{types}}  {text}")
        yield f"{_marked(mark, colours)}  {line}".rstrip()
    yield ""
    for mark, label, text in _findings(report.findings):
        yield f"{_marked(mark, colours)}  {label:{_LABEL_WIDTH}}  {plain(text)}"
    yield from (f"{_marked('FAIL', colours)}  {plain(reason)}" for reason in report.findings.reasons)
    yield summary(report)


def summary(report: ViewReport) -> str:
    """Say in one line whether an export would work."""
    if report.reasons:
        count = "one reason" if len(report.reasons) == 1 else f"{len(report.reasons)} reasons"
        return f"An export would fail, for {count}: see the lines with FAIL."
    missing = sum(column.state == "missing" for column in report.columns)
    are_missing = "1 column is" if missing == 1 else f"{missing} columns are"
    without = f" {are_missing} missing: see the lines with none." if missing else ""
    if not has_types(report.columns):
        return f"Found nothing that would make an export fail.{without} The database names no types here."
    return f"Found nothing that would make an export fail.{without} Only an export checks values outside the sample."


def has_types(columns: Sequence[ColumnReport]) -> bool:
    """Say whether the database describes the types of its columns."""
    return any(column.type_name for column in columns)


def _marked(mark: str, colours: bool) -> str:
    padded = f"{mark:4}"
    return f"\033[{_COLOURS[mark]}m{padded}\033[0m" if colours and mark else padded


def _findings(found: Findings) -> Iterator[tuple[str, str, str]]:
    """Yield the mark, the label and the text of each finding."""
    if found.key is not None:
        yield ("ok" if found.key.is_indexed else "warn"), "key", _key(found.key, found.first_seconds)
    for function in found.functions or ():
        yield "warn", "functions", _function(function)
    if found.functions == []:
        yield "ok", "functions", "None in the view changes from call to call."
    if found.tenants is not None:
        yield "", "tenants", _tenants(found)
    if found.sample is not None:
        yield "", "speed", _speed(found.sample)
    for column in found.deletions or ():
        yield ("FAIL" if column.problem else "ok"), "deletions", f"{column.name} {column.type_name}".rstrip()
    if found.deleted_clients is not None:
        yield "", "deletions", f"{found.deleted_clients:,} clients that are not in the view clients, up to 10,000"
    yield from (("", "note", note) for note in found.notes)


def _speed(sample: Sample) -> str:
    basis = f"the first {sample.clients:,} of {sample.tenant} took {sample.seconds:.2f} s"
    if sample.seconds < _MEANINGFUL_SECONDS:
        return f"too few clients to tell ({basis})"
    return f"{sample.clients_per_second:,} clients a second in one page ({basis})"


def _key(key: KeyUse, first_seconds: float | None) -> str:
    if key.is_indexed:
        return f"The index {key.index} serves (tenant, code): the database {key.plan}."
    waited = "more than a second" if first_seconds is None else f"{first_seconds:.2f} s"
    return (
        f"No index serves (tenant, code): the database {key.plan}. Its first client came after {waited}. {key.change}"
    )


def _function(function: UnstableFunction) -> str:
    return (
        f"{function.name} in the view {function.view} is {function.kind}: each step of an export calls it again, and "
        "may get another value. Declare it otherwise if it gives one value until clients change; else leave it out."
    )


def _tenants(found: Findings) -> str:
    tenants = found.tenants
    if tenants is None or not tenants.names:
        return "The view has no clients yet."
    if tenants.clients is not None:
        return f"{tenants.names[0]}: {tenants.clients:,} {'client' if tenants.clients == 1 else 'clients'}"
    return ", ".join(tenants.names) + ("" if tenants.is_complete else ", perhaps more")
