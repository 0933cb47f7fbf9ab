"""Read the plans of PostgreSQL, and from them whether an index skip scan is efficient."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

MIN_SKIP_SCAN_ROWS = 20_000
"""Numbering fewer keys takes less time than asking for two plans."""

_ALL_KEYS = "SELECT code FROM clients WHERE tenant = :tenant ORDER BY code"

Plan = Mapping[str, Any]
INDEX_SCANS = frozenset({"Index Scan", "Index Only Scan"})
_STARTS_AT_KEY = re.compile(r"> \(?hop(_\d+)?\.code\b")
_QUOTED = re.compile(r"'(?:[^']|'')*'")


def plan_of(answer: Any) -> Plan:
    """Return the plan in the answer to an EXPLAIN in the format JSON, which drivers give as text or parsed."""
    (explained,) = json.loads(answer) if isinstance(answer, str) else answer
    plan: Plan = explained["Plan"]
    return plan


def nodes_of(plan: Plan) -> Iterator[Plan]:
    """Yield a plan and all the plans below it."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes_of(child)


def is_skip_scan_efficient(connection: Connection, statement: str, values: Mapping[str, Any]) -> bool:
    """Say whether every step continues along an index, and a pass over all keys would take the same index.

    The second condition matters if the table was not vacuumed. Sorting all keys may then be faster than walking the
    index, which the plan of a short step does not show.
    """
    whole = _index_scan([_explain(connection, _ALL_KEYS, values)])
    if whole is None or whole["Plan Rows"] < MIN_SKIP_SCAN_ROWS:
        return False
    step = _index_scan(_plans_of_a_step(_explain(connection, statement, values)))
    if step is None or step["Index Name"] != whole["Index Name"]:
        return False
    return _STARTS_AT_KEY.search(_QUOTED.sub("", step.get("Index Cond", ""))) is not None


def _explain(connection: Connection, statement: str, values: Mapping[str, Any]) -> Plan:
    return plan_of(connection.execute(text(f"EXPLAIN (FORMAT JSON) {statement}"), values).scalar_one())


def _index_scan(plans: Sequence[Plan]) -> Plan | None:
    """Return the only plan if it is nothing but a scan of an index, in the order of the index."""
    if len(plans) != 1 or plans[0]["Node Type"] not in INDEX_SCANS or "Plans" in plans[0]:
        return None
    return plans[0]


def _plans_of_a_step(plan: Plan) -> Sequence[Plan]:
    """Return the plans below the limit that is joined to the rows of the step before."""
    for node in nodes_of(plan):
        joined: Sequence[Plan] = node.get("Plans", ())
        if [part["Node Type"] for part in joined] == ["WorkTable Scan", "Limit"]:
            below: Sequence[Plan] = joined[1]["Plans"]
            return below
    return ()
