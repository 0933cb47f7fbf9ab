"""PostgreSQL compares keys, tenants and filter values in the type and the collation of their columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, text

from exports.adapters.clients_sql.described import describe_selected
from exports.adapters.clients_sql.dialects import postgresql_plans
from exports.adapters.clients_sql.source import SqlClientSource
from exports.adapters.clients_sql.sql import statements as sql_statements
from exports.errors import SourceMismatchError
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import Boundaries, KeyRange
from exports.ports.clients import ClientSelection
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from exports.request.filters import ClientFilter
from tests.support.each_case import assert_each

MIXED = "(ARRAY['a', 'B', 'c', 'D', 'e', 'F', '_', 'é'])[1 + n % 8] || lpad(n::text, 4, '0')"
CODES = {
    "text": MIXED,
    "varchar(30)": MIXED,
    "char(12)": MIXED,
    "name": MIXED,
    "public.citext": MIXED,
    'text COLLATE "C"': MIXED,
    'text COLLATE "en-x-icu"': MIXED,
    "text COLLATE any_case": MIXED,
    "other.citext": MIXED,
    "short": MIXED,
    "many": "'m' || n",
    "smallint": "n - 100",
    "integer": "n * 1000 - 100000",
    "bigint": "n * 10000000000",
    "number": "n - 100",
    "numeric(12,3)": "n - 100.5",
    "uuid": "md5(n::text)",
}
"""The SQL of the codes of the numbers 1 to 200, by the type of the column."""

ROWS = 200
SELECTION = ClientSelection("northwind", ("code",))
RENDERER = CsvRenderer([ColumnMapping(csv_header="Code", target_field=TargetField.CODE)])


class Keys:
    """A database with a table of clients whose code has a chosen type."""

    def __init__(self, url: URL) -> None:
        options = f"{url.query['options']},public -cenable_seqscan=off -cenable_bitmapscan=off -cenable_sort=off"
        self.engine = create_engine(url)
        self.source = SqlClientSource(url.update_query_dict({"options": options}))
        labels = ", ".join(f"'m{n}'" for n in [*range(100, 201), *range(100)])
        self.run(
            "DROP EXTENSION IF EXISTS citext CASCADE",
            "CREATE EXTENSION citext SCHEMA public",
            f"CREATE TYPE many AS ENUM ({labels})",
            "CREATE DOMAIN short AS varchar(30)",
            "CREATE DOMAIN number AS integer",
            "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        )

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement.replace(":", r"\:")))

    def fill(self, code: str, expression: str, tenant: str = "text", tenant_value: str = "'northwind'") -> None:
        self.run(
            f"CREATE TABLE kept (tenant {tenant}, code {code}, PRIMARY KEY (tenant, code))",
            f"INSERT INTO kept SELECT {tenant_value}, ({expression})::{code.partition(' ')[0]} FROM "
            f"generate_series(1, {ROWS}) AS n",
            "CREATE VIEW clients AS SELECT * FROM kept",
            "ANALYZE kept",
        )

    def view(self, **columns: str) -> None:
        chosen = {"tenant": "'northwind'::text", "code": "'C1'::text", **columns}
        self.run(f"CREATE VIEW clients AS SELECT {', '.join(f'{sql} AS {name}' for name, sql in chosen.items())}")

    def find(self, **wanted: Any) -> list[str]:
        selection = ClientSelection("northwind", ("code",), ClientFilter(**wanted))
        return [row[0] for rows in self.source.read(selection, KeyRange()) for row in rows]


@pytest.fixture
def keys(postgres_schema: URL) -> Iterator[Keys]:
    made = Keys(postgres_schema)
    with closing(made.source):
        yield made
    made.engine.dispose()


def pages(keys: Keys, found: Boundaries) -> list[bytes]:
    ranges = [KeyRange(start, stop) for start, stop in pairwise([None, *found.starts, None])]
    return [b"".join(part.data for part in keys.source.render(SELECTION, each, RENDERER)) for each in ranges]


@pytest.mark.parametrize("code", CODES)
def test_pages_tile_the_clients_for_every_type_and_collation_of_the_code(
    keys: Keys, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if code == "other.citext":
        keys.run("DROP EXTENSION citext", "CREATE SCHEMA IF NOT EXISTS other", "CREATE EXTENSION citext SCHEMA other")
    keys.fill(code, CODES[code])
    (whole,) = pages(keys, Boundaries(ROWS, ()))
    assert len(set(whole.splitlines())) == ROWS

    def check(minimum: int) -> None:
        monkeypatch.setattr(postgresql_plans, "MIN_SKIP_SCAN_ROWS", minimum)
        found = keys.source.find_boundaries(SELECTION, 9)
        parts = pages(keys, found)
        assert found.total_rows == ROWS
        assert len(parts) == 23
        assert all(isinstance(start, str) for start in found.starts)
        assert [part.count(b"\r\n") for part in parts] == [9] * 22 + [2]
        assert b"".join(parts) == whole

    assert_each({"skip scan": 0, "numbering": 1_000_000}, check)


@pytest.mark.parametrize("code", [name for name in CODES if name != "numeric(12,3)"])
def test_a_page_of_every_type_of_code_is_a_range_of_the_index(keys: Keys, code: str) -> None:
    if code == "other.citext":
        keys.run("DROP EXTENSION citext", "CREATE SCHEMA IF NOT EXISTS other", "CREATE EXTENSION citext SCHEMA other")
    keys.fill(code, CODES[code])
    found = keys.source.find_boundaries(SELECTION, 50)

    with keys.source._connection() as connection:
        view = describe_selected(connection, SELECTION)
        compiled = sql_statements.page(view, SELECTION, KeyRange(*found.starts[:2])).compile(
            dialect=connection.dialect, compile_kwargs={"render_postcompile": True}
        )
        plan = "\n".join(line for (line,) in connection.exec_driver_sql(f"EXPLAIN {compiled}", compiled.params))

    (condition,) = [line for line in plan.splitlines() if "Index Cond" in line]
    assert condition.count("code >= ") == condition.count("code < ") == 1
    assert "Sort" not in plan


@pytest.mark.parametrize(
    ("type_name", "value", "same", "others"),
    [
        ("text", "'m1'", "m1", ["M1", "m1 ", "m\0", "😀"]),
        ("varchar(2)", "'m1'", "m1", ["m1x"]),
        ("char(5)", "'m1'", "m1", ["M1"]),
        ("public.citext", "'m1'", "M1", ["m2"]),
        ("text COLLATE any_case", "'m1'", "M1", ["m2"]),
        ("many", "'m1'", "m1", ["M1", "nobody", "m\0"]),
        ("smallint", "1", "1", ["2", "70000", "one", "1.0", "99999999999999999999999999"]),
        ("bigint", "123", "123", ["124", "9" * 30]),
        ("numeric(9,2)", "1.5", "1.50", ["1", "1e5", "x"]),
        ("uuid", "'6ecd8c99-4036-403d-bf84-cf8400f67836'", "6ECD8C99-4036-403D-BF84-CF8400F67836", ["6ecd", "{"]),
        ("number", "7", "7", ["x"]),
    ],
)
def test_a_filter_compares_in_the_type_of_its_column(
    keys: Keys, type_name: str, value: str, same: str, others: list[str]
) -> None:
    plain, _, collation = type_name.partition(" ")
    keys.view(manager_code=f"{value}::{plain} {collation}")

    assert keys.find(manager_codes=(same,)) == ["C1"]
    assert keys.find(manager_codes=(*others, same)) == ["C1"]
    assert keys.find(manager_codes=tuple(others)) == []


@pytest.mark.parametrize(
    ("sql", "found", "not_found"),
    [
        ("'Łódź'::text", "łÓ", "x"),
        ("'Acme'::text COLLATE any_case", "CME", "x"),
        ("'Acme'::public.citext", "cM", "x"),
        ("12345::bigint", "234", "x"),
        ("1.50::numeric", ".50", "x"),
        ("'6ecd8c99-4036-403d-bf84-cf8400f67836'::uuid", "6ECD8", "x"),
        ("'m12'::many", "M1", "x"),
        ("ARRAY['One', 'Two']", "e; t", "x"),
        ("'x'::char(3)", "x  ", "y"),
    ],
)
def test_a_search_looks_in_the_text_of_columns_of_every_type(keys: Keys, sql: str, found: str, not_found: str) -> None:
    columns = dict.fromkeys(("name", "email", "internal_reference", "trading_as", "contact_name"), "NULL::text")
    keys.view(**columns, company_number=sql)

    assert keys.find(search=found) == ["C1"]
    assert keys.find(search=not_found) == []


@pytest.mark.parametrize("sql", ["'VAT;PAYE'::text", "'VAT; PAYE'::text COLLATE any_case", "ARRAY['VAT', 'PAYE']"])
def test_services_are_found_in_lists_and_arrays(keys: Keys, sql: str) -> None:
    keys.view(service_codes=sql)

    assert keys.find(service_codes=("PAYE",)) == ["C1"]
    assert keys.find(service_codes=("PAY", "\0", "x")) == []


@pytest.mark.parametrize(
    ("tenant_type", "value"),
    [("public.citext", "NorthWind"), ("owner", "northwind"), ("char(20)", "northwind"), ("name", "northwind")],
)
def test_a_tenant_is_compared_in_the_type_of_its_column(keys: Keys, tenant_type: str, value: str) -> None:
    keys.run("CREATE TYPE owner AS ENUM ('northwind')")
    keys.fill("text", CODES["text"], tenant_type, f"'{value}'")

    assert keys.source.find_boundaries(SELECTION, 300) == Boundaries(ROWS, ())
    assert keys.source.find_boundaries(ClientSelection("nobody\0", ("code",)), 300) == Boundaries(0, ())
    assert keys.source.find_boundaries(ClientSelection("nobody", ("code",)), 300) == Boundaries(0, ())


@pytest.mark.parametrize("sql", ["'{}'::name", "'{}'::public.citext::name"])
def test_no_text_finds_the_shorter_name_to_which_postgresql_would_cut_it(keys: Keys, sql: str) -> None:
    longest = 31 * "é" + "x"
    keys.view(tenant=sql.format(longest), manager_code=sql.format(longest))

    found = {
        text: keys.source.find_boundaries(ClientSelection(text, ("code",)), 5).total_rows
        for text in (longest, longest + "x", longest + "é")
    }
    assert found == {longest: 1, longest + "x": 0, longest + "é": 0}
    managed = ClientSelection(longest, ("code",), ClientFilter(manager_codes=(longest + "x",)))
    assert list(keys.source.read(managed, KeyRange())) == []


@pytest.mark.parametrize("sql", ["1.5::float8", "now()", "true", "'{}'::jsonb", "ARRAY['x']", "'x'::bytea"])
def test_a_code_that_cannot_be_paged_is_refused_before_a_client_is_read(keys: Keys, sql: str) -> None:
    keys.view(code=sql)

    for ask in (
        lambda: keys.source.find_boundaries(SELECTION, 5),
        lambda: list(keys.source.render(SELECTION, KeyRange(), RENDERER)),
        lambda: list(keys.source.sample(SELECTION, [KeyRange()], 1)),
    ):
        with pytest.raises(
            SourceMismatchError, match=r"The column code of the view clients has the type .*key.* AS code"
        ):
            ask()


def test_a_date_field_from_a_moment_is_refused_with_the_cast_to_write(keys: Keys) -> None:
    keys.view(incorporation_date="timestamptz '2026-06-01 00:00+01'")

    with pytest.raises(SourceMismatchError) as caught:
        keys.source.find_boundaries(ClientSelection("northwind", ("code", "incorporation_date")), 5)
    assert "(incorporation_date AT TIME ZONE 'Europe/London')::date AS incorporation_date" in str(caught.value)


def test_a_plan_of_another_type_of_code_is_a_mismatch(keys: Keys) -> None:
    keys.view(code="1")

    with pytest.raises(SourceMismatchError, match="got another type"):
        list(keys.source.render(SELECTION, KeyRange("a", None), RENDERER))
