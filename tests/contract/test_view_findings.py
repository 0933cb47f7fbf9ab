"""`python -m exports view check` looks at index, functions, tenants, speed and codes, within seconds."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine, make_url

from exports.__main__ import main
from exports.adapters.clients_sql.inspection.findings import Sample
from exports.adapters.clients_sql.view_report import report_on_view
from exports.commands.command_line import wants_colours
from exports.commands.view_table import report_lines
from exports.request.fields import VIEW_COLUMNS
from tests.contract.client_stores import empty_database

DATABASES = ("postgresql", "mariadb", "sqlite")
MANY = 1_500
VIEW = "CREATE VIEW clients AS SELECT * FROM records"
VALUES_OF_SOME = (
    "UPDATE records SET status = 'active' WHERE code = 'C000007'",
    "UPDATE records SET type = 'Shop' WHERE code = 'C000008'",
)


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """An empty schema, database or file."""
    if request.param == "sqlite":
        return make_url(f"sqlite:///{tmp_path / 'clients.db'}")
    url: URL = request.getfixturevalue("postgres_schema" if request.param == "postgresql" else "mariadb_database")
    return url


def run(url: URL, *statements: str) -> str:
    """Run statements, and return the URL as text."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
    return url.render_as_string(hide_password=False)


def make_records(url: URL, clients: Sequence[tuple[str | None, str | None]], *statements: str) -> str:
    """Make a table of clients without an index, run more statements, and return the URL as text."""
    types = {"updated_at": "timestamp NULL", "tenant": "varchar(40)", "code": "varchar(40)"}
    columns = (f"{name} {types.get(name, 'varchar(10)')}" for name in VIEW_COLUMNS)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE records ({', '.join(columns)})")
        values = "(?, ?)" if url.get_backend_name() == "sqlite" else "(%s, %s)"
        connection.exec_driver_sql(f"INSERT INTO records (tenant, code) VALUES {values}", list(clients))
    engine.dispose()
    return run(url, *statements)


def many_clients(tenant: str = "northwind") -> list[tuple[str | None, str | None]]:
    return [(tenant, f"C{number:06}") for number in range(MANY)]


