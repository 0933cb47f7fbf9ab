"""A source that cannot be read fails the job with a plain reason, and the health check names the cause."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from exports.request.fields import VIEW_COLUMNS
from tests.faults.conftest import StartSystem
from tests.support.closed_port import closed_port
from tests.support.system import EXPORT, NORTHWIND, System, download


def database_without(directory: Path, column: str) -> str:
    path = directory / "incomplete.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        names = [name for name in VIEW_COLUMNS if name != column]
        connection.execute(f"CREATE TABLE records ({', '.join(names)})")
        connection.execute("CREATE VIEW clients AS SELECT * FROM records")
    connection.close()
    return f"sqlite:///{path}"


def failed_job(system: System) -> Any:
    job = system.wait(system.start_async())
    assert job["status"] == "Failed"
    assert job["downloadUrl"] is None
    assert job["completedDate"]
    return job["failure"]


def health(system: System) -> dict[str, Any]:
    response = system.call("GET", "/health")
    return {"httpStatus": response.status} | {each["name"]: each for each in response.json["dependencies"]}


@pytest.mark.parametrize("column", ["name", pytest.param("code", marks=pytest.mark.thorough)])
def test_a_view_with_a_missing_column_fails_the_job_and_names_the_column(
    start_system: StartSystem, tmp_path: Path, column: str
) -> None:
    system = start_system(workers=1, healthy=False, CLIENTS_DATABASE_URL=database_without(tmp_path, column))
    system.wait_for_any_response()

    failure = failed_job(system)
    assert failure["code"] == "source-mismatch"
    assert column in failure["message"]
    assert not failure["retryable"]
    report = health(system)
    assert report["httpStatus"] == 503
    assert column in report["clients"]["detail"]
    assert report["blobs"]["status"] == report["tables"]["status"] == "Healthy"


@pytest.mark.thorough
def test_a_closed_port_fails_the_job_after_its_tries_with_a_plain_message(start_system: StartSystem) -> None:
    with closed_port() as port:
        nowhere = f"postgresql://reader:a-password@127.0.0.1:{port}/practice"
        system = start_system(workers=1, healthy=False, CLIENTS_DATABASE_URL=nowhere, EXPORT_RETRY_TRIES="2")
        system.wait_for_any_response()

        failure = failed_job(system)
        assert failure["code"] == "source-unavailable"
        assert failure["retryable"]
        assert "nothing accepts connections at its port" in failure["message"]
        assert health(system)["clients"]["detail"] == failure["message"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param(
            "postgresql://reader:a-password@no-such-host.invalid/practice",
            "host of the client database is unknown",
            marks=pytest.mark.thorough,
        ),
        ("sqlite:////no-such-folder/clients.db", "no file of the client database"),
    ],
)
def test_a_fault_that_no_retry_cures_is_the_same_sentence_at_once_everywhere(
    start_system: StartSystem, url: str, words: str
) -> None:
    system = start_system(workers=1, healthy=False, CLIENTS_DATABASE_URL=url)
    system.wait_for_any_response()

    estimate = system.call("POST", f"/tenants/{NORTHWIND}{EXPORT}/estimate", {})
    job = system.wait(system.start_async())

    message = job["failure"]["message"]
    assert words in message
    assert (estimate.status, estimate.json["code"], estimate.json["detail"]) == (502, "source-unusable", message)
    assert health(system)["clients"]["detail"] == message
    assert (job["failure"]["code"], job["failure"]["retryable"]) == ("source-refused", False)
    for secret in ("no-such", "a-password", "reader"):
        assert secret not in f"{job} {estimate.body!r} {health(system)}"
    assert "no-such" in system.log
    assert "a-password" not in system.log


def test_a_view_without_optional_columns_exports_them_empty_and_says_so(
    start_system: StartSystem, tmp_path: Path
) -> None:
    url = database_without(tmp_path, "vat_number")
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute(f"INSERT INTO records (tenant, code, name) VALUES ('{NORTHWIND}', 'C1', 'One')")
    connection.close()
    system = start_system(workers=1, CLIENTS_DATABASE_URL=url)
    columns = [
        {"csvHeader": header, "targetField": field} for header, field in (("Name", "Name"), ("VAT", "VatNumber"))
    ]

    job = system.wait(system.start_async({"columnMappings": columns}))

    assert (job["status"], download(job)) == ("Completed", b"Name,VAT\r\nOne,\r\n")
    manifest = system.call("GET", f"/tenants/{NORTHWIND}{EXPORT}/{job['code']}/manifest").json
    assert [column["csvHeader"] for column in manifest["incompleteColumns"]] == ["VAT"]
    report = health(system)
    assert (report["httpStatus"], report["clients"]["status"]) == (200, "Healthy")
    assert "lacks vat_number: files show nothing there" in report["clients"]["detail"]


@pytest.mark.thorough
def test_a_filter_by_a_missing_column_fails_the_job_and_the_estimate(start_system: StartSystem, tmp_path: Path) -> None:
    system = start_system(workers=1, CLIENTS_DATABASE_URL=database_without(tmp_path, "team_code"))
    body = {"filter": {"teamCodes": ["T1"]}}

    estimate = system.call("POST", f"/tenants/{NORTHWIND}{EXPORT}/estimate", body)
    failure = system.wait(system.start_async(body))["failure"]

    words = "The clients view lacks the column team_code, which the filter teamCodes needs."
    assert (estimate.status, estimate.json["code"]) == (502, "source-unusable")
    assert estimate.json["detail"].startswith(words)
    assert (failure["code"], words in failure["message"]) == ("source-mismatch", True)


def test_unreachable_storage_is_a_503_that_says_so(start_system: StartSystem) -> None:
    gone = "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=a2V5;" + "".join(
        f"{service}Endpoint=http://127.0.0.1:9/devstoreaccount1;" for service in ("Blob", "Table")
    )
    system = start_system(workers=1, healthy=False, EXPORT_STORAGE=gone)
    system.wait_for_any_response()

    response = system.start_export()
    assert response.status == 503
    assert response.json["code"] == "unavailable"
    assert int(response.headers["retry-after"]) > 0
    report = health(system)
    assert report["tables"]["status"] == report["blobs"]["status"] == "Unhealthy"
    assert report["clients"]["status"] == "Healthy"


def test_only_health_names_a_wrong_setting(start_system: StartSystem) -> None:
    system = start_system(workers=1, healthy=False, EXPORT_KEEP_HOURS="for ever")
    system.wait_for_any_response()

    assert "EXPORT_KEEP_HOURS" in health(system)["settings"]["detail"]
    response = system.start_export()
    assert response.status == 503
    assert "EXPORT_KEEP_HOURS" not in response.body.decode()


@pytest.mark.thorough
def test_a_malformed_database_url_fails_the_job_and_the_health_check(start_system: StartSystem) -> None:
    system = start_system(workers=1, healthy=False, CLIENTS_DATABASE_URL="nonsense")
    system.wait_for_any_response()

    assert health(system)["clients"]["status"] == "Unhealthy"
    assert failed_job(system)["code"] == "source-refused"
