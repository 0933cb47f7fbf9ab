"""`python -m exports view check` says for each column what a job would do with it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, make_url

from exports.__main__ import main
from exports.adapters.clients_sql.dialects.base import SourceDialect
from exports.adapters.clients_sql.dialects.mysql import MysqlDialect
from exports.adapters.clients_sql.source import SqlClientSource
from exports.commands.view_template import view_template
from exports.errors import SourceMismatchError
from exports.ports.clients import ClientSelection
from exports.request.fields import VIEW_COLUMNS, ClientStatus, ClientType
from exports.request.filters import ClientFilter
from exports.steps.upkeep.check_health import HealthStatus, check_health
from tests.support.fakes import a_services


def make_view(url: URL, script: str) -> str:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(script)
    engine.dispose()
    return url.render_as_string(hide_password=False)


def check(url: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    exit_code = main(["view", "check", url, "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["usable"] is (exit_code == 0)
    return exit_code, {column["name"]: column for column in answer["columns"]}


def test_a_good_view_of_postgresql_is_usable_and_its_types_are_named(
    postgres_schema: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, columns = check(make_view(postgres_schema, view_template("postgresql")), capsys)

    assert (exit_code, len(columns)) == (0, 71)
    assert columns["updated_at"]["type_name"] == "timestamp with time zone"
    assert columns["incorporation_date"]["cell"] == "YYYY-MM-DD"


def test_the_check_refuses_a_column_with_the_words_of_the_failed_job(
    postgres_schema: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    script = view_template("postgresql").replace("CAST(NULL AS text) AS email", "CAST(NULL AS bytea) AS email")
    url = make_view(postgres_schema, script)

    exit_code, columns = check(url, capsys)

    with closing(SqlClientSource(url)) as source, pytest.raises(SourceMismatchError) as failed:
        source.find_boundaries(ClientSelection("northwind", ("code", "email")), 10)
    assert exit_code == 1
    assert columns["email"]["problem"] == str(failed.value)
    assert [name for name, column in columns.items() if column["problem"]] == ["email"]


@pytest.mark.parametrize("dialect", ["mysql", "postgresql", "sqlite"])
def test_a_missing_optional_column_has_a_state_of_its_own_and_exit_code_0(
    dialect: str, request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_file = make_url(f"sqlite:///{tmp_path / 'clients.db'}")
    fixtures = {"mysql": "mariadb_database", "postgresql": "postgres_schema"}
    url = in_file if dialect == "sqlite" else request.getfixturevalue(fixtures[dialect])
    script = view_template(dialect)
    for name in ("vat_number", "email", "status", "team_code"):
        script = script.replace(f" AS {name},", f" AS other{len(name)},")

    exit_code, columns = check(make_view(url, script), capsys)

    assert exit_code == 0
    assert {name: column["absence"] for name, column in columns.items() if column["state"] == "missing"} == {
        "vat_number": "missing: empty in every file.",
        "email": "missing: empty in every file, the filter search is refused.",
        "status": "missing: empty in every file, the filter statuses is refused.",
        "team_code": "missing: the filter teamCodes is refused.",
    }
    assert {column["state"] for column in columns.values()} == {"ok", "missing"}
    assert main(["view", "check", url.render_as_string(hide_password=False)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert next(line.split()[:3] for line in lines if line.startswith("none")) == ["none", "status", "missing:"]
    assert "4 columns are missing: see the lines with none." in lines[-1]


def test_the_check_asks_whether_a_similar_name_is_the_missing_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = view_template("sqlite").replace(" AS vat_number,", " AS vat_no,")
    _, columns = check(make_view(make_url(f"sqlite:///{tmp_path / 'clients.db'}"), script), capsys)

    assert columns["vat_number"]["absence"].endswith("The view has a column vat_no: if it is the same, rename it.")


def test_a_name_in_other_letter_case_fails_the_check_and_the_export_alike(
    postgres_schema: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    url = make_view(postgres_schema, view_template("postgresql").replace(" AS email,", ' AS "Email",'))

    exit_code, columns = check(url, capsys)

    words = (
        'The clients view has a column Email, but the name must be in lower case. Write in the view: "Email" AS email.'
    )
    assert (exit_code, columns["email"]["problem"]) == (1, words)
    with closing(SqlClientSource(url)) as source:
        with pytest.raises(SourceMismatchError) as failed:
            source.find_boundaries(ClientSelection("northwind", ("code", "email")), 10)
        with pytest.raises(SourceMismatchError) as unhealthy:
            source.missing_columns(VIEW_COLUMNS)
    assert str(failed.value) == str(unhealthy.value) == words


@pytest.mark.parametrize("dialect", ["mysql", "sqlite"])
def test_the_check_fails_by_a_missing_required_column(
    dialect: str, request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_file = make_url(f"sqlite:///{tmp_path / 'clients.db'}")
    url = in_file if dialect == "sqlite" else request.getfixturevalue("mariadb_database")

    exit_code, columns = check(make_view(url, view_template(dialect).replace("AS name,", "AS title,")), capsys)

    assert exit_code == 1
    assert [name for name, column in columns.items() if column["problem"]] == ["name"]
    assert columns["name"]["state"] == "refused"


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        ("status", ClientFilter(statuses=(ClientStatus.ACTIVE,))),
        ("type", ClientFilter(types=(ClientType.TRUST,))),
        ("team_code", ClientFilter(team_codes=("T1",))),
    ],
)
def test_a_column_that_only_a_filter_refuses_fails_the_check_but_not_the_health(
    column: str, wanted: ClientFilter, postgres_schema: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (
        f"    NULL::boolean AS {column}," if line.endswith(f" AS {column},") else line
        for line in view_template("postgresql").splitlines()
    )
    url = make_view(postgres_schema, "\n".join(lines))

    exit_code, columns = check(url, capsys)

    with closing(SqlClientSource(url)) as source:
        with pytest.raises(SourceMismatchError) as failed:
            source.find_boundaries(ClientSelection("northwind", ("code", "name"), wanted), 10)
        assert source.find_boundaries(ClientSelection("northwind", ("code", "status", "type")), 10).total_rows == 1
        services = replace(a_services(), clients=source)  # type: ignore[arg-type]
        health = next(each for each in check_health(services).dependencies if each.name == "clients")
    assert exit_code == 1
    assert {name: each["problem"] for name, each in columns.items() if each["problem"]} == {column: str(failed.value)}
    assert (health.status, health.detail) == (
        HealthStatus.HEALTHY,
        f"{failed.value} Exports without these filters work.",
    )


def test_the_health_names_missing_columns_of_filters_beside_those_of_unusable_types(postgres_schema: URL) -> None:
    lacking = ("manager_code", "updated_at")
    lines = (
        "    NULL::boolean AS status," if line.endswith(" AS status,") else line
        for line in view_template("postgresql").splitlines()
    )
    url = make_view(postgres_schema, "\n".join(lines).replace("VIEW clients", "VIEW whole"))
    names = ", ".join(name for name in VIEW_COLUMNS if name not in lacking)
    make_view(postgres_schema, f"CREATE VIEW clients AS SELECT {names} FROM whole")

    with closing(SqlClientSource(url)) as source:
        services = replace(a_services(), clients=source)  # type: ignore[arg-type]
        health = next(each for each in check_health(services).dependencies if each.name == "clients")

    assert health.status == HealthStatus.HEALTHY
    assert "The column status of the view clients has the type boolean" in str(health.detail)
    assert "The clients view lacks manager_code, updated_at: files show nothing there" in str(health.detail)


def test_a_column_that_files_and_filters_refuse_is_named_once_as_the_job_names_it(
    postgres_schema: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    script = view_template("postgresql").replace("ELSE 'Inactive' END AS status", "END::bytea AS status")
    url = make_view(postgres_schema, script)

    _, columns = check(url, capsys)

    with closing(SqlClientSource(url)) as source:
        with pytest.raises(SourceMismatchError) as failed:
            source.find_boundaries(ClientSelection("northwind", ("code", "status")), 10)
        with pytest.raises(SourceMismatchError) as unhealthy:
            source.missing_columns(VIEW_COLUMNS)
    assert columns["status"]["problem"] == str(failed.value) == str(unhealthy.value)


def test_the_table_for_people_has_no_colours_outside_a_terminal(
    postgres_schema: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    url = make_view(postgres_schema, view_template("postgresql"))

    assert main(["view", "check", url]) == 0

    printed = capsys.readouterr().out
    assert "\033" not in printed
    assert printed.endswith("Only an export checks values outside the sample.\n")


def test_a_database_without_the_view_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = make_view(make_url(f"sqlite:///{tmp_path / 'clients.db'}"), "CREATE TABLE other (id integer)")

    assert main(["view", "check", url]) == 1

    assert "no view clients" in capsys.readouterr().err


def test_the_check_says_where_a_database_names_no_types(
    mariadb_database: URL, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MysqlDialect, "describe", SourceDialect.describe)
    url = make_view(mariadb_database, view_template("mysql"))

    assert main(["view", "check", url]) == 0

    assert "names no types" in capsys.readouterr().out


def test_a_fault_of_the_connection_names_host_and_port_and_not_the_password(
    postgres_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    url = make_url(postgres_url).set(password="wrong-secret", database="absent").render_as_string(hide_password=False)

    assert main(["view", "check", url]) == 1
    assert main(["view", "check", url, "--json"]) == 1

    printed = capsys.readouterr()
    (reason,) = json.loads(printed.out)["reasons"]
    assert reason == printed.err.strip()
    assert "the user name or the password in the URL is wrong" in reason
    assert f"host 127.0.0.1, port {make_url(url).port}" in reason
    assert "wrong-secret" not in printed.out + printed.err


def test_a_sqlite_file_that_lets_readers_and_writers_wait_is_noted_with_the_cure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "clients.db"
    columns = ", ".join(f"'x' AS {name}" for name in VIEW_COLUMNS)

    def notes_after(statement: str) -> str:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(statement)
        main(["view", "check", f"sqlite:///{path}", "--json"])
        return " ".join(json.loads(capsys.readouterr().out)["notes"])

    assert "PRAGMA journal_mode=WAL" in notes_after(f"CREATE VIEW clients AS SELECT {columns}")
    assert "PRAGMA" not in notes_after("PRAGMA journal_mode=WAL")
