"""Microsoft's own T-SQL parser reads every statement that the service can send to Azure SQL.

The parser judges syntax. It knows no types, collations or plans; no test has run against a SQL Server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.dialects import mssql

from exports.adapters.clients_sql.dialects.registry import dialect_named
from exports.adapters.clients_sql.sql import ranks, statements
from exports.adapters.clients_sql.sql.columns import CLIENTS, ClientView
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.fields import VIEW_COLUMNS
from exports.request.filters import LISTED_COLUMNS, ClientFilter
from tests.support.tsql_parser import parse

_VIEW = ClientView(dialect_named("mssql"))
_RANGES = [KeyRange(start, stop) for start, stop in product((None, "C1"), (None, "C9"))]
_CODES = ["one", "two"]


def _filters() -> dict[str, ClientFilter]:
    """Return no filter, each filter alone with values of its own type, and all filters together."""
    listed: dict[str, Any] = dict.fromkeys(LISTED_COLUMNS, _CODES)
    listed |= {"statuses": ["Active", "Inactive"], "types": ["PrivateLimitedCompany", "SoleTrader"]}
    others = {"service_codes": _CODES, "search": "O'Neil %", "updated_since": datetime(2026, 1, 31, tzinfo=UTC)}
    every = {**{name: listed[name] for name in LISTED_COLUMNS}, **others}
    alone = {name: ClientFilter.model_validate({name: value}) for name, value in every.items()}
    nobody = {
        "no_service": ClientFilter(service_codes=(";",)),
        "nul_service": ClientFilter.model_construct(service_codes=("\0",)),
        "nul_manager": ClientFilter.model_construct(manager_codes=("\0",)),
        "nul_search": ClientFilter.model_construct(search="\0"),
    }
    return {"none": ClientFilter(), **alone, **nobody, "all": ClientFilter.model_validate(every)}


def _statements() -> Iterator[tuple[str, Select[Any]]]:
    yield "view_columns", statements.view_columns()
    yield "first_code", select(CLIENTS.c.code).limit(1)
    yield "ranks", ranks._ranks(["C1", "C9"], ranks._as_described(_VIEW))
    for name, wanted in _filters().items():
        selection = ClientSelection("northwind", VIEW_COLUMNS, wanted)
        yield f"boundaries-{name}", statements.boundaries(_VIEW, selection, 500)
        for place, key_range in enumerate(_RANGES):
            yield f"page-{name}-{place}", statements.page(_VIEW, selection, key_range)
            yield f"sample-{name}-{place}", statements.sample(_VIEW, selection, key_range, 40)


def _tsql(statement: Select[Any]) -> str:
    """Compile as for the server, with parameters spelled as T-SQL spells them."""
    dialect = mssql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    compiled = str(statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True}))
    return re.sub(r":(\w+)", r"@\1", compiled)


def test_microsofts_parser_accepts_every_statement_for_azure_sql(tmp_path: Path) -> None:
    assert parse(tmp_path, {name: _tsql(statement) for name, statement in _statements()}) == ""


def test_microsofts_parser_reports_a_boolean_that_is_compared_twice(tmp_path: Path) -> None:
    found = parse(tmp_path, {"twice": "SELECT 1 WHERE CASE WHEN 1 = 1 THEN 1 ELSE 0 END = 1 = 1"})
    assert "Incorrect syntax near '='" in found
