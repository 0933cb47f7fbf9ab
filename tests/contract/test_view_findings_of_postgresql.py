"""What `python -m exports view check` finds in views of PostgreSQL alone."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

import pytest
from sqlalchemy import URL

from tests.contract.view_checks import VIEW, check, make_records, many_clients, run, view_with

PARTITIONED = (
    "ALTER TABLE records RENAME TO old_records",
    "CREATE TABLE records (LIKE old_records) PARTITION BY LIST (name)",
    "CREATE TABLE unnamed PARTITION OF records FOR VALUES IN (NULL)",
    "CREATE TABLE named PARTITION OF records DEFAULT",
    "INSERT INTO records SELECT * FROM old_records",
)
UNION = "CREATE VIEW clients AS SELECT * FROM records UNION ALL SELECT * FROM others"
PARTS = "Give each of the tables that the view puts together an index on the columns behind (tenant, code)."
LIMITED = "has an index on (tenant, code), but the view keeps a page from using it"


def test_what_no_time_limit_stopped_is_noted_with_its_reason(
    postgres_schema: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    unreached = "BEGIN RAISE EXCEPTION 'no server' USING ERRCODE = '08001'; END"
    url = make_records(
        postgres_schema,
        [("northwind", "C1")],
        f"CREATE FUNCTION remote() RETURNS text STABLE LANGUAGE plpgsql AS $$ {unreached} $$",
        view_with("remote()"),
    )

    notes = check(url, capsys, "--tenant", "northwind")[1]["notes"]

    assert not any("within the time limit" in note for note in notes)
    assert any("could not read from another server that the view clients needs" in note for note in notes)


def test_the_index_of_a_partitioned_table_is_asked_for_and_then_used(
    postgres_schema: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    url = make_records(postgres_schema, many_clients(), *PARTITIONED, VIEW, "ANALYZE records")

    before = check(url, capsys)[1]["key"]
    assert (before["is_indexed"], before["change"]) == (False, "CREATE INDEX ON records (tenant, code);")
    run(postgres_schema, before["change"])

    assert check(url, capsys)[1]["key"]["is_indexed"]


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (("CREATE TABLE others AS SELECT * FROM records LIMIT 0", UNION), PARTS),
        (("CREATE UNIQUE INDEX ON records (tenant, code)", f"{VIEW} ORDER BY name LIMIT 900"), LIMITED),
        (("CREATE UNIQUE INDEX ON records (tenant, code)", VIEW.replace("*", "DISTINCT *")), LIMITED),
    ],
)
def test_a_view_of_postgresql_that_no_one_index_can_serve_gets_other_advice(
    postgres_schema: URL, capsys: pytest.CaptureFixture[str], statements: Sequence[str], words: str
) -> None:
    url = make_records(postgres_schema, many_clients(), *statements)

    assert words in check(url, capsys)[1]["key"]["change"]


def test_volatile_functions_of_postgresql_are_found_also_in_nested_views(
    postgres_schema: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    make = "CREATE FUNCTION {} (x text) RETURNS text LANGUAGE sql {} AS 'SELECT x'"
    url = make_records(
        postgres_schema,
        [("northwind", "C1")],
        make.format("forgotten", ""),
        make.format("declared", "STABLE"),
        make.format("behind_operator", "VOLATILE"),
        "CREATE OPERATOR !! (FUNCTION = behind_operator, RIGHTARG = text)",
        view_with("random()::text", name="inner_view"),
        view_with("forgotten(declared(!! email)) || now()::text", "inner_view"),
    )

    code, answer = check(url, capsys)

    found = {(each["name"], each["kind"], each["view"]) for each in answer["functions"]}
    assert found == {
        ("forgotten(text)", "VOLATILE", "clients"),
        ("behind_operator(text)", "VOLATILE", "clients"),
        ("random()", "VOLATILE", "inner_view"),
    }
    assert code == 0


def test_a_sample_of_a_table_of_postgresql_is_found_as_volatile(
    postgres_schema: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    view = "CREATE VIEW clients AS SELECT * FROM records TABLESAMPLE BERNOULLI (50)"
    url = make_records(postgres_schema, many_clients(), view)

    found = check(url, capsys)[1]["functions"]

    assert found == [{"name": "bernoulli(internal)", "kind": "VOLATILE", "view": "clients"}]


CALLED = "CREATE FUNCTION found() RETURNS SETOF records STABLE {}"
CALLING = "CREATE VIEW clients AS SELECT * FROM found()"


@pytest.mark.parametrize(
    ("view", "policies", "warned"),
    [
        ("CREATE VIEW clients AS SELECT * FROM records", "ENABLE", False),
        ("CREATE VIEW clients WITH (security_invoker = true) AS SELECT * FROM records", "ENABLE", True),
        ("CREATE VIEW clients WITH (security_invoker = true) AS SELECT * FROM records", "DISABLE", False),
        ("CREATE VIEW clients WITH (security_invoker = on) AS SELECT * FROM records", "ENABLE", True),
        ("CREATE VIEW clients WITH (security_invoker = 1) AS SELECT * FROM records", "ENABLE", True),
        ("CREATE VIEW clients WITH (security_invoker = off) AS SELECT * FROM records", "ENABLE", False),
        (CALLED.format("LANGUAGE sql AS 'SELECT * FROM Records'"), "ENABLE", True),
        (CALLED.format("LANGUAGE sql BEGIN ATOMIC SELECT * FROM records; END"), "ENABLE", True),
        (CALLED.format("LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT * FROM records; END'"), "ENABLE", True),
        (CALLED.format("LANGUAGE sql AS 'SELECT * FROM records'"), "DISABLE", False),
        (CALLED.format("SECURITY DEFINER LANGUAGE sql AS 'SELECT * FROM records'"), "ENABLE", False),
    ],
)
def test_tables_whose_policies_may_hide_clients_are_named(
    postgres_schema: URL, capsys: pytest.CaptureFixture[str], view: str, policies: str, warned: bool
) -> None:
    reader = f"reader_{secrets.token_hex(4)}"
    (schema,) = re.findall("search_path=(.+)", str(postgres_schema.query["options"]))
    make_records(
        postgres_schema,
        [("northwind", "C1"), ("northwind", "C2")],
        view,
        *([CALLING] if "FUNCTION" in view else []),
        f"ALTER TABLE records {policies} ROW LEVEL SECURITY",
        "CREATE POLICY first_only ON records USING (code = 'C1')",
        f"CREATE ROLE {reader} LOGIN PASSWORD 'secret'",
        f"GRANT USAGE ON SCHEMA {schema} TO {reader}",
        f"GRANT SELECT ON records, clients TO {reader}",
    )
    url = postgres_schema.set(username=reader, password="secret").render_as_string(hide_password=False)
    try:
        code, answer = check(url, capsys)
    finally:
        run(postgres_schema, f"DROP OWNED BY {reader}", f"DROP ROLE {reader}")

    notes = [note for note in answer["notes"] if "Row-level security of records applies" in note]
    assert (code, len(notes)) == (0, int(warned))
    assert answer["sample"]["clients"] == (1 if warned else 2)
