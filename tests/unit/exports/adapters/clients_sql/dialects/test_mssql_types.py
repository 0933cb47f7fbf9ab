"""Columns of SQL Server as its catalog describes them: what is written, compared or refused.

The types and the names are those of "Data types (Transact-SQL)" and of the answer of
"sys.dm_exec_describe_first_result_set (Transact-SQL)" (learn.microsoft.com). No server runs them.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.dialects import mssql

from exports.adapters.clients_sql.dialects.mssql_types import describe_column
from exports.adapters.clients_sql.dialects.mssql_values import shortest_double, shortest_real
from exports.adapters.clients_sql.dialects.registry import dialect_named
from exports.adapters.clients_sql.sql.columns import ViewColumn
from exports.adapters.clients_sql.sql.json_text import compact_json

DIALECT = dialect_named("mssql")
LATIN, UTF8 = ("SQL_Latin1_General_CP1_CI_AS", 1252), ("Latin1_General_100_CI_AS_SC_UTF8", 65001)
UUID = "6ecd8c99-4036-403d-bf84-cf8400f67836"


def column(type_name: str, collation: tuple[str, int] | tuple[None, None] = (None, None)) -> ViewColumn:
    return describe_column("code", type_name, *collation)


def bound(of: ViewColumn, text: str) -> str | None:
    found = DIALECT.key_bound(of, "start", text)
    return None if found is None else str(found.compile(dialect=mssql.dialect()))  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    "type_name",
    [
        *("binary(8)", "varbinary(max)", "image", "timestamp", "xml", "sql_variant", "hierarchyid", "geography"),
        *("geometry", "vector(3)", "cursor"),
    ],
)
def test_types_of_sql_server_without_a_text_are_neither_written_nor_keys(type_name: str) -> None:
    assert column(type_name).form is None
    assert column(type_name).key is None


@pytest.mark.parametrize(
    ("type_name", "text", "expected"),
    [
        ("int", "42", "CAST(:start AS int)"),
        ("int", "2147483648", None),
        ("int", "northwind", None),
        ("tinyint", "-1", None),
        ("bigint", "9223372036854775807", "CAST(:start AS bigint)"),
        ("decimal(10,2)", "1.50", "CAST(:start AS decimal(10,2))"),
        ("decimal(10,2)", "1.505", None),
        ("decimal(10,2)", "123456789", None),
        ("uniqueidentifier", UUID, "CAST(:start AS uniqueidentifier)"),
        ("uniqueidentifier", f"{UUID} and more", None),
    ],
)
def test_a_key_of_sql_server_is_bound_in_its_type_or_equals_nobody(
    type_name: str, text: str, expected: str | None
) -> None:
    assert bound(column(type_name), text) == expected


def test_text_is_bound_in_the_collation_of_its_column_and_never_cut() -> None:
    assert bound(column("varchar(9)", LATIN), "C1") == f"CAST(:start COLLATE {LATIN[0]} AS varchar(8000))"
    assert bound(column("nvarchar(9)", LATIN), "C1") == "CAST(:start AS nvarchar(4000))"
    assert bound(column("varchar(max)", UTF8), "C1") == f"CAST(:start COLLATE {UTF8[0]} AS varchar(max))"
    assert bound(column("nvarchar(9)", LATIN), "x" * 4001) is None


def test_text_outside_of_a_columns_code_page_equals_nobody() -> None:
    assert bound(column("varchar(9)", LATIN), "日本") is None
    assert bound(column("varchar(9)", UTF8), "日本") is not None
    assert bound(column("nvarchar(9)", LATIN), "日本") is not None


def test_a_moment_that_a_type_cannot_hold_is_compared_as_its_first() -> None:
    condition = DIALECT.updated_since(column("smalldatetime"), datetime(1600, 1, 1, tzinfo=UTC))
    assert datetime(1900, 1, 1, tzinfo=UTC) in condition.compile().params.values()


def test_every_moment_of_a_type_is_before_one_that_it_cannot_hold_yet() -> None:
    condition = DIALECT.updated_until(column("smalldatetime"), datetime(2100, 1, 1, tzinfo=UTC))
    assert str(condition) == "clients.code IS NOT NULL"
    condition = DIALECT.updated_until(column("smalldatetime"), datetime(2026, 1, 1, tzinfo=UTC))
    assert str(condition) == "clients.code < CAST(:updated_until AS smalldatetime)"
    condition = DIALECT.updated_since(column("smalldatetime"), datetime(2100, 1, 1, tzinfo=UTC))
    assert str(condition) == "clients.code >= CAST(:updated_since AS smalldatetime)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1.0000000000000001e-001", "0.1"), ("1.0000000000000000e+030", "1e+30"), ("4.2000000000000000e+001", "42")],
)
def test_a_float_of_sql_server_becomes_the_shortest_number_that_reads_back(text: str, expected: str) -> None:
    assert shortest_double(text) == expected


def test_a_real_of_sql_server_becomes_the_shortest_number_of_four_bytes() -> None:
    assert shortest_real("1.0000000149011612e-001") == "0.1"
    assert shortest_real("1.6777216000000000e+007") == "16777216"
    assert shortest_real(None) is None


def test_json_loses_white_space_only_outside_of_strings() -> None:
    assert compact_json('{"a b": [1, 2]}') == '{"a b":[1,2]}'


def test_the_casts_to_write_into_a_view_are_those_of_sql_server() -> None:
    assert DIALECT.truth_cast(column("float")) == "CAST(code AS bit)"
    assert DIALECT.moment_cast(column("int")) == "CAST(code AS datetime2(3))"
    assert DIALECT.text_cast(column("hierarchyid")) == "code.ToString()"
    assert DIALECT.text_cast(column("varbinary(max)")) == "CONVERT(varchar(max), code, 2)"
