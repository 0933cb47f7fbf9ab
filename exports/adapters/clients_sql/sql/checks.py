"""Refuse a view before a client is read, if it lacks a column that an export needs, or one has an unusable type."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from exports.adapters.clients_sql.sql.columns import CellForm, ClientView, ViewColumn
from exports.errors import SourceMismatchError, SourceReplacedError
from exports.ports.clients import ClientSelection
from exports.request.fields import (
    FIELD_COLUMNS,
    FILTER_COLUMNS,
    REQUIRED_COLUMNS,
    CellKind,
    ClientStatus,
    ClientType,
)
from exports.request.filters import LISTED_COLUMNS, SEARCHED_COLUMNS, ClientFilter, columns_by_filter

_FORMS = {
    CellKind.BOOLEAN: frozenset({CellForm.UNKNOWN, CellForm.BOOLEAN, CellForm.INTEGER, CellForm.TEXT}),
    CellKind.DATE: frozenset({CellForm.UNKNOWN, CellForm.DATE, CellForm.TIMESTAMP, CellForm.TEXT}),
}


EVERY_FILTER = ClientFilter(
    manager_codes=("x",),
    partner_codes=("x",),
    associate_codes=("x",),
    team_codes=("x",),
    statuses=(ClientStatus.ACTIVE,),
    types=(ClientType.INDIVIDUAL,),
    service_codes=("x",),
    search="x",
    updated_since=datetime(2026, 1, 1, tzinfo=UTC),
)
"""A filter on every column that filters read. `updated_until` reads the same column as `updated_since`."""

_SET_BY_SINCE = ("updatedSince",)
"""Filters that an export may have although its caller has given none."""


class Refusal(NamedTuple):
    """Why a column cannot be used, and the change to the view that helps."""

    column: ViewColumn
    reason: str
    change: str

    def __str__(self) -> str:
        """Return a sentence for people."""
        return (
            f"The column {self.column.name} of the view clients has the type {self.column.type_name}, {self.reason}. "
            f"Write in the view: {self.change} AS {self.column.name}."
        )


def require_columns(selection: ClientSelection, absent: Collection[str]) -> None:
    """Refuse a view that lacks a column that an export of this selection cannot do without.

    Args:
        absent: Those of the columns that the export reads or compares that the view lacks.

    Raises:
        SourceMismatchError: The view lacks a required column, or one that a filter needs.
        SourceReplacedError: The view lacks other columns than when the export was planned.
    """
    if missing := [name for name in REQUIRED_COLUMNS if name in absent]:
        message = f"The clients view lacks {_columns(missing)}; docs/client-view.md says what it must have."
        raise SourceMismatchError(message)
    for name, columns in columns_by_filter(selection.filter).items():
        if missing := [column for column in columns if column in absent]:
            set_by = ", which since and incremental schedules set," if name in _SET_BY_SINCE else ""
            message = (
                f"The clients view lacks {_columns(missing)}, which the filter {name}{set_by} needs. Add what "
                f"is missing to the view, or export without {name}."
            )
            raise SourceMismatchError(message)
    if selection.absent_columns is not None:
        _require_as_planned(selection.absent_columns, absent_columns(selection, absent))


def misspelt_columns(absent: Collection[str], names: Iterable[str]) -> dict[str, str]:
    """Say of absent columns that the view has under a name in other letter case what to change.

    PostgreSQL distinguishes such names. No file must be empty because of one.

    Args:
        names: The columns that the view has.
    """
    return {name.lower(): _misspelt(name) for name in names if name.lower() in absent}


def _misspelt(name: str) -> str:
    change = f'Write in the view: "{name}" AS {name.lower()}.'
    return f"The clients view has a column {name}, but the name must be in lower case. {change}"


def absent_columns(selection: ClientSelection, absent: Collection[str]) -> tuple[str, ...]:
    """Return the columns of the selection's clients that are absent, in the order of the selection."""
    return tuple(name for name in selection.columns if name in absent)


