"""Statements, as every dialect compiles them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Dialect, Select, make_url

from exports.adapters.clients_sql.dialects.registry import PORTABLE
from exports.adapters.clients_sql.sql import statements as sql_statements
from exports.adapters.clients_sql.sql.columns import ClientView
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.fields import VIEW_COLUMNS, ClientStatus, ClientType
from exports.request.filters import ClientFilter

DIALECTS: dict[str, Dialect] = {
    name: make_url(f"{name}://").get_dialect()() for name in ("postgresql", "mysql", "mssql", "sqlite")
}
MOMENT = datetime(2026, 1, 31, 9, 0, 0, 1, tzinfo=timezone(timedelta(hours=2)))
VALUES = ("tenant'1", "manager'2", "partner'3", "associate'4", "team'5", "service'6", "search'7", "start'8", "stop'9")
EVERYTHING = ClientFilter(
    manager_codes=(VALUES[1],),
    partner_codes=(VALUES[2],),
    associate_codes=(VALUES[3],),
    team_codes=(VALUES[4],),
    statuses=(ClientStatus.ACTIVE,),
    types=(ClientType.TRUST,),
    service_codes=(VALUES[5],),
    search=VALUES[6],
    updated_since=MOMENT,
)
SELECTION = ClientSelection(VALUES[0], VIEW_COLUMNS, EVERYTHING)
VIEW = ClientView(PORTABLE)
STATEMENTS = {
    "boundaries": sql_statements.boundaries(VIEW, SELECTION, 1_000),
    "page": sql_statements.page(VIEW, SELECTION, KeyRange(VALUES[7], VALUES[8])),
    "sample": sql_statements.sample(VIEW, SELECTION, KeyRange(VALUES[7], VALUES[8]), 10),
}
CASES = [(name, dialect) for name in STATEMENTS for dialect in DIALECTS]
WITHOUT_OFFSET = ("postgresql", "mysql", "mssql")  # SQLAlchemy writes `LIMIT n OFFSET 0` for SQLite


def sql(statement: Select[Any], dialect: str) -> str:
    return str(statement.compile(dialect=DIALECTS[dialect]))


def test_no_statement_uses_offset() -> None:
    texts = {(name, dialect): sql(STATEMENTS[name], dialect) for name in STATEMENTS for dialect in WITHOUT_OFFSET}

    assert [case for case, text in texts.items() if "OFFSET" in text.upper()] == []


def test_every_statement_selects_one_tenant_by_a_bound_value() -> None:
    def selects_one_tenant(statement: Select[Any], dialect: str) -> bool:
        compiled = statement.compile(dialect=DIALECTS[dialect])
        return str(compiled).count("clients.tenant = ") == 1 and compiled.params["tenant"] == VALUES[0]

    assert [case for case in CASES if not selects_one_tenant(STATEMENTS[case[0]], case[1])] == []


def test_no_value_is_written_into_a_statement() -> None:
    parts = [*(value.split("'")[0] + "'" for value in VALUES), "2026"]

    assert [(*case, part) for case in CASES for part in parts if part in sql(STATEMENTS[case[0]], case[1])] == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_page_is_a_key_range_in_key_order(dialect: str) -> None:
    statement = sql(sql_statements.page(VIEW, ClientSelection("t", ("code",)), KeyRange("a", "b")), dialect)

    assert "clients.code >= " in statement
    assert "clients.code < " in statement
    assert statement.rstrip().endswith("ORDER BY clients.code")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_planning_without_a_filter_reads_only_the_key_columns(dialect: str) -> None:
    statement = sql(sql_statements.boundaries(VIEW, ClientSelection("t", VIEW_COLUMNS), 10), dialect)

    assert not [name for name in VIEW_COLUMNS if f"clients.{name}" in statement and name not in {"tenant", "code"}]


@pytest.mark.parametrize(
    ("dialect", "function"),
    [("postgresql", "strpos("), ("mysql", "instr("), ("mssql", "charindex("), ("sqlite", "instr(")],
)
def test_a_search_uses_a_function_without_wildcards(dialect: str, function: str) -> None:
    statement = sql(
        sql_statements.page(VIEW, ClientSelection("t", ("code",), ClientFilter(search="x")), KeyRange()), dialect
    )

    assert function in statement
    assert "LIKE" not in statement


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("postgresql", MOMENT.astimezone(UTC)),
        ("mysql", MOMENT.astimezone(UTC).replace(tzinfo=None)),
        ("mssql", MOMENT.astimezone(UTC).replace(tzinfo=None)),
    ],
)
def test_a_moment_is_bound_as_the_database_compares_it(dialect: str, expected: object) -> None:
    selection = ClientSelection("t", ("code",), ClientFilter(updated_since=MOMENT))
    compiled = sql_statements.page(VIEW, selection, KeyRange()).compile(dialect=DIALECTS[dialect])
    bound = next(bind for bind in compiled.binds.values() if bind.key == "updated_since")
    processor = bound.type.bind_processor(DIALECTS[dialect])

    assert processor is not None
    assert processor(MOMENT) == expected
