"""Schedules over HTTP: create, read, change and delete them, also with conditions, and run them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.e2e.conftest import UpcomingSlot
from tests.e2e.test_bad_input import assert_problem
from tests.support.expected import records
from tests.support.named_resources import Collection
from tests.support.schedules import StoreEditor, edit_stores, fire, save, wait_for_run
from tests.support.system import EXPORT, HARBOUR, NORTHWIND, NORTHWIND_KEY, System, code_of, download

SCHEDULES = "/clients/export/schedules"
REQUEST = {"columnMappings": [{"csvHeader": "Client", "targetField": "Name"}], "filter": {"statuses": ["Active"]}}
BODY = {"name": "Yearly", "cron": "30 6 1 1 *", "timeZone": "Europe/London", "request": REQUEST}
COLLECTION = Collection(SCHEDULES, BODY)
of, create = COLLECTION.of, COLLECTION.create
MAPPING = {"name": "Short-lived", "columnMappings": REQUEST["columnMappings"], "mappingType": "Client"}


@pytest.fixture
def editor(system: System) -> Iterator[StoreEditor]:
    with edit_stores(system.storage) as editor:
        yield editor


@pytest.mark.parametrize("base", [SCHEDULES, of(NORTHWIND)], ids=["short", "by tenant"])
def test_a_schedule_can_be_created_read_changed_and_deleted(system: System, base: str) -> None:
    created = system.call("POST", base, BODY, key=NORTHWIND_KEY)
    location = created.headers["location"]
    assert (created.status, location) == (201, f"{system.url}{base}/{created.json['code']}")
    assert created.json["nextRunDate"].endswith("-01-01T06:30:00.000Z")
    assert created.json["request"]["filter"]["statuses"] == ["Active"]
    assert (created.json["lastRunDate"], created.json["lastJobCode"]) == (None, None)

    found = system.call("GET", location, key=NORTHWIND_KEY)
    assert (found.status, found.json, found.headers["etag"]) == (200, created.json, created.headers["etag"])
    seen = system.call("GET", location, key=NORTHWIND_KEY, if_none_match=found.headers["etag"])
    assert seen.status == 304

    update = {"name": " Nightly ", "cron": "0 2 * * *", "overlap": "queue", "incremental": True}
    changed = system.call("PUT", location, update, key=NORTHWIND_KEY)
    assert (changed.status, changed.json["name"], changed.json["timeZone"]) == (200, "Nightly", "UTC")
    assert changed.json["nextRunDate"].endswith("T02:00:00.000Z")
    assert changed.json["createdDate"] == created.json["createdDate"] < changed.json["updatedDate"]

    assert system.call("GET", f"{location}/runs", key=NORTHWIND_KEY).json["data"] == []
    assert system.call("DELETE", location, key=NORTHWIND_KEY).status == 204
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/runs")):
        body = update if method == "PUT" else None
        assert_problem(system.call(method, location + path, body, key=NORTHWIND_KEY), 404, "schedule-not-found")


def test_if_match_refuses_a_change_or_deletion_of_a_newer_version(system: System) -> None:
    created = create(system)
    location, stale = created.headers["location"], created.headers["etag"]
    fresh = system.call("PUT", location, BODY | {"name": "Mine"}, if_match=stale).headers["etag"]
    assert_problem(system.call("PUT", location, BODY, if_match=stale), 412, "precondition-failed")
    assert_problem(system.call("DELETE", location, if_match=stale), 412, "precondition-failed")
    assert system.call("GET", location).json["name"] == "Mine"
    assert system.call("DELETE", location, if_match=fresh).status == 204


def test_a_list_is_sorted_by_name_and_continues_by_token(system: System) -> None:
    for name in ("zebra", "Aardvark"):
        create(system, name=name)
    whole = system.call("GET", of(HARBOUR) + "?limit=100").json["data"]
    first = system.call("GET", of(HARBOUR) + "?limit=1").json
    rest = system.call("GET", f"{of(HARBOUR)}?limit=100&continuationToken={first['continuationToken']}").json
    assert (first["limit"], first["hasMore"], rest["hasMore"]) == (1, True, False)
    assert first["data"] + rest["data"] == whole
    names = [item["name"] for item in whole]
    assert names == sorted(names, key=str.casefold)
    assert {"zebra", "Aardvark"} <= set(names)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/name", "/cron"}),
        (BODY | {"cron": "0 0 30 2 *", "timeZone": "London"}, {"/cron", "/timeZone"}),
        (BODY | {"cron": "* * * * *", "overlap": "Skip", "enabled": "yes"}, {"/cron", "/overlap", "/enabled"}),
        (BODY | {"nextRunDate": None, "lastJobCode": "x", "code": "x"}, {"/nextRunDate", "/lastJobCode", "/code"}),
        (BODY | {"request": {"filter": {"status": ["Active"]}}}, {"/request/filter/status"}),
        (BODY | {"request": {"mappingCode": "f" * 20}}, {"/request/mappingCode"}),
    ],
)
def test_every_fault_of_a_schedule_has_a_pointer(system: System, body: dict[str, Any], pointers: set[str]) -> None:
    problem = assert_problem(system.call("POST", of(HARBOUR), body), 400, "invalid-request")
    assert {fault["pointer"] for fault in problem["errors"]} == pointers


@pytest.mark.parametrize("query", ["limit=0", "continuationToken=x", "continuationToken=ImRqIg", "status=Started"])
def test_a_list_of_runs_refuses_a_wrong_query(system: System, query: str) -> None:
    location = create(system).headers["location"]
    assert_problem(system.call("GET", f"{location}/runs?{query}"), 400, "invalid-query")


@pytest.mark.slow
def test_a_due_schedule_starts_its_export(system: System, upcoming_slot: UpcomingSlot) -> None:
    """The timer of the host starts the export. The test neither fires the timer nor changes the slot."""
    slot, location = upcoming_slot

    job = wait_for_run(system, location)

    assert (job["status"], job["scheduleCode"]) == ("Completed", code_of(location))
    assert records(download(job)) == [("Client",)]
    assert job["createdDate"] >= slot.isoformat()
    shown = system.job(location)
    assert shown["nextRunDate"].startswith(f"{slot + timedelta(days=1):%Y-%m-%dT%H:%M}")
    assert shown["lastRunDate"] >= job["createdDate"]


def test_a_slot_that_cannot_be_started_shows_the_reason(system: System, editor: StoreEditor) -> None:
    mapping = system.call("POST", f"/tenants/{HARBOUR}/csv-mappings", MAPPING)
    location = save(system, request={"mappingCode": mapping.json["code"]})
    assert system.call("DELETE", mapping.headers["location"]).status == 204
    editor.let_slot_come(location)
    fire(system)
    runs = system.wait_until(lambda: system.job(f"{location}/runs")["data"])
    assert [(run["outcome"], run["reason"], run["jobCode"]) for run in runs] == [
        ("Failed", "There is no mapping with this code.", None)
    ]
    assert system.job(location)["enabled"]


def test_an_incremental_schedule_exports_all_clients_once_and_then_changed_ones(
    system: System, editor: StoreEditor
) -> None:
    location = save(system, incremental=True)
    sizes, last = [], None
    for minutes_ago in (2, 1):
        editor.let_slot_come(location, minutes_ago)
        fire(system)
        job = wait_for_run(system, location, after=last)
        assert job["status"] == "Completed"
        last = job["code"]
        sizes.append(len(records(download(job))) - 1)
    assert sizes == [1_500, 0]
    manifest = system.call("GET", f"/tenants/{HARBOUR}{EXPORT}/{last}/manifest").json
    assert manifest["request"]["filter"]["updatedSince"]