def check(url: str, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = main(["view", "check", url, "--json", *options])
    return code, json.loads(capsys.readouterr().out)


# --- the index


def test_the_index_that_the_check_asks_for_is_the_one_that_pages_then_use(
    database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    url = make_records(database, many_clients(), VIEW)

    code, before = check(url, capsys)
    assert (code, before["key"]["is_indexed"]) == (0, False)
    assert before["key"]["change"].startswith("CREATE UNIQUE INDEX")
    run(database, before["key"]["change"].rstrip(";"))
    after = check(url, capsys)[1]["key"]
    assert after["is_indexed"]
    assert after["index"]
    assert after["plan"] == "reads each page from the index"


def test_an_index_counts_although_a_small_table_is_not_read_by_it(
    database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    index = "CREATE UNIQUE INDEX by_code ON records (tenant, code)"
    url = make_records(database, [("northwind", "C1"), ("northwind", "C2")], index, VIEW)
    assert check(url, capsys)[1]["key"]["is_indexed"]


def test_an_index_cannot_serve_a_code_that_is_an_expression(database: URL, capsys: pytest.CaptureFixture[str]) -> None:
    columns = ", ".join("upper(code) AS code" if name == "code" else name for name in VIEW_COLUMNS)
    index = "CREATE UNIQUE INDEX by_code ON records (tenant, code)"
    url = make_records(database, many_clients(), index, f"CREATE VIEW clients AS SELECT {columns} FROM records")
    assert not check(url, capsys)[1]["key"]["is_indexed"]


# --- functions that change from call to call


def view_with(expression: str, table: str = "records", name: str = "clients") -> str:
    columns = ", ".join(f"{expression} AS email" if column == "email" else column for column in VIEW_COLUMNS)
    return f"CREATE VIEW {name} AS SELECT {columns} FROM {table}"


PARTITIONED = (
    "ALTER TABLE records RENAME TO old_records",
    "CREATE TABLE records (LIKE old_records) PARTITION BY LIST (name)",
    "CREATE TABLE unnamed PARTITION OF records FOR VALUES IN (NULL)",
    "CREATE TABLE named PARTITION OF records DEFAULT",
    "INSERT INTO records SELECT * FROM old_records",
)


def test_an_index_on_a_virtual_table_is_never_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = run(
        make_url(f"sqlite:///{tmp_path / 'clients.db'}"),
        "CREATE VIRTUAL TABLE records USING fts5(tenant, code, name)",
        "INSERT INTO records VALUES ('northwind', 'C1', 'a')",
        VIEW,
    )

    assert "CREATE" not in check(url, capsys)[1]["key"]["change"]


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


UNION = "CREATE VIEW clients AS SELECT * FROM records UNION ALL SELECT * FROM others"
PARTS = "Give each of the tables that the view puts together an index on the columns behind (tenant, code)."
LIMITED = "has an index on (tenant, code), but the view keeps a page from using it"


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


# --- row-level security


@pytest.mark.parametrize(
    ("view", "policies", "warned"),
    [
        ("CREATE VIEW clients AS SELECT * FROM records", "ENABLE", False),
        ("CREATE VIEW clients WITH (security_invoker = true) AS SELECT * FROM records", "ENABLE", True),
        ("CREATE VIEW clients WITH (security_invoker = true) AS SELECT * FROM records", "DISABLE", False),
        ("CREATE VIEW clients WITH (security_invoker = on) AS SELECT * FROM records", "ENABLE", True),
        ("CREATE VIEW clients WITH (security_invoker = 1) AS SELECT * FROM records", "ENABLE", True),
        ("CREATE VIEW clients WITH (security_invoker = off) AS SELECT * FROM records", "ENABLE", False),
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


def test_functions_that_mariadb_calls_not_deterministic_are_found(
    mariadb_database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    make = "CREATE FUNCTION {} (x varchar(40)) RETURNS varchar(40) {} RETURN x"
    url = make_records(
        mariadb_database,
        [("northwind", "C1")],
        "SET GLOBAL log_bin_trust_function_creators = 1",
        make.format("forgotten", "NOT DETERMINISTIC NO SQL"),
        make.format("declared", "DETERMINISTIC"),
        view_with("rand()", name="inner_view"),
        view_with("concat(forgotten(declared(email)), 'uuid() in text')", "inner_view"),
    )

    found = check(url, capsys)[1]["functions"]

    names = {(each["name"], each["kind"], each["view"]) for each in found}
    kind = "NOT DETERMINISTIC"
    assert names == {("forgotten", kind, "clients"), ("rand", kind, "inner_view")}


def test_functions_and_views_of_mariadb_with_blanks_in_their_names_are_found(
    mariadb_database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    url = make_records(
        mariadb_database,
        [("northwind", "C1")],
        "SET GLOBAL log_bin_trust_function_creators = 1",
        "CREATE FUNCTION `my func` (x varchar(40)) RETURNS varchar(40) NOT DETERMINISTIC NO SQL RETURN x",
        view_with("rand()", name="`my view`"),
        view_with("`my func`(concat(email, 'it''s (`'))", "`my view`"),
    )

    found = check(url, capsys)[1]["functions"]

    assert {(each["name"], each["view"]) for each in found} == {("my func", "clients"), ("rand", "my view")}


@pytest.fixture
def other_database(mariadb_url: str, mariadb_engine: Engine) -> Iterator[URL]:
    """A second database on the MariaDB server."""
    with empty_database(mariadb_url, mariadb_engine) as database:
        yield database


def test_functions_in_other_databases_of_mariadb_are_found_too(
    mariadb_database: URL, other_database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    other, here = other_database.database, mariadb_database.database
    make_records(mariadb_database, [("northwind", "C1")])
    run(
        other_database,
        "SET GLOBAL log_bin_trust_function_creators = 1",
        "CREATE FUNCTION forgotten(x varchar(40)) RETURNS varchar(40) NOT DETERMINISTIC NO SQL RETURN x",
        view_with("rand()", f"{here}.records", "inner_view"),
    )
    url = run(mariadb_database, view_with(f"{other}.forgotten(email)", f"{other}.inner_view"))

    found = check(url, capsys)[1]["functions"]

    assert {(each["name"], each["view"]) for each in found} == {("forgotten", "clients"), ("rand", "inner_view")}


@pytest.mark.parametrize("alias", ["", "AS those"])
def test_an_index_on_a_table_in_another_database_of_mariadb_is_named_with_it(
    mariadb_database: URL, other_database: URL, capsys: pytest.CaptureFixture[str], alias: str
) -> None:
    make_records(other_database, many_clients())
    url = run(mariadb_database, f"CREATE VIEW clients AS SELECT * FROM {other_database.database}.records {alias}")

    run(mariadb_database, check(url, capsys)[1]["key"]["change"])

    assert check(url, capsys)[1]["key"]["is_indexed"]


def test_an_index_on_a_view_is_never_asked_for(mariadb_database: URL, capsys: pytest.CaptureFixture[str]) -> None:
    url = make_records(
        mariadb_database,
        many_clients(),
        "CREATE VIEW inner_view AS SELECT * FROM records",
        "CREATE VIEW clients AS SELECT * FROM inner_view",
    )

    assert check(url, capsys)[1]["key"]["change"] == "Give the table columns behind (tenant, code) a unique index."


def test_random_in_a_nested_view_of_sqlite_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = make_records(
        make_url(f"sqlite:///{tmp_path / 'clients.db'}"),
        [("northwind", "C1")],
        view_with("random()", name="inner_view"),
        view_with("email || ' changes()' || date('now')", "inner_view"),
    )
    found = check(url, capsys)[1]["functions"]
    assert [(each["name"], each["view"]) for each in found] == [("random", "inner_view")]


# --- tenants, speed and codes


def test_the_first_tenants_are_listed_and_a_sample_gives_the_speed(
    database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    others: list[tuple[str | None, str | None]] = [(f"other{number:02}", "C1") for number in range(12)]
    url = make_records(database, [*many_clients("alpha"), *others], VIEW)

    answer = check(url, capsys)[1]

    tenants = answer["tenants"]
    assert tenants["names"][:2] == ["alpha", "other00"]
    assert (len(tenants["names"]), tenants["is_complete"], tenants["clients"]) == (10, False, None)
    assert (answer["sample"]["tenant"], answer["sample"]["clients"]) == ("alpha", MANY)
    assert answer["sample"]["clients_per_second"] > 0


def test_with_a_tenant_only_its_clients_are_looked_at_and_counted(
    database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    url = make_records(database, [*many_clients("alpha"), ("beta", "C1"), ("beta", "C2")], VIEW)
    beta = check(url, capsys, "--tenant", "beta")[1]
    assert (beta["tenants"]["names"], beta["tenants"]["clients"], beta["sample"]["clients"]) == (["beta"], 2, 2)
    nobody = check(url, capsys, "--tenant", "nobody")[1]
    assert nobody["tenants"]["clients"] == 0
    assert "nobody has no clients" in " ".join(nobody["notes"])


@pytest.mark.parametrize("code", ["C000001", None])
def test_codes_that_repeat_or_are_null_are_reasons_why_an_export_fails(
    database: URL, code: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    url = make_records(database, [*many_clients(), ("northwind", code)], VIEW)

    exit_code, answer = check(url, capsys)

    assert (exit_code, answer["usable"]) == (1, False)
    expected = "has no code" if code is None else "It is C000001 of northwind."
    assert expected in " ".join(answer["reasons"])


def test_a_status_or_type_that_the_filters_do_not_know_is_noted(
    database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    updates = ["UPDATE records SET status = 'Active', type = 'Trust'", *VALUES_OF_SOME]
    url = make_records(database, many_clients(), *updates, VIEW)

    exit_code, answer = check(url, capsys)

    assert (exit_code, answer["usable"]) == (0, True)
    status, kind = sorted(note for note in answer["notes"] if "is none of" in note)
    assert "status of some clients of northwind is “active”, which is none of Active, Inactive, Prospect" in status
    assert "type of some clients of northwind is “Shop”, which is none of PrivateLimitedCompany" in kind
    assert "Trust” " not in kind


def test_known_values_of_status_and_type_need_no_note(database: URL, capsys: pytest.CaptureFixture[str]) -> None:
    url = make_records(database, many_clients(), "UPDATE records SET status = 'Prospect', type = NULL", VIEW)
    assert not [note for note in check(url, capsys)[1]["notes"] if "is none of" in note]


def test_a_value_that_cannot_be_written_is_found_in_the_sample(
    database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    update = "UPDATE records SET vat_registered = 'perhaps' WHERE code = 'C000007'"
    url = make_records(database, many_clients(), update, VIEW)

    exit_code, answer = check(url, capsys)

    assert exit_code == 1
    (reason,) = answer["reasons"]
    assert "C000007" in reason
    assert "vat_registered" in reason or "VatRegistered" in reason


@pytest.mark.usefixtures("unhurried_view_check")
def test_every_column_that_fails_in_the_sample_says_fail_on_its_own_line(
    database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {"vat_registered": "perhaps", "incorporation_date": "soon", "contact_date_of_birth": "2026-02-31"}
    updates = (f"UPDATE records SET {name} = '{value}' WHERE code = 'C000007'" for name, value in bad.items())
    url = make_records(database, many_clients(), *updates, VIEW)

    exit_code, answer = check(url, capsys)
    assert main(["view", "check", url]) == 1
    lines = capsys.readouterr().out.splitlines()

    refused = {column["name"]: column for column in answer["columns"] if column["state"] == "refused"}
    assert exit_code == 1
    assert refused.keys() == bad.keys()
    assert all(name in column["problem"] and "C000007" in column["problem"] for name, column in refused.items())
    assert all(column["cell"] == "" for column in refused.values())
    assert sorted(answer["reasons"]) == sorted(column["problem"] for column in refused.values())
    assert sorted(line.split()[1] for line in lines if line.startswith("FAIL")) == sorted(bad)
    assert answer["sample"]["clients"] == MANY
    assert lines[-1] == "An export would fail, for 3 reasons: see the lines with FAIL."


@pytest.mark.usefixtures("unhurried_view_check")
def test_a_value_that_no_filter_can_compare_says_fail_on_the_line_of_its_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    last = f"C{MANY - 1:06}"
    update = f"UPDATE records SET updated_at = 'yesterday' WHERE code = '{last}'"
    url = make_records(make_url(f"sqlite:///{tmp_path / 'clients.db'}"), many_clients(), update, VIEW)

    exit_code, answer = check(url, capsys)

    (refused,) = (column for column in answer["columns"] if column["state"] == "refused")
    assert (exit_code, refused["name"]) == (1, "updated_at")
    assert last in refused["problem"]


def test_a_view_without_clients_is_usable(database: URL, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = check(make_records(database, [("x", "y")], "DELETE FROM records", VIEW), capsys)
    notes = [note for note in answer["notes"] if "write-ahead" not in note]
    assert (code, answer["tenants"]["names"], notes) == (0, [], [])


# --- time


SLOW = {
    "postgresql": "pg_sleep(60)",
    "mysql": "(SELECT sleep(60)) AS slow",
    "sqlite": "(WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n WHERE x < 0) AS slow",
}


def test_the_check_of_a_view_that_never_answers_ends_within_seconds(
    database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = SLOW[database.get_backend_name()]
    url = make_records(database, [("northwind", "C1")], f"CREATE VIEW clients AS SELECT records.* FROM records, {slow}")
    started = time.monotonic()

    answer = check(url, capsys, "--tenant", "northwind")[1]

    assert time.monotonic() - started < 20
    said = " ".join([*answer["reasons"], *answer["notes"]])
    assert "Not found out within the time limit" in said or "is busy: a lock, a limit or a time-out" in said


# --- for people


def test_the_table_names_what_was_found_and_ends_with_the_verdict(
    database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    url = make_records(database, many_clients(), VIEW)
    assert main(["view", "check", url, "--tenant", "northwind"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if line.startswith("ok    ")]) >= len(VIEW_COLUMNS)
    assert any("No index serves (tenant, code)" in line and "CREATE UNIQUE INDEX" in line for line in lines)
    assert any(line.endswith(f"northwind: {MANY:,} clients") for line in lines)
    assert any(f"the first {MANY:,} of northwind took" in line for line in lines)
    assert lines[-1].startswith("Found nothing that would make an export fail.")


@pytest.mark.parametrize(
    ("sample", "speed"),
    [
        (Sample("x", 3, 0.0), "too few clients to tell (the first 3 of x took 0.00 s)"),
        (Sample("x", 10_000, 0.4), "25,000 clients a second in one page (the first 10,000 of x took 0.40 s)"),
    ],
    ids=["three clients", "ten thousand"],
)
def test_a_speed_is_told_only_if_it_was_measured_for_long_enough(tmp_path: Path, sample: Sample, speed: str) -> None:
    report = report_on_view(make_records(make_url(f"sqlite:///{tmp_path / 'clients.db'}"), [("x", "C1")], VIEW))
    told = report._replace(findings=replace(report.findings, sample=sample))
    (line,) = (line for line in report_lines(told, colours=False) if "speed" in line)
    assert line.endswith(speed)


def test_colours_are_for_terminals_without_no_color(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    leader, follower = os.openpty()
    with os.fdopen(follower, "w") as terminal, (tmp_path / "file").open("w") as file:
        assert (wants_colours(terminal), wants_colours(file)) == (True, False)
        monkeypatch.setenv("NO_COLOR", "1")
        assert not wants_colours(terminal)
    os.close(leader)
    report = report_on_view(make_records(make_url(f"sqlite:///{tmp_path / 'clients.db'}"), [("x", "C1")], VIEW))
    plain, coloured = (list(report_lines(report, colours=colours)) for colours in (False, True))
    assert "\033" not in "".join(plain)
    assert "\033[32mok  \033[0m" in coloured[0]
