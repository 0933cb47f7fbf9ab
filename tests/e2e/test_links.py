"""Links are generated for each response and stored nowhere."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.e2e.test_audit_over_http import read
from tests.e2e.test_bad_input import assert_problem
from tests.support.builders import NOON
from tests.support.http_client import request
from tests.support.keys import key_of_text
from tests.support.system import EXPORT, HARBOUR, System

WRITE_ONLY_KEY = f"cx_writeharbour_{'w' * 43}"
SMALL = {"columnMappings": [{"csvHeader": "Client", "targetField": "Name"}]}


@pytest.fixture
def signature(system: System) -> str:
    """The signature in the link of a job that has just completed."""
    job = system.start_export(SMALL, HARBOUR, prefer="wait=60").json
    assert system.call("GET", f"/tenants/{HARBOUR}/clients/export/csv/{job['code']}").json["downloadUrl"]
    signed: str = job["downloadUrl"].partition("sig=")[2].partition("&")[0]
    assert signed
    return signed


def test_no_table_blob_or_state_of_the_host_contains_a_link(system: System, signature: str) -> None:
    account = StorageAccount(system.storage)
    stored = [
        repr(dict(row))
        for table in account.tables.list_tables()
        for row in account.tables.get_table_client(table.name).query_entities("")
    ]
    container = account.blobs.get_container_client("exports")
    stored += [f"{blob.name} {blob.metadata}" for blob in container.list_blobs(include=["metadata"])]
    stored += [
        container.download_blob(blob.name).readall().decode()
        for blob in container.list_blobs()
        if blob.name.endswith(".json")
    ]
    account.tables.close()

    assert len(stored) > 10
    assert not [text for text in stored if "sig=" in text or signature in text]
    assert not [state for state in states(system) if b"sig=" in state or signature.encode() in state]


def states(system: System) -> list[bytes]:
    """Return the files in which the host stores orchestrations."""
    files = list(Path(system.directory).glob("devhost.sqlite*"))
    assert files
    return [file.read_bytes() for file in files]


def test_a_link_works_for_fifteen_minutes_and_reads_one_blob(system: System) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    job = system.start_export(SMALL, HARBOUR, prefer="wait=60").json
    after = datetime.now(UTC)

    signed = {name: values[0] for name, values in parse_qs(urlsplit(job["downloadUrl"]).query).items()}
    assert before <= datetime.fromisoformat(signed["se"]) - timedelta(minutes=15) <= after
    assert datetime.fromisoformat(job["expiryDate"]) - before > timedelta(hours=23)
    assert (signed["sp"], signed["sr"]) == ("r", "b")


def test_each_request_for_a_job_gives_a_new_link_and_a_list_gives_none(system: System) -> None:
    started = system.start_export(SMALL, HARBOUR, prefer="wait=60")
    time.sleep(1.1)  # the expiry in a link has seconds

    shown = system.call("GET", started.headers["location"]).json
    (listed,) = system.call("GET", f"/tenants/{HARBOUR}{EXPORT}?limit=1").json["data"]
    assert shown["downloadUrl"] != started.json["downloadUrl"]
    assert (listed["code"], listed["fileStatus"], listed["downloadUrl"]) == (shown["code"], "Available", None)


def test_a_status_without_the_link_is_not_audited_and_never_stands_for_one_with_it(system: System) -> None:
    started = system.start_export(SMALL, HARBOUR, prefer="wait=60")
    location = started.headers["location"]
    without, given = system.call("GET", f"{location}?link=false"), system.call("GET", f"{location}?link=true")

    assert given.json["downloadUrl"]
    assert without.json == given.json | {"downloadUrl": None}
    tags = [answer.headers["etag"] for answer in (without, given)]
    for form, statuses in (("?link=false", [304, 200]), ("", [200, 304])):
        assert [system.call("GET", location + form, if_none_match=tag).status for tag in tags] == statuses
    entries = [entry["action"] for entry in read(system, f"code={started.json['code']}")]
    assert entries == ["Started", *["LinkGiven"] * 3]  # the start, `link=true`, and the `200` that had another tag
    for wrong in ("link=", "link=no", "links=false"):
        assert_problem(system.call("GET", f"{location}?{wrong}"), 400, "invalid-query")


def test_a_removed_file_is_gone_at_once_for_links_downloads_and_the_manifest(system: System) -> None:
    started = system.start_export(SMALL, HARBOUR, prefer="wait=60")
    location, link = started.headers["location"], started.json["downloadUrl"]
    assert request("GET", link).status == 200

    removed = [system.call("DELETE", f"{location}/file") for _ in range(2)]

    assert [(answer.status, answer.json["fileStatus"]) for answer in removed] == [(200, "Removed")] * 2
    assert request("GET", link).status == 404
    for part in ("download", "manifest"):
        problem = assert_problem(system.call("GET", f"{location}/{part}"), 410, "expired")
        assert "was removed before its expiry date" in problem["detail"]
    shown = system.call("GET", location).json
    assert (shown["status"], shown["fileStatus"], shown["downloadUrl"]) == ("Completed", "Removed", None)


def test_a_key_without_the_scope_to_read_gets_no_link(system: System) -> None:
    account = StorageAccount(system.storage)
    scopes = ("exports:write", "fields:sensitive")
    key = key_of_text(WRITE_ONLY_KEY, name="writer", tenants=(HARBOUR,), scopes=scopes, created=NOON)
    TableKeyStore(account).add(key)
    account.tables.close()
    job = system.call("POST", f"/tenants/{HARBOUR}{EXPORT}", SMALL, key=WRITE_ONLY_KEY, prefer="wait=60").json
    assert (job["status"], job["downloadUrl"]) == ("Completed", None)
