"""Build the statements on the `clients` view.

Values are bound parameters. Every statement reads clients of one tenant, and pages are key ranges. The view's own
dialect writes each comparison in the type and the collation of the column, so ranges agree with the order of the keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, false, func, literal_column, or_, select

from exports.adapters.clients_sql.sql.columns import CLIENTS, ClientView
from exports.adapters.clients_sql.sql.expressions import CODE_SEPARATOR, Position, any_of
from exports.errors import SourceMismatchError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.filters import LISTED_COLUMNS, SEARCHED_COLUMNS, ClientFilter, columns_by_filter


def needed_columns(selection: ClientSelection) -> tuple[str, ...]:
    """Name the columns that the statements on a selection read or compare."""
    filtered = chain.from_iterable(columns_by_filter(selection.filter).values())
    return tuple(dict.fromkeys(("tenant", "code", *selection.columns, *filtered)))


def boundaries(view: ClientView, selection: ClientSelection, rows_per_page: int) -> Select[Any]:
    """Select the first client of every page and the very last client, in key order.

    A row holds the code, the position counted from 1, and a third value that is NULL only for the very last client.
    """
    code = CLIENTS.c.code
    numbered = (
        select(
            code,
            func.row_number().over(order_by=code).label("position"),
            func.lead(literal_column("1")).over(order_by=code).label("following"),
        )
        .where(*_conditions(view, selection))
        .subquery("numbered")
    )
    position, following = numbered.c.position, numbered.c.following
    page_starts = (position - literal_column("1")) % bindparam("rows_per_page", rows_per_page) == literal_column("0")
    return select(numbered.c.code, position, following).where(or_(page_starts, following.is_(None))).order_by(position)


def page(view: ClientView, selection: ClientSelection, key_range: KeyRange) -> Select[Any]:
    """Select the clients of one key range, in key order."""
    return cells(view, selection, key_range, [view.cell(name) for name in selection.columns])


def sample(view: ClientView, selection: ClientSelection, key_range: KeyRange, rows: int) -> Select[Any]:
    """Select the first clients of one key range, in key order."""
    return page(view, selection, key_range).limit(rows)


def cells(
    view: ClientView, selection: ClientSelection, key_range: KeyRange, wanted: Sequence[ColumnElement[Any]]
) -> Select[Any]:
    """Select the wanted expressions for the clients of one key range, in key order."""
    code = CLIENTS.c.code
    conditions = _conditions(view, selection)
    if key_range.start is not None:
        conditions.append(code >= code_bound(view, "start", key_range.start))
    if key_range.stop is not None:
        conditions.append(code < code_bound(view, "stop", key_range.stop))
    return select(*wanted).select_from(CLIENTS).where(*conditions).order_by(code)


def count(view: ClientView, selection: ClientSelection) -> Select[Any]:
    """Count the clients of a selection."""
    return select(func.count()).select_from(CLIENTS).where(*_conditions(view, selection))


def count_up_to(view: ClientView, selection: ClientSelection, most: int) -> Select[Any]:
    """Count the clients of a selection, but no more than `most`. The database stops reading there."""
    some: Select[Any] = (
        select(literal_column("1").label("one")).select_from(CLIENTS).where(*_conditions(view, selection)).limit(most)
    )
    return select(func.count()).select_from(some.subquery("some_clients"))


def left(view: ClientView, selection: ClientSelection) -> Select[Any]:
    """Select the codes of clients that changed in the time that the filter names, and do not pass the rest of it."""
    wanted = selection.filter
    changed = _conditions(view, replace(selection, filter=wanted.of_moments()))
    rest = wanted.model_copy(update={"updated_since": None, "updated_until": None})
    passes = case((and_(*_filter_conditions(view, rest)), literal_column("1")), else_=literal_column("0"))
    code = CLIENTS.c.code
    return select(code).select_from(CLIENTS).where(*changed, passes == literal_column("0")).order_by(code)


def values(view: ClientView, tenant: str, column: str, name_column: str | None, most: int) -> Select[Any]:
    """Select the different values of a column, in its order, and one name of each if there is a column of names."""
    value = CLIENTS.c[column]
    names = [func.min(view.cell(name_column))] if name_column else []
    conditions = (*_conditions(view, ClientSelection(tenant, ())), value.is_not(None))
    return select(value, *names).select_from(CLIENTS).where(*conditions).group_by(value).order_by(value).limit(most)


def service_lists(view: ClientView, tenant: str, most: int) -> Select[Any]:
    """Select the different values of `service_codes`, as text."""
    listed = view.sql.searched_text(view.column("service_codes"))
    conditions = (*_conditions(view, ClientSelection(tenant, ())), CLIENTS.c.service_codes.is_not(None))
    return select(listed.label("listed")).select_from(CLIENTS).where(*conditions).distinct().limit(most)


def is_filtered(selection: ClientSelection) -> bool:
    """Say whether a selection may leave out clients of its tenant."""
    return selection.filter != ClientFilter()


def code_bound(view: ClientView, name: str, text: str) -> ColumnElement[Any]:
    """Return a code as a value of the column's type. The plan may be older than the type that the column has now."""
    bound = view.sql.key_bound(view.column("code"), name, text)
    if bound is None:
        raise _code_with_nul() if "\0" in text else code_type_changed()
    return bound