def _require_as_planned(planned: Sequence[str], now: Sequence[str]) -> None:
    lost = [name for name in now if name not in planned]
    gained = [name for name in planned if name not in now]
    changes = [*([f"lost {_columns(lost)}"] if lost else []), *([f"gained {_columns(gained)}"] if gained else [])]
    if changes:
        message = (
            f"The clients view has {' and '.join(changes)} since the export was planned, so a file would show them for "
            "some clients only. Resume the export, and it reads all clients again."
        )
        raise SourceReplacedError(message)


def _columns(names: Sequence[str]) -> str:
    return f"the column{'s' if len(names) > 1 else ''} {', '.join(names)}"


def require_usable(view: ClientView, selection: ClientSelection) -> None:
    """Raise a `SourceMismatchError` if an export of this selection would fail by the types of its columns."""
    for refusal in refusals(view, selection.columns, selection.filter):
        raise SourceMismatchError(str(refusal), column=refusal.column.name)


def require_writable(view: ClientView, columns: Sequence[str]) -> None:
    """Raise a `SourceMismatchError` that names every one of the columns whose type an export could not use.

    If `columns` names all the columns that only filters read, every filter is checked, those by fields too.
    """
    fields = [name for name in columns if name in FIELD_COLUMNS]
    wanted = EVERY_FILTER if set(FILTER_COLUMNS) <= set(columns) else ClientFilter()
    if found := [str(refusal) for refusal in refusals(view, fields, wanted)]:
        raise SourceMismatchError(" ".join(found))


def refusals(view: ClientView, columns: Sequence[str], wanted: ClientFilter) -> Iterator[Refusal]:
    """Yield every column that an export cannot write, compare or filter by, once, as the failed export refuses it."""
    named = set[str]()
    for refusal in _all_refusals(view, columns, wanted):
        if refusal.column.name not in named:
            named.add(refusal.column.name)
            yield refusal


def _all_refusals(view: ClientView, columns: Sequence[str], wanted: ClientFilter) -> Iterator[Refusal]:
    yield from _incomparable(view, ("tenant", "code"), "which cannot be compared as a key")
    cells = (_cell_refusal(view, view.column(name)) for name in columns)
    yield from (refusal for refusal in cells if refusal)
    yield from _incomparable(view, _listed(wanted), "which no filter can compare with text")
    for column in map(view.column, _searched(wanted)):
        if column.form is None:
            yield Refusal(column, "which cannot be searched as text", view.sql.text_cast(column))
    updated = view.column("updated_at")
    if (wanted.updated_since or wanted.updated_until) and updated.form not in view.sql.moment_forms:
        yield Refusal(updated, "which cannot be compared with a moment", view.sql.moment_cast(updated))


def _incomparable(view: ClientView, names: Iterable[str], reason: str) -> Iterator[Refusal]:
    columns = (view.column(name) for name in names)
    return (Refusal(column, reason, view.sql.text_cast(column)) for column in columns if column.key is None)


def _listed(wanted: ClientFilter) -> Iterator[str]:
    return (name for attribute, name in LISTED_COLUMNS.items() if getattr(wanted, attribute))


def _searched(wanted: ClientFilter) -> Iterator[str]:
    yield from SEARCHED_COLUMNS if wanted.search else ()
    yield from ("service_codes",) if wanted.service_codes else ()


def _cell_refusal(view: ClientView, column: ViewColumn) -> Refusal | None:
    """Say why a column cannot be written for its field, if so."""
    if column.kind is CellKind.DATE and column.form not in _FORMS[CellKind.DATE]:
        reason = "which is not a date"
        if column.form is CellForm.INSTANT:
            reason = "a moment, which is a day only in a time zone"
        return Refusal(column, reason, view.sql.day_cast(column))
    if column.kind is CellKind.BOOLEAN and column.form not in _FORMS[CellKind.BOOLEAN]:
        return Refusal(column, "which is not true or false", view.sql.truth_cast(column))
    if column.form is None:
        return Refusal(column, "which has no text in a file", view.sql.text_cast(column))
    return None
