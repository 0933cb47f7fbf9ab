"""An export since another one, over HTTP, on a database that changes between the two."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.models import rfc3339
from tests.support.expected import records
from tests.support.system import EXPORT, HARBOUR, NORTHWIND, System, code_of, download, running_system, sample_database

ROUTE = f"/tenants/{NORTHWIND}{EXPORT}"
COLUMNS = [{"csvHeader": name, "targetField": name} for name in ("Code", "Name", "Status")]
BODY: dict[str, Any] = {"columnMappings": COLUMNS, "filter": {"statuses": ["Active"]}}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of sample clients, with a view of deleted ones that is empty at first."""
    directory = tmp_path_factory.mktemp("since")
    sample_database(directory, 600)
    path = directory / "clients.sqlite"
    run(path, "CREATE TABLE deletions (tenant TEXT, code TEXT, deleted_at TEXT)")
    run(path, "CREATE VIEW deleted_clients AS SELECT tenant, code, deleted_at FROM deletions")
    return path


@pytest.fixture(scope="module")
def changing(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system on this database. Its pages are small, so that files have several."""
    settings = {"EXPORT_DELETIONS_VIEW": "deleted_clients", "EXPORT_BLOCK_BYTES": "4096"}
    with running_system(tmp_path_factory.mktemp("changing"), f"sqlite:///{database}", settings, workers=1) as system:
        yield system


def run(path: Path, statement: str, *values: Any) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def rows_of(system: System, location: str) -> dict[str, tuple[str, ...]]:
    job = system.wait(location)
    assert job["status"] == "Completed", job
    found = records(download(job))[1:]
    rows = {row[0]: row for row in found}
    assert len(rows) == len(found)
    return rows


def change_clients(database: Path, codes: list[str]) -> None:
    """Rename, deactivate, delete and add clients now, and delete one and make it again."""
    now = rfc3339(datetime.now(UTC))
    changed = "UPDATE client_records SET {} WHERE tenant = ? AND code = ?"
    run(database, changed.format("name = 'Renamed', updated_at = ?"), now, NORTHWIND, codes[0])
    run(database, changed.format("status = 'Inactive', updated_at = ?"), now, NORTHWIND, codes[1])
    for code in codes[2:4]:
        run(database, "INSERT INTO deletions VALUES (?, ?, ?)", NORTHWIND, code, now)
    run(database, "DELETE FROM client_records WHERE tenant = ? AND code = ?", NORTHWIND, codes[2])
    run(database, changed.format("name = 'Made again', updated_at = ?"), now, NORTHWIND, codes[3])
    new = "INSERT INTO client_records (tenant, code, name, status, updated_at) VALUES (?, 'A new one', ?, ?, ?)"
    run(database, new, NORTHWIND, "New", "Active", now)


def test_changes_since_an_export_bring_its_file_up_to_date(changing: System, database: Path) -> None:
    first = changing.start_async(BODY)
    rows = rows_of(changing, first)
    codes = sorted(rows)
    change_clients(database, codes)

    second = changing.start_async({**BODY, "since": code_of(first)})

    changed = rows_of(changing, second)
    manifest = changing.call("GET", f"{second}/manifest").json
    assert set(changed) == {codes[0], codes[3], "A new one"}
    assert manifest["changes"] == {"since": code_of(first), "deletedCodes": [codes[2]], "leftCodes": [codes[1]]}
    assert manifest["request"]["since"] == code_of(first)
    gone = {*manifest["changes"]["deletedCodes"], *manifest["changes"]["leftCodes"]}
    updated = {code: row for code, row in (rows | changed).items() if code not in gone}
    assert updated == rows_of(changing, changing.start_async(BODY))


def test_periods_that_follow_each_other_have_every_client_once(changing: System, database: Path) -> None:
    (moment,) = run(database, "SELECT max(updated_at) FROM clients WHERE tenant = ?", NORTHWIND)[0]
    body = {"columnMappings": COLUMNS}
    before = rows_of(changing, changing.start_async({**body, "filter": {"updatedUntil": moment}}))
    after = rows_of(changing, changing.start_async({**body, "filter": {"updatedSince": moment}}))
    assert not before.keys() & after.keys()
    assert before | after == rows_of(changing, changing.start_async(body))


MOMENT = "2026-01-31T09:00:00Z"


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"since": "no-such-export"}, "/since", "no export with this code"),
        ({"columnMappings": COLUMNS[:1]}, "/since", "other columns"),
        ({"filter": {}}, "/since", "another filter"),
        ({"filter": {**BODY["filter"], "updatedSince": MOMENT}}, "/since", "both"),
        (
            {"filter": {**BODY["filter"], "updatedUntil": MOMENT}},
            "/filter/updatedUntil",
            "later moment",
        ),
    ],
)
def test_a_start_that_does_not_fit_is_400_with_a_pointer_and_what_to_do(
    changing: System, change: dict[str, Any], pointer: str, words: str
) -> None:
    first = changing.start_async(BODY)
    changing.wait(first)
    response = changing.call("POST", ROUTE, {**BODY, "since": code_of(first), **change})
    assert response.status == 400, response
    ((found, detail),) = [(fault["pointer"], fault["detail"]) for fault in response.json["errors"]]
    assert found == pointer
    assert words in detail


def test_an_export_of_another_tenant_is_no_start(changing: System) -> None:
    first = changing.start_async(BODY, HARBOUR)
    changing.wait(first)
    response = changing.call("POST", ROUTE, {**BODY, "since": code_of(first)})
    assert (response.status, response.json["errors"][0]["pointer"]) == (400, "/since")
    assert "There is no export with this code" in response.json["errors"][0]["detail"]


def test_a_schedule_has_no_start(changing: System) -> None:
    body = {"name": "x", "cron": "0 6 * * *", "timeZone": "UTC", "request": {"since": "x"}}
    response = changing.call("POST", f"/tenants/{NORTHWIND}/clients/export/schedules", body)
    assert response.status == 400, response
    assert [fault["pointer"] for fault in response.json["errors"]] == ["/request/since"]


def test_a_view_of_deleted_clients_that_is_gone_makes_the_service_unhealthy(changing: System, database: Path) -> None:
    run(database, "DROP VIEW deleted_clients")
    try:
        health = changing.wait_until(lambda: _unhealthy(changing))
        (clients,) = [each for each in health["dependencies"] if each["name"] == "clients"]
        assert "the view deleted_clients of deleted clients" in clients["detail"]
    finally:
        run(database, "CREATE VIEW deleted_clients AS SELECT tenant, code, deleted_at FROM deletions")


def _unhealthy(system: System) -> Any:
    response = system.call("GET", "/health")
    return response.json if response.status == 503 else None
