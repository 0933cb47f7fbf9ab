"""Through the whole service, on every kind of database: keys, filters, cells, refusals, and sources that change."""

from __future__ import annotations

import csv
import io
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.sources.kept import (
    CELLS,
    CLIENTS,
    FOREIGN,
    FORMULAS,
    FOUND,
    GUARDED,
    HEADERS,
    KEYS,
    NUL,
    REFUSED_TYPES,
    REFUSED_VALUES,
    STATUS,
    UUID,
    Kept,
)
from tests.sources.service import Service, columns
from tests.support.libreoffice import Language, formulas, open_csv
from tests.support.system import NORTHWIND, download

MANY = 3_000


def _codes(data: bytes) -> list[str]:
    return [row[0] for row in csv.reader(io.StringIO(data.decode(), newline=""))][1:]


def _require_found(service: Service, wanted: dict[str, Any], codes: list[str]) -> None:
    body = columns("Code") | {"filter": wanted}
    assert (wanted, _codes(service.file(body))) == (wanted, codes)
    estimate = service.estimate(body)
    assert (wanted, estimate.status, estimate.json["rows"]) == (wanted, 200, len(codes))


@pytest.mark.parametrize(
    ("service", "declared"),
    [
        pytest.param(dialect, declared, marks=pytest.mark.thorough if number > 1 else ())
        for dialect, types in KEYS.items()
        for number, declared in enumerate(types)
    ],
    indirect=["service"],
)
def test_codes_of_every_type_are_exported_once_over_many_pages(service: Service, tmp_path: Path, declared: str) -> None:
    if declared == "citext":
        service.run("CREATE EXTENSION IF NOT EXISTS citext")
    service.keep_many(f"code {declared} PRIMARY KEY, name varchar(30)", KEYS[service.dialect][declared], CLIENTS)
    service.view(name="name")

    job = service.job(columns("Code", "Name"))

    assert (job["status"], job["totalItems"], job["processedItems"]) == ("Completed", CLIENTS, CLIENTS)
    assert len(set(_codes(download(job)))) == len(_codes(download(job))) == CLIENTS
    manifest = service.manifest(job)
    assert (manifest["keyOrder"], manifest["rows"]) == ("RankedBySource", CLIENTS)
    assert service.verify(job, tmp_path) == 0
    assert len(manifest["pages"]) > 1
    assert service.estimate(columns("Code")).json["rows"] == CLIENTS


def test_filters_find_clients_by_columns_of_every_type(service: Service) -> None:
    if service.dialect == "postgresql":
        service.run("DROP VIEW IF EXISTS clients", "DROP TABLE IF EXISTS kept", "DROP TYPE IF EXISTS st")
        service.run("CREATE TYPE st AS ENUM ('Active', 'Inactive', 'Prospect', 'LostProspect')")
    uuid = "text" if service.dialect == "sqlite" else "uuid"
    service.keep(
        f"code varchar(20) PRIMARY KEY, st {STATUS[service.dialect]}, mgr int, team {uuid}, cn bigint",
        f"'A1', 'Active', 1, '{UUID}', 123",
        "'A2', 'Inactive', 2, NULL, 999",
    )
    searched = dict.fromkeys(("email", "internal_reference", "trading_as", "contact_name"), "code")
    service.view(status="st", manager_code="mgr", team_code="team", company_number="cn", **searched)

    for wanted, codes in FOUND:
        _require_found(service, wanted, codes)


def test_filter_text_that_the_database_cannot_hold_finds_nobody(service: Service) -> None:
    latin1 = " CHARACTER SET latin1" if service.dialect == "mysql" else ""
    service.keep(f"code varchar(20){latin1}, t varchar(20){latin1}", "'A1', 'T1'", "'A2', 'Café'")
    searched = ("email", "internal_reference", "trading_as", "contact_name", "company_number", "service_codes")
    service.view(manager_code="t", team_code="t", **dict.fromkeys(searched, "t"))

    for wanted, codes in FOREIGN:
        _require_found(service, wanted, codes)
    assert _codes(service.file(columns("TradingAs"))) == ["T1", "Café"]


def _keep(service: Service, kept: Kept) -> None:
    """Keep a client C0, C1, … for each value, or clients with the values as their codes."""
    if kept.column == "code":
        service.keep(f"code {kept.declared}", *kept.values)
        service.view()
        return
    rows = (f"'C{place}', {value}" for place, value in enumerate(kept.values))
    service.keep(f"code varchar(9) PRIMARY KEY, value {kept.declared}", *rows)
    service.view(**{kept.column: "value"})


