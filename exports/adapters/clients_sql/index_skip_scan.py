"""Where pages begin, found by hops along an index: from the first client of each page to that of the next.

The database passes over the keys as it does for `sql_statements.boundaries`, but numbers none of them: several times as
fast. It pays only where each hop goes on from where the one before ended. Where a hop would sort, or begin at the
first client again, the work would grow with the square of the clients; so the database's own plan is asked for first,
and what is not known to be good is not done.

The skipping within a hop is no paging by OFFSET: nothing is read again in another statement, where rows that come or go
meanwhile would shift what follows. All hops are one statement, which sees one moment, and each begins at a key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from exports.adapters.clients_sql import statements as sql_statements
from exports.errors import SourceMismatchError
from exports.file.ranges import Boundaries
from exports.ports.clients import ClientSelection

_HOPS = """
WITH RECURSIVE hop (code, page, code_before) AS (
    SELECT * FROM (
        SELECT code, 0 AS page, code AS code_before FROM clients WHERE tenant = :tenant ORDER BY code LIMIT 1
    ) AS beginning
    UNION ALL
    {a_hop}
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
"""The first client of every page, then one row without a code, unless there are no clients at all. Codes rise from hop
to hop whatever the rows are, so there is an end; `>` leaves NULL out, so it is looked for."""

_LANDING = "SELECT code FROM clients WHERE tenant = :tenant AND code > hop.code ORDER BY code LIMIT 1 OFFSET :skipped"
_JOINED = f"""SELECT landing.code, hop.page + 1, hop.code
    FROM hop LEFT JOIN LATERAL ({_LANDING}) AS landing ON true WHERE hop.code IS NOT NULL"""  # noqa: S608 - our own
_SELECTED = f"SELECT ({_LANDING}), hop.page + 1, hop.code FROM hop WHERE hop.code IS NOT NULL"  # noqa: S608 - our own
HOPS = {"postgresql": _HOPS.format(a_hop=_JOINED), "sqlite": _HOPS.format(a_hop=_SELECTED)}
"""By dialect. SQLite has no LATERAL; PostgreSQL explains no subquery among the columns of a recursive step."""

_KEYS = "SELECT code FROM clients WHERE tenant = :tenant ORDER BY code"

FEWEST_ROWS = 20_000
"""Fewer keys are numbered before two plans have been looked at."""

_Plan = Mapping[str, Any]
_INDEX_SCANS = frozenset({"Index Scan", "Index Only Scan"})
_BEGINS_AT_HOP = re.compile(r"> \(?hop(_\d+)?\.code\b")
_QUOTED = re.compile(r"'(?:[^']|'')*'")
_SQLITE_SEARCH_FROM_A_KEY = re.compile(r"SEARCH .* USING .*>\?\)")


def skip_scan_boundaries(connection: Connection, selection: ClientSelection, rows_per_page: int) -> Boundaries | None:
    """Find boundaries by hops, as `ClientSource.find_boundaries`; None if that might be slow, or cannot be done.

    Selections with a filter are left to the pass over all keys: what a filter lets through at one place says nothing
    of another, so no plan of a hop holds for all of them.
    """
    judge = _JUDGES.get(connection.dialect.name)
    if judge is None or sql_statements.is_filtered(selection):
        return None
    values = {"tenant": selection.tenant, "skipped": rows_per_page - 1, "rows_per_page": rows_per_page}
    try:
        is_efficient = judge(connection, values)
    except DBAPIError:  # also where the database cannot explain: what the matter is, the pass over all keys tells
        connection.rollback()
        return None
    return _hop(connection, values) if is_efficient else None


def _hop(connection: Connection, values: Mapping[str, Any]) -> Boundaries | None:
    starts: list[str] = []
    with connection.execute(text(HOPS[connection.dialect.name]), values) as hops:
        for code, page, rows_of_last_page, has_null in hops:
            if has_null:
                raise SourceMismatchError("A client has no code; every row of the view clients needs one.")
            if page != len(starts):  # databases give hops as they make them, which PostgreSQL does not promise
                return None
            if code is None:
                return Boundaries((page - 1) * values["rows_per_page"] + rows_of_last_page, tuple(starts[1:]))
            starts.append(code)
    return Boundaries(0, ())


def _pays_on_postgresql(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Say whether every hop goes on along an index, and a pass over all keys would take that same index.

    The second matters where the table was not vacuumed: sorting all may then be faster than the index, which the plan
    of a short hop does not show.
    """
    whole = _index_scan([_explain(connection, _KEYS, values)])
    if whole is None or whole["Plan Rows"] < FEWEST_ROWS:
        return False
    hop = _index_scan(_plans_of_a_hop(_explain(connection, HOPS["postgresql"], values)))
    if hop is None or hop["Index Name"] != whole["Index Name"]:
        return False
    return _BEGINS_AT_HOP.search(_QUOTED.sub("", hop.get("Index Cond", ""))) is not None


def _explain(connection: Connection, statement: str, values: Mapping[str, Any]) -> _Plan:
    answer = connection.execute(text(f"EXPLAIN (FORMAT JSON) {statement}"), values).scalar_one()
    (explained,) = json.loads(answer) if isinstance(answer, str) else answer
    plan: _Plan = explained["Plan"]
    return plan


def _index_scan(plans: Sequence[_Plan]) -> _Plan | None:
    """The scan of an index, in its order, if that is all there is."""
    if len(plans) != 1 or plans[0]["Node Type"] not in _INDEX_SCANS or "Plans" in plans[0]:
        return None
    return plans[0]


def _plans_of_a_hop(plan: _Plan) -> Sequence[_Plan]:
    """What stands beneath the limit of what is joined to the rows of the hop before."""
    for node in _nodes(plan):
        joined: Sequence[_Plan] = node.get("Plans", ())
        if [part["Node Type"] for part in joined] == ["WorkTable Scan", "Limit"]:
            beneath: Sequence[_Plan] = joined[1]["Plans"]
            return beneath
    return ()


def _nodes(plan: _Plan) -> Iterator[_Plan]:
    yield plan
    for beneath in plan.get("Plans", ()):
        yield from _nodes(beneath)


def _pays_on_sqlite(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Say whether a hop is one search in one index, from its key on; a sort would be another line of the plan."""
    lines = connection.execute(text(f"EXPLAIN QUERY PLAN {HOPS['sqlite']}"), values).all()
    beneath: dict[int, list[tuple[int, str]]] = {}
    for number, parent, _, words in lines:
        beneath.setdefault(parent, []).append((number, words))
    steps = [number for number, _, _, words in lines if words == "RECURSIVE STEP"]
    hops = [line for step in steps for line in beneath.get(step, ()) if "SUBQUERY" in line[1]]
    searches = [words for number, _ in hops for _, words in beneath.get(number, ())]
    return len(searches) == 1 and _SQLITE_SEARCH_FROM_A_KEY.fullmatch(searches[0]) is not None


_JUDGES = {"postgresql": _pays_on_postgresql, "sqlite": _pays_on_sqlite}
