"""The scheduled export: a timer, an app setting, one job a slot."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devhost.local.azurite import Azurite
from exports.job_codes import slot_job_code
from tests.support.expected import records
from tests.support.system import HARBOUR, KEY, System, app_settings, download

ONE_COLUMN = {"columnMappings": [{"csvHeader": "Client", "targetField": "Name"}]}
LOCATION = f"/tenants/{HARBOUR}/clients/export/csv/"


@pytest.fixture
def scheduled(tmp_path: Path, azurite: Azurite, database_url: str) -> Iterator[System]:
    """A system whose timer fires at every full ten seconds."""
    settings = app_settings(
        azurite.connection_string,
        database_url,
        EXPORT_SCHEDULE="*/10 * * * * *",
        EXPORT_SCHEDULE_TENANT=HARBOUR,
        EXPORT_SCHEDULE_REQUEST=json.dumps(ONE_COLUMN),
    )
    system = System(tmp_path, settings)
    try:
        system.start_and_wait()
        yield system
    finally:
        system.stop()


def code_of_slot(seconds: int) -> str:
    return slot_job_code(f"{HARBOUR}/settings", datetime.fromtimestamp(seconds, UTC))


def wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


def test_a_timer_runs_the_export_of_the_settings_once_a_slot(scheduled: System) -> None:
    slot = (int(time.time()) // 10 + 1) * 10
    wait_until(slot)
    location = scheduled.url + LOCATION + code_of_slot(slot)

    job = scheduled.wait(location)

    assert job["status"] == "Completed"
    exported = records(download(job))
    assert exported[0] == ("Client",)
    assert len(exported) == 1_501


def test_a_slot_that_fires_again_by_hand_has_no_second_job(scheduled: System) -> None:
    fire = f"{scheduled.url}/admin/functions/run_scheduled_export"
    before = time.time()
    for _ in range(3):
        assert scheduled.call("POST", fire, {}, key=KEY).status == 202
    wait_until(before + 1.5)

    started = scheduled.log.count("event=export.started")
    slots = int(time.time()) // 10 - int(before) // 10 + 1
    assert started <= slots