def test_values_of_other_types_stand_in_cells_as_documented(service: Service) -> None:
    for kept in CELLS[service.dialect]:
        _keep(service, kept)
        cells = "".join(f"C{place},{cell}\r\n" for place, cell in enumerate(kept.expected))
        assert service.file(columns("Code", kept.field)).decode() == f"Code,{kept.field}\r\n{cells}"


def test_job_estimate_and_health_refuse_a_type_in_the_same_words(service: Service) -> None:
    for kept in REFUSED_TYPES[service.dialect]:
        _keep(service, kept)
        answers = service.refusal(columns("Code", kept.field))
        message = answers.failure["message"]
        assert (answers.failure["code"], answers.failure["retryable"]) == ("source-mismatch", False)
        assert [word for word in (kept.column, *kept.expected) if word not in message] == []
        assert answers.problem["detail"] == message
        assert (answers.health["status"], answers.health["detail"]) == ("Unhealthy", message)


def test_job_and_estimate_name_the_column_and_the_client_of_a_bad_value(service: Service) -> None:
    for kept in REFUSED_VALUES[service.dialect]:
        _keep(service, kept)
        answers = service.refusal(columns("Code", kept.field))
        message = answers.failure["message"]
        assert (answers.failure["code"], answers.failure["retryable"]) == ("source-mismatch", False)
        assert [word for word in (kept.column, "code C1", *kept.expected) if word not in message] == []
        assert answers.problem["detail"] in message


def test_the_guard_looks_behind_separators_line_breaks_and_nul_in_every_preset(service: Service) -> None:
    rows = [f"'c{place}', '{text}'" for place, text in enumerate(FORMULAS)]
    if nul := NUL.get(service.dialect):
        rows += [f"'c4', {nul.format('=1+1')}", f"'c5', {nul.format('0123')}"]
    service.keep("code varchar(9) PRIMARY KEY, name varchar(60)", *rows)
    service.view(name="name")

    for preset, guarded in GUARDED.items():
        separator = {"tsv": b"\t", "excelEu": b";"}.get(preset, b",")
        constant = b'"=""0123"""' if "excel" in preset else b"0123"
        behind_nul = b"c4" + separator + b"'=1+1\r\nc5" + separator + constant + b"\r\n" if nul else b""
        job = service.job({"columnMappings": HEADERS, "format": {"preset": preset}})
        assert download(job) == guarded + behind_nul
        assert service.manifest(job).get("removedCharacters") == (2 if nul else None)


@pytest.mark.parametrize(("separator", "language"), [(";", Language.GERMAN), (",", Language.ENGLISH_UK)])
def test_nothing_runs_in_the_files_that_the_service_wrote(separator: str, language: Language) -> None:
    for sheet in open_csv([*GUARDED.values()], separator, language):
        assert [formula for formula in formulas(sheet) if "0123" not in formula] == []


def test_without_headers_a_first_code_that_begins_with_id_is_quoted(service: Service) -> None:
    service.keep("code varchar(9) PRIMARY KEY", "'ID1'", "'ID2'")
    service.view()

    assert service.file(columns("Code", "Name") | {"includeHeaders": False}) == b'"ID1",a name\r\nID2,a name\r\n'


def test_headers_that_readers_change_are_400_with_a_pointer_each(service: Service) -> None:
    headers = [" ", "\u3000", " Name", "Name ", "\u00a0x", "a\0b", "\t", "a\x01b", "\uffff."]
    fields = ("Code", "Name", "Email", "Utr", "Team", "Manager", "Partner", "Website", "Type")
    mappings = [{"csvHeader": header, "targetField": field} for header, field in zip(headers, fields, strict=True)]

    response = service.system.start_export({"columnMappings": mappings})

    assert (response.status, response.json["code"]) == (400, "invalid-request")
    pointers = [error["pointer"] for error in response.json["errors"]]
    assert pointers == [f"/columnMappings/{place}/csvHeader" for place in range(len(headers))]


def only(dialect: str) -> pytest.MarkDecorator:
    """Run a test on one kind of database."""
    return pytest.mark.parametrize("service", [dialect], indirect=True)


