"""Retention on a running host, with periods of seconds: first it deletes an expired file, later all data of the job."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from devhost.local.azurite import Azurite
from exports.jobs.codes import new_job_code
from shared.storage import StorageAccount
from tests.faults.conftest import StartSystem
from tests.support.http_client import request
from tests.support.system import NORTHWIND, System

pytestmark = pytest.mark.thorough

KEEP_SECONDS, KEEP_ROWS_SECONDS = 15.0, 4.0
"""A slow machine needs some seconds to look at a file before it expires."""
SHORT_PERIODS = {"EXPORT_KEEP_HOURS": str(KEEP_SECONDS / 3600), "EXPORT_KEEP_ROWS_DAYS": str(KEEP_ROWS_SECONDS / 86400)}


def fire_until(system: System, timer: str, condition: Callable[[], bool]) -> None:
    """Fire a timer again and again until a condition is true."""

    def fire() -> bool:
        assert system.call("POST", f"/admin/functions/{timer}").status == 202
        time.sleep(0.4)
        return condition()

    system.wait_until(fire)


def blobs(azurite: Azurite, code: str) -> set[str]:
    account = StorageAccount(azurite.connection_string)
    try:
        listed = account.blobs.get_container_client("exports").list_blobs(f"{NORTHWIND}/{code}/", ["uncommittedblobs"])
        return {blob.name.rpartition("/")[2] for blob in listed}
    finally:
        account.blobs.close()


def rows(azurite: Azurite, code: str) -> int:
    account = StorageAccount(azurite.connection_string)
    try:
        found = account.tables.get_table_client("exportpages").query_entities(f"PartitionKey eq '{NORTHWIND}|{code}'")
        return sum(1 for _ in found)
    finally:
        account.tables.close()


@pytest.mark.slow
def test_a_file_expires_and_is_deleted_and_later_all_data_of_its_job(
    start_system: StartSystem, azurite: Azurite
) -> None:
    system = start_system(**SHORT_PERIODS)
    location = system.start_async()
    job = system.wait(location)
    code, link = job["code"], job["downloadUrl"]
    instance = f"/runtime/webhooks/durabletask/instances/{code}-1"
    assert request("GET", link).status == 200
    assert {"plan.json", "manifest-1.json", job["fileName"]} <= blobs(azurite, code)
    assert rows(azurite, code) > 1

    fire_until(system, "tick", lambda: blobs(azurite, code) <= {"plan.json"})
    shown = system.job(location)
    assert (shown["status"], shown["downloadUrl"]) == ("Completed", None)
    assert system.call("GET", f"{location}/download").status == 410
    assert system.call("GET", f"{location}/manifest").status == 410
    assert request("GET", link).status in {403, 404}

    fire_until(system, "tick", lambda: system.call("GET", location).status == 404)
    assert blobs(azurite, code) == set()
    assert rows(azurite, code) == 0
    assert system.call("GET", instance).status == 404


def test_orphaned_blobs_are_deleted_and_old_histories_are_purged(start_system: StartSystem, azurite: Azurite) -> None:
    system = start_system()
    code = new_job_code(datetime.now(UTC))
    account = StorageAccount(azurite.connection_string)
    account.blobs.get_blob_client("exports", f"{NORTHWIND}/{code}/clients.csv").stage_block("0", b"late")
    job = system.wait(system.start_async())

    fire_until(system, "tick", lambda: not blobs(azurite, code))
    assert blobs(azurite, job["code"])
    table = account.tables.get_table_client("exportwatch")

    def cursors() -> set[str]:
        return {row["RowKey"] for row in table.query_entities("PartitionKey eq 'places'")}

    system.wait_until(lambda: "histories" in cursors())
    account.blobs.close()
    account.tables.close()
