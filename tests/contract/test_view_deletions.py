"""`python -m exports view check` says what exports with `since` would do with the view of deleted clients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, make_url

from exports.__main__ import main
from exports.commands.view_template import view_template

DIALECTS = ("mysql", "postgresql", "sqlite")
NUMBERS = {"mysql": "CAST(7 AS signed)", "postgresql": "7", "sqlite": "7"}
BYTES = {"mysql": "CAST('x' AS binary)", "postgresql": "CAST('x' AS bytea)", "sqlite": "x'00'"}
"""Dialect → an expression of the type."""


@pytest.fixture(params=DIALECTS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """A database with the view of the template, which has one client: C0001 of northwind."""
    fixtures = {"mysql": "mariadb_database", "postgresql": "postgres_schema"}
    in_file = make_url(f"sqlite:///{tmp_path / 'clients.db'}")
    url: URL = in_file if request.param == "sqlite" else request.getfixturevalue(fixtures[request.param])
    run(url, view_template(request.param))
    return url


def run(url: URL, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def create_deletions(url: URL, tenant: str = "tenant", code: str = "code", deleted_at: str = "updated_at") -> None:
    """Create an empty table with columns of the types of these expressions."""
    columns = f"{tenant} AS tenant, {code} AS code, {deleted_at} AS deleted_at"
    run(url, f"CREATE TABLE gone AS SELECT {columns} FROM clients WHERE 1 = 0")


def check(url: URL, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any]]:
    address = url.render_as_string(hide_password=False)
    exit_code = main(["view", "check", address, "--json", "--deletions", "gone", *more])
    return exit_code, json.loads(capsys.readouterr().out)


def refused(url: URL, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the answer of a check that fails."""
    exit_code, answer = check(url, capsys)
    assert exit_code == 1
    return answer


def problems(answer: dict[str, Any]) -> dict[str, str]:
    return {column["name"]: column["problem"] for column in answer["deletions"] if column["problem"]}


def test_a_good_view_of_deleted_clients_is_usable_and_searched(
    database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    create_deletions(database)
    run(database, "INSERT INTO gone VALUES ('northwind', 'C0001', NULL), ('northwind', 'C2', NULL), ('x', 'C3', NULL)")
    exit_code, answer = check(database, capsys)
    assert (exit_code, problems(answer), answer["deletedClients"]) == (0, {}, 1)
    assert [column["name"] for column in answer["deletions"]] == ["tenant", "code", "deleted_at"]
    assert check(database, capsys, "--tenant", "x")[1]["deletedClients"] == 1


def test_a_view_of_deleted_clients_without_rows_of_the_tenant_is_noted(
    database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    create_deletions(database)
    exit_code, answer = check(database, capsys)
    assert (exit_code, answer["deletedClients"]) == (0, 0)
    assert "The view gone has no deleted clients of northwind." in answer["notes"]


def test_a_missing_view_or_column_of_deleted_clients_fails_the_check(
    database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    assert any("view gone of deleted clients" in reason for reason in refused(database, capsys)["reasons"])
    run(database, "CREATE TABLE gone (tenant varchar(9), removed_at varchar(9))")
    assert any("lacks code, deleted_at" in reason for reason in refused(database, capsys)["reasons"])


def test_keys_of_other_types_than_those_of_the_clients_fail_the_check(
    database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    dialect = database.get_backend_name()
    create_deletions(database, code=NUMBERS[dialect], tenant=BYTES[dialect])
    if dialect == "sqlite":  # where each value has a type of its own
        run(database, "DROP TABLE gone", "CREATE TABLE gone AS SELECT x'00' AS tenant, 1.5 AS code, NULL AS deleted_at")
    assert set(problems(refused(database, capsys))) == {"tenant", "code"}


def test_a_moment_of_deletion_that_cannot_be_compared_fails_the_check(
    database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    dialect = database.get_backend_name()
    create_deletions(database, deleted_at="updated_at" if dialect == "sqlite" else NUMBERS[dialect])
    run(database, f"INSERT INTO gone VALUES ('northwind', 'C2', {repr('yesterday') if dialect == 'sqlite' else 1})")
    assert any("gone" in reason for reason in refused(database, capsys)["reasons"])


def test_a_code_that_is_null_fails_the_check(database: URL, capsys: pytest.CaptureFixture[str]) -> None:
    create_deletions(database, code="nullif(code, '')")
    run(database, "INSERT INTO gone VALUES ('northwind', NULL, NULL)")
    assert any("has no code" in reason for reason in refused(database, capsys)["reasons"])


def test_collations_of_keys_that_differ_fail_the_check(
    mariadb_database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    run(mariadb_database, view_template("mysql"))
    create_deletions(mariadb_database, code="code COLLATE utf8mb4_swedish_ci")
    assert "has the collation utf8mb4_swedish_ci" in problems(refused(mariadb_database, capsys))["code"]


def test_the_setting_names_the_view_to_check(
    database: URL, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    create_deletions(database)
    address = database.render_as_string(hide_password=False)
    assert main(["view", "check", address, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["deletions"] is None
    monkeypatch.setenv("EXPORT_DELETIONS_VIEW", "gone")
    assert main(["view", "check", address]) == 0
    assert "deletions  deleted_at" in capsys.readouterr().out
    assert main(["view", "check", address, "--deletions", "no name"]) != 0