@pytest.mark.parametrize("code", ["'A2'", "NULL"])
def test_a_client_that_comes_twice_or_has_no_code_fails_job_and_estimate(service: Service, code: str) -> None:
    service.keep("code varchar(9)", "'A1'", "'A2'", code)
    service.view()

    answers = service.refusal(columns("Name"))

    words = "It is A2." if code == "'A2'" else "A client has no code"
    assert words in answers.failure["message"]
    assert words in answers.problem["detail"]
    assert (answers.failure["code"], answers.failure["retryable"]) == ("source-mismatch", False)


@only("mysql")
def test_codes_of_two_types_in_a_union_fail_the_job_with_the_change_to_make(service: Service) -> None:
    service.keep_many("code int PRIMARY KEY, name varchar(30)", "g", CLIENTS)
    service.run("DROP TABLE IF EXISTS others", "CREATE TABLE others (code varchar(9) PRIMARY KEY)")
    service.run("INSERT INTO others VALUES ('A1'), ('A2')")
    union = f"SELECT '{NORTHWIND}' AS tenant, {{0}} AS code, 'a name' AS name FROM {{1}}"
    parts = f"{union.format('code', 'kept')} UNION ALL {union.format('code', 'others')}"
    service.run("DROP VIEW IF EXISTS clients", f"CREATE VIEW clients AS {parts}")

    failure = service.job(columns("Code"))["failure"]

    assert failure["code"] == "row-count"
    assert "its columns tenant and code need one type and collation in all parts of a UNION" in failure["message"]
    service.run(f"CREATE OR REPLACE VIEW clients AS {parts.replace('code AS', 'CAST(code AS CHAR) AS', 1)}")
    assert service.job(columns("Code"))["totalItems"] == CLIENTS + 2


@only("postgresql")
def test_sessions_that_postgresql_ends_during_a_job_cost_tries_and_no_client(service: Service) -> None:
    service.keep_many("code int PRIMARY KEY, name varchar(30)", "g", MANY)
    service.view(name="name")
    location = service.system.start_async(columns("Code", "Name"))
    ended = 0
    for _ in range(5):
        ended += service.end_sessions()
        time.sleep(0.1)

    job = service.system.wait(location)

    assert ended
    assert (job["status"], job["totalItems"]) == ("Completed", MANY)
    codes = [line.split(b",")[0] for line in download(job).splitlines()[1:]]
    assert codes == [b"%d" % number for number in range(1, MANY + 1)]


@only("sqlite")
def test_a_replaced_sqlite_file_is_exported_from_the_next_request_on(service: Service) -> None:
    service.keep("code varchar(9), name varchar(9)", "'A1', 'old'")
    service.view(name="name")
    assert service.file(columns("Code", "Name")) == b"Code,Name\r\nA1,old\r\n"
    current, newer = service.path, service.path.with_name("newer.sqlite")
    shutil.copyfile(current, service.path.with_name("yesterday.sqlite"))
    service.run("UPDATE kept SET name = 'NEW'", "INSERT INTO kept VALUES ('A2', 'NEW')")
    current.rename(newer)
    service.path.with_name("yesterday.sqlite").rename(current)
    assert service.file(columns("Code", "Name")) == b"Code,Name\r\nA1,old\r\n"

    newer.replace(current)

    assert service.estimate(columns("Code")).json["rows"] == 2
    assert service.file(columns("Code", "Name")) == b"Code,Name\r\nA1,NEW\r\nA2,NEW\r\n"


@only("sqlite")
def test_updated_since_compares_moments_whatever_text_or_number_keeps_them(service: Service) -> None:
    service.keep(
        "code varchar(9), moment",
        "'before, at +01:00', '2026-06-01T00:30:00+01:00'",
        "'before, with a Z', '2026-05-31T23:59:59.999Z'",
        "'since, as text', '2026-06-01 00:00:00'",
        "'since, as a day', '2026-06-01'",
        "'since, seconds', 1780272000",
        "'since, at -01:00', '2026-05-31T23:00:00-01:00'",
    )
    service.view(updated_at="moment")
    body = columns("Code") | {"filter": {"updatedSince": "2026-06-01T00:00:00Z"}}

    found = service.file(body).decode().splitlines()[1:]
    service.run("INSERT INTO kept VALUES ('C1', 'yesterday')")
    message = service.refusal(body).failure["message"]

    assert [line.strip('"') for line in found] == [
        *("since, as a day", "since, as text", "since, at -01:00", "since, seconds"),
    ]
    assert "updated_at" in message
    assert "code C1" in message
