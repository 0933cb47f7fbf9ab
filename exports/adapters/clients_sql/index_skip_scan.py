"""Find where pages begin by an index skip scan: each step goes from the first client of a page to that of the next.

The database passes over the keys as it does for `statements.boundaries`, but it numbers none of them, which is several
times as fast. The scan is efficient only if each step continues where the step before ended. If a step sorted, or began
at the first client again, the work would grow with the square of the clients. So the database is asked for its plan
first, and without a plan that is known to be efficient the scan is not run.

A step skips rows by OFFSET, but this is no paging by OFFSET: all steps are one statement, which sees one moment, and
each step begins at a key. So clients that are added or removed meanwhile shift nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from exports.adapters.clients_sql.dialects.registry import dialect_named
from exports.adapters.clients_sql.dialects.snapshot import give_up_statement
from exports.adapters.clients_sql.sql import statements as sql_statements
from exports.adapters.clients_sql.sql.columns import ClientView
from exports.errors import SourceMismatchError
from exports.file.ranges import Boundaries
from exports.ports.clients import ClientSelection

_SKIP_SCAN = """
WITH RECURSIVE hop (code, page, code_before) AS (
    SELECT * FROM (
        SELECT code, 0 AS page, code AS code_before FROM clients WHERE tenant = :tenant ORDER BY code LIMIT 1
    ) AS beginning
    UNION ALL
    {step}
)
SELECT code, page, CASE WHEN code IS NULL THEN (
    SELECT count(*) FROM (
        SELECT code FROM clients WHERE tenant = :tenant AND code >= hop.code_before ORDER BY code LIMIT :rows_per_page
    ) AS last_page
) END AS rows_of_last_page, CASE WHEN code IS NULL THEN EXISTS (
    SELECT 1 FROM clients WHERE tenant = :tenant AND code IS NULL
) END AS has_null
FROM hop
"""
"""Returns the first client of every page and then one row without a code; no row if there are no clients at all.

Each row of `hop` is one step. The recursion ends for any rows of the view, because codes rise from step to step. `>`
excludes NULL, so the last row says whether a code is NULL.
"""

_NEXT_CODE = "SELECT code FROM clients WHERE tenant = :tenant AND code > hop.code ORDER BY code LIMIT 1 OFFSET :skipped"


def skip_scan_boundaries(
    connection: Connection, view: ClientView, selection: ClientSelection, rows_per_page: int
) -> Boundaries | None:
    """Find boundaries by a skip scan, as `ClientSource.find_boundaries` does; None if it might be slow or impossible.

    Returns None for every selection with a filter: the share of clients that pass a filter varies along the key space,
    so the plan of one step says nothing about the others.
    """
    dialect = dialect_named(connection.dialect.name)
    if dialect.skip_scan_step is None or sql_statements.is_filtered(selection):
        return None
    if view.sql.key_bound(view.column("tenant"), "tenant", selection.tenant) is None:
        return Boundaries(0, ())  # the database would refuse such a tenant
    statement = skip_scan_statement(dialect.skip_scan_step)
    values = {"tenant": selection.tenant, "skipped": rows_per_page - 1, "rows_per_page": rows_per_page}
    try:
        is_efficient = dialect.is_skip_scan_efficient(connection, statement, values)
    except DBAPIError:  # if the view itself is at fault, the pass over all keys will report it
        give_up_statement(connection)
        return None
    return _scan(connection, view, statement, values) if is_efficient else None


def skip_scan_statement(step: str) -> str:
    """Build the scan around a dialect's step."""
    return _SKIP_SCAN.format(step=step.format(next_code=_NEXT_CODE))


def _scan(connection: Connection, view: ClientView, statement: str, values: Mapping[str, Any]) -> Boundaries | None:
    starts: list[str] = []
    with connection.execute(text(statement), values) as pages:
        for code, page, rows_of_last_page, has_null in pages:
            if has_null:
                message = "A client has no code; every row of the view clients needs one."
                raise SourceMismatchError(message, column="code")
            if page != len(starts):  # databases return rows in the order of the steps, but PostgreSQL promises no order
                return None
            if code is None:
                return Boundaries((page - 1) * values["rows_per_page"] + rows_of_last_page, tuple(starts[1:]))
            starts.append(view.sql.key_text(view.column("code"), code))
    return Boundaries(0, ())
