"""Behind a gateway callers see its address, and few requests wait; on a system with both settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.storage import StorageAccount
from tests.e2e.test_bad_input import assert_problem
from tests.support.receiver import a_receiver
from tests.support.system import EXPORT, NORTHWIND, System, code_of, running_system, sample_database

PUBLIC = "https://api.example.com/exports"
FORGED = {"host": "evil.example", "x_forwarded_host": "evil.example", "x_forwarded_proto": "gopher"}
SETTINGS = {
    "EXPORT_PUBLIC_URL": PUBLIC,
    "EXPORT_MAX_WAITING": "2",
    "EXPORT_BLOCK_BYTES": "65536",
    "EXPORT_WAVE_PAGES": "1",
    "EXPORT_WEBHOOK_SECRET": "a-master-secret-of-more-than-32-characters",
    "EXPORT_WEBHOOK_ALLOW_PRIVATE": "true",
}
SMALL = {"filter": {"search": "no client is called this"}}
JOBS = f"/tenants/{NORTHWIND}{EXPORT}"


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    directory = tmp_path_factory.mktemp("behind")
    with running_system(directory, sample_database(directory, 4_000), SETTINGS) as running:
        yield running


def test_the_location_names_the_public_address_whatever_the_request_names(behind: System) -> None:
    for headers in ({}, FORGED):
        started = behind.start_export(SMALL, **headers)
        assert started.status == 201
        assert started.headers["location"] == f"{PUBLIC}{JOBS}/{started.json['code']}"


def test_the_type_of_a_problem_and_the_servers_name_the_public_address(behind: System) -> None:
    refused = behind.call("GET", f"{JOBS}/{'0' * 26}", **FORGED)
    assert assert_problem(refused, 404, "job-not-found")["type"] == f"{PUBLIC}/docs#problem-job-not-found"
    assert behind.call("GET", "/openapi.json").json["servers"] == [{"url": PUBLIC}]


def test_a_forged_host_reaches_no_answer_about_a_job(behind: System) -> None:
    started = behind.start_export(SMALL, **FORGED)
    shown = behind.call("GET", f"{JOBS}/{started.json['code']}", **FORGED)
    manifest = behind.call("GET", f"{JOBS}/{started.json['code']}/manifest", **FORGED)
    for answer in (started, shown, manifest, behind.call("GET", JOBS, **FORGED)):
        assert "evil" not in json.dumps(answer.json) + json.dumps(dict(answer.headers))


def test_a_forged_host_reaches_no_stored_row(behind: System) -> None:
    assert behind.start_export(SMALL, prefer="wait=60", **FORGED).status == 201
    account = StorageAccount(behind.storage)
    tables = [table.name for table in account.tables.list_tables()]
    rows = {name: str(list(account.tables.get_table_client(name).list_entities())) for name in tables}
    account.tables.close()
    assert NORTHWIND in rows["exportjobs"]
    assert [name for name, text in rows.items() if "evil.example" in text] == []


def test_a_forged_host_reaches_no_webhook(behind: System) -> None:
    with a_receiver() as receiver:
        started = behind.start_export({**SMALL, "notify": {"webhookUrl": receiver.url}}, **FORGED)
        (received,) = receiver.wait_for(1)
    assert started.headers["location"].startswith(f"{PUBLIC}{JOBS}/")
    assert json.loads(received.body)["code"] == started.json["code"]
    assert "evil" not in received.body.decode() + json.dumps(dict(received.headers))
    assert "http" not in received.body.decode(), "a webhook holds no address at all"


def test_beyond_the_requests_that_may_wait_the_answer_is_202_at_once(behind: System) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: behind.start_export(prefer="wait=20"), range(6)))
    waited = [answer for answer in answers if "preference-applied" in answer.headers]
    assert 1 <= len(waited) <= 2 * behind.workers
    assert {answer.status for answer in waited} <= {201, 202}  # 202 where an export takes longer than they wait
    for answer in answers:
        assert answer.headers["location"].startswith(f"{PUBLIC}{JOBS}/")
        if answer in waited:
            continue
        assert answer.status == 202
        assert answer.json["status"] in ("Queued", "InProgress")
        behind.wait(f"{JOBS}/{code_of(answer.headers['location'])}")
