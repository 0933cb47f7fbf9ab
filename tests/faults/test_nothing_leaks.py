"""Whatever breaks inside the service, responses show no internals, and the log shows no secret and no client data."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from devhost.local.azurite import Azurite
from shared.storage import StorageAccount
from tests.support.leaks import leaks_in_log, secrets_of
from tests.support.system import EXPORT, NORTHWIND, System, app_settings, code_of, running_system

pytestmark = pytest.mark.thorough

JOBS = f"/tenants/{NORTHWIND}{EXPORT}"
SMALL = {"columnMappings": [{"csvHeader": "Client", "targetField": "Name"}]}
HOOK = "https://hooks.example/a-secret-of-the-receiver"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Path:
    """A copy of the database that the tests of this module may damage."""
    copy = tmp_path_factory.mktemp("damaged") / "clients.sqlite"
    shutil.copy(database_url.removeprefix("sqlite:///"), copy)
    return copy


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory, database: Path) -> Iterator[System]:
    """A system whose database and storage the tests damage. At the end its log is searched for leaks."""
    with running_system(
        tmp_path_factory.mktemp("broken"),
        f"sqlite:///{database}",
        {
            "EXPORT_BLOCK_BYTES": "65536",
            "EXPORT_WAVE_PAGES": "1",
            "EXPORT_RETRY_TRIES": "1",
            "EXPORT_WEBHOOK_SECRET": "a-secret-of-tests-of-32-characters-or-more",
        },
    ) as system:
        yield system
    assert_log_has_tracebacks_but_no_leaks(system)


def assert_log_has_tracebacks_but_no_leaks(system: System) -> None:
    secrets = [*secrets_of(system.settings), HOOK]
    assert "Traceback" in system.log
    assert leaks_in_log(system.log, secrets, system.settings["CLIENTS_DATABASE_URL"]) == []


@pytest.fixture(scope="module")
def account(broken: System) -> Iterator[StorageAccount]:
    storage = StorageAccount(broken.storage)
    yield storage
    storage.tables.close()


@pytest.fixture
def view(database: Path) -> Iterator[Any]:
    """Return a function that replaces the view `clients`. The original view is restored after the test."""
    connection = sqlite3.connect(database, timeout=30)
    (original,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'clients'").fetchone()

    def replace(statement: str) -> None:
        connection.executescript(f"DROP VIEW IF EXISTS clients; {statement};")

    yield replace
    replace(original)
    connection.close()


@contextmanager
def damaged_row(account: StorageAccount, table: str, code: str, **values: Any) -> Iterator[None]:
    """Write unreadable values into the row of a code; delete the row afterwards."""
    rows = account.tables.get_table_client(table)
    (row,) = [row for row in rows.query_entities("") if row["RowKey"].endswith(code) and values.keys() & row.keys()]
    rows.update_entity({name: row[name] for name in ("PartitionKey", "RowKey")} | values)
    try:
        yield
    finally:
        rows.delete_entity(row)


def assert_internal(system: System, method: str, path: str, body: Any = None) -> None:
    """Check that a request fails with an incident number. `System.call` checks that the response shows nothing else."""
    response = system.call(method, path, body)
    assert (response.status, response.json["code"]) == (500, "internal")
    assert response.json["detail"].rpartition(" ")[2].strip(".") in system.log, "the log contains the number"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "CREATE VIEW clients AS SELECT * FROM payroll_of_directors",
        "CREATE VIEW clients AS SELECT tenant, code FROM client_records",
        "CREATE VIEW clients AS SELECT tenant, code, json_extract(name, '$.x') AS name FROM client_records",
        "CREATE VIEW clients AS SELECT tenant, code, abs(-9223372036854775808) AS name FROM client_records",
    ],
    ids=["no view", "missing table", "missing columns", "refused values", "overflow"],
)
def test_a_broken_view_fails_a_job_with_a_plain_reason(broken: System, view: Any, statement: str) -> None:
    view(statement)

    estimate = broken.call("POST", f"{JOBS}/estimate", SMALL)
    job = broken.wait(broken.start_async(SMALL))

    assert (estimate.status, estimate.json["code"]) == (502, "source-unusable")
    assert job["status"] == "Failed"
    assert job["failure"]["code"] == "source-mismatch"
    assert job["failure"]["message"]


@pytest.mark.parametrize(
    "damage",
    [{"spec": b"garbage"}, {"status": "Lost"}, {"notify": f'{{"webhookUrl": "{HOOK}", "x": 1}}'}],
    ids=["specification", "status", "receiver"],
)
def test_a_job_with_a_damaged_row_is_a_500_with_only_an_incident_number(
    broken: System, account: StorageAccount, damage: dict[str, Any]
) -> None:
    body = {**SMALL, "notify": {"webhookUrl": "https://127.0.0.1.nip.example/"}}
    location = broken.start_export(body, prefer="wait=60").headers["location"]

    with damaged_row(account, "exportjobs", code_of(location), **damage):
        for method, part in (
            ("GET", ""),
            ("GET", "/download"),
            ("GET", "/manifest"),
            ("DELETE", ""),
            ("POST", "/resume"),
        ):
            assert_internal(broken, method, location + part)
        assert code_of(location) not in {job["code"] for job in broken.call("GET", JOBS).json["data"]}


@pytest.mark.parametrize(
    ("path", "table", "body"),
    [
        ("csv-mappings", "csvmappings", {"mappingType": "Client", **SMALL}),
        ("clients/export/schedules", "exportschedules", {"cron": "0 3 1 1 *", "request": SMALL}),
    ],
    ids=["mapping", "schedule"],
)
def test_a_damaged_mapping_or_schedule_is_a_500_with_an_incident_number(
    broken: System, account: StorageAccount, path: str, table: str, body: dict[str, Any]
) -> None:
    collection = f"/tenants/{NORTHWIND}/{path}"
    code = broken.call("POST", collection, {"name": "Mine", **body}).json["code"]

    with damaged_row(account, table, code, content=b"garbage"):
        assert_internal(broken, "GET", f"{collection}/{code}")
        assert code not in {saved["code"] for saved in broken.call("GET", collection).json["data"]}


def test_a_missing_manifest_is_a_500_with_an_incident_number(broken: System, account: StorageAccount) -> None:
    location = broken.start_export(SMALL, prefer="wait=60").headers["location"]
    blobs = account.blobs.get_container_client("exports")
    for blob in list(blobs.list_blobs()):
        if code_of(location) in blob.name and "manifest" in blob.name:
            blobs.delete_blob(blob.name)

    assert_internal(broken, "GET", f"{location}/manifest")


def test_a_missing_plan_fails_the_job_with_a_plain_reason(broken: System, account: StorageAccount) -> None:
    location = broken.start_async({})
    code = code_of(location)
    broken.wait(location, lambda job: job["processedItems"] > 0)
    broken.stop()  # because the workers have the plan in memory
    assert_log_has_tracebacks_but_no_leaks(broken)
    blobs = account.blobs.get_container_client("exports")
    for blob in list(blobs.list_blobs()):
        if code in blob.name and "plan" in blob.name:
            blobs.delete_blob(blob.name)
    broken.start_and_wait()

    job = broken.wait(location)
    assert job["status"] == "Failed"
    assert job["failure"]["code"] == "internal"
    assert not job["failure"]["retryable"]


def test_storage_that_refuses_the_key_is_a_503_that_says_so_and_an_event(
    tmp_path: Path, azurite: Azurite, database_url: str
) -> None:
    key = "bm90IHRoZSBrZXkgb2YgdGhpcyBhY2NvdW50"
    correct = azurite.connection_string
    wrong = ";".join(f"AccountKey={key}" if part.startswith("AccountKey=") else part for part in correct.split(";"))
    system = System(tmp_path, app_settings(correct, database_url, EXPORT_STORAGE=wrong), workers=1)
    try:
        system.start()
        system.wait_for_any_response()
        health = system.call("GET", "/health", key=None)
        assert health.status == 503
        for refused in (system.call("POST", JOBS, SMALL), system.call("GET", JOBS)):
            assert (refused.status, refused.json["code"]) == (503, "unavailable")
            assert "Table Storage refused this service (AuthorizationFailure)" in refused.json["detail"]
        assert "event=storage.refused " in system.log
    finally:
        system.stop()
    assert leaks_in_log(system.log, [key, *secrets_of(system.settings)], database_url) == []
