"""`python -m exports view check` looks at index, functions, tenants, speed and codes, within seconds."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from exports.__main__ import main
from exports.adapters.clients_sql.inspection.findings import Sample
from exports.adapters.clients_sql.view_report import report_on_view
from exports.commands.command_line import wants_colours
from exports.commands.view_table import report_lines
from exports.request.fields import VIEW_COLUMNS
from tests.contract.view_checks import MANY, VIEW, check, make_records, many_clients, run

DATABASES = ("postgresql", "mariadb", "sqlite")
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