def _code_with_nul() -> SourceMismatchError:
    """Make the error for a code that a database keeps, but cannot be trusted to compare."""
    message = (
        "The column code of the view clients holds a code with the character NUL, which cannot be compared as a key. "
        "Correct the code, or remove the character in the view: replace(code, char(0), '') AS code."
    )
    return SourceMismatchError(message, column="code")


def code_type_changed() -> SourceMismatchError:
    """Make the error for a code of a plan that the column cannot hold any more."""
    message = "The column code of the view clients got another type after the export was planned. Start a new export."
    return SourceMismatchError(message)


def _conditions(view: ClientView, selection: ClientSelection) -> list[ColumnElement[bool]]:
    of_tenant = view.sql.of_tenant(view.column("tenant"), selection.tenant)
    return [of_tenant, *_filter_conditions(view, selection.filter)]


def _filter_conditions(view: ClientView, wanted: ClientFilter) -> Iterator[ColumnElement[bool]]:
    for attribute, name in LISTED_COLUMNS.items():
        if values := getattr(wanted, attribute):
            yield view.sql.matches_any(view.column(name), [str(value) for value in values])
    if wanted.service_codes:
        yield _has_any_service(view, wanted.service_codes)
    if wanted.search:
        yield _contains(view, wanted.search)
    if wanted.updated_since is not None:
        yield view.sql.updated_since(view.column("updated_at"), wanted.updated_since)
    if wanted.updated_until is not None:
        yield view.sql.updated_until(view.column("updated_at"), wanted.updated_until)


def _contains(view: ClientView, text: str) -> ColumnElement[bool]:
    wanted = func.lower(bindparam("search", text))
    columns = (view.column(name) for name in SEARCHED_COLUMNS)
    texts = [view.sql.searched_text(column) for column in columns if view.sql.storable(column, text)]
    if not texts:
        return any_of([])
    found = or_(*(Position(func.lower(searched), wanted) > literal_column("0") for searched in texts))
    return any_of([found])


def _has_any_service(view: ClientView, wanted: Sequence[str]) -> ColumnElement[bool]:
    """Compare whole codes. Up to two spaces on either side of a code in the view are ignored.

    A wanted code that is blank or holds a separator matches no client.
    """
    column = view.column("service_codes")
    listed = CODE_SEPARATOR.concat(view.sql.searched_text(column)).concat(CODE_SEPARATOR)
    for spaced in ("'; '", "'; '", "' ;'", "' ;'"):
        listed = func.replace(listed, literal_column(spaced), CODE_SEPARATOR)
    storable = (code.strip() for code in wanted if view.sql.storable(column, code))
    codes = [code for code in storable if code and ";" not in code]
    return view.sql.holds_any(column, listed, codes) if codes else false()
