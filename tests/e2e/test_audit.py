"""The audit log shows who did what with the clients of which tenant, and contains no client data."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.commands import run_command
from tests.support.expected import records
from tests.support.http_client import request
from tests.support.system import HARBOUR, KEY, System, code_of

BODY = {
    "columnMappings": [
        {"csvHeader": "Who", "targetField": "Name"},
        {"csvHeader": "Mail", "targetField": "Email"},
    ],
    "filter": {"statuses": ["Active"], "search": "a"},
}


def audit_of_today(system: System, tenant: str) -> list[dict[str, Any]]:
    """Return the entries that the command prints for today, and for yesterday if midnight has just passed."""
    now = datetime.now(UTC)
    days = sorted({(now - timedelta(minutes=2)).date(), now.date()})
    lines: list[str] = []
    for day in days:
        done = run_command("audit", "--tenant", tenant, "--day", day.isoformat(), EXPORT_STORAGE=system.storage)
        assert done.code == 0, done
        lines += done.out.splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture
def completed(system: System) -> Any:
    """A completed job with two columns and a filter, and its location."""
    response = system.start_export(BODY, HARBOUR)
    assert response.json["status"] == "Completed"
    return response.json | {"location": response.headers["location"]}


def test_a_start_and_a_download_are_in_the_audit_log_with_their_details(system: System, completed: Any) -> None:
    file = request("GET", f"{completed['location']}/download", headers={"x-api-key": KEY}).body
    started, given, downloaded = [e for e in audit_of_today(system, HARBOUR) if e["code"] == completed["code"]]

    assert (given["action"], given["linkSource"]) == ("LinkGiven", "Start")
    assert (started["action"], started["rows"], started["bytes"]) == ("Started", None, None)
    assert (downloaded["action"], downloaded["rows"]) == ("Downloaded", completed["totalItems"])
    assert downloaded["bytes"] == completed["fileSize"] == len(file)
    for entry in (started, given, downloaded):
        assert entry["tenant"] == HARBOUR
        assert entry["fields"] == ["Name", "Email"]
        assert entry["filter"] == {"statuses": ["Active"], "search": "(given)"}
        assert entry["actor"]
        assert entry["actor"] not in ("", KEY)
        assert KEY.rpartition("_")[2] not in entry["actor"]


def test_every_link_is_in_the_audit_log_with_its_caller_and_its_answer(system: System, completed: Any) -> None:
    request("GET", f"{completed['location']}/download", headers={"x-api-key": KEY})
    shown = system.call("GET", completed["location"])
    assert system.call("GET", completed["location"], if_none_match=shown.headers["etag"]).status == 304
    assert system.call("DELETE", f"{completed['location']}/file").status == 200

    entries = [e for e in audit_of_today(system, HARBOUR) if e["code"] == completed["code"]]
    assert [(e["action"], e["linkSource"]) for e in entries] == [
        ("Started", None),
        ("LinkGiven", "Start"),
        ("Downloaded", None),
        ("LinkGiven", "Status"),
        ("FileRemoved", None),
    ]
    assert {e["actor"] for e in entries} == {entries[0]["actor"]}


def test_a_cancellation_and_a_resume_are_in_the_audit_log(system: System) -> None:
    location, _ = system.start_and_cancel({}, HARBOUR)
    assert system.call("POST", f"{location}/resume").status == 202
    system.wait(location)

    actions = [e["action"] for e in audit_of_today(system, HARBOUR) if e["code"] == code_of(location)]
    assert actions == ["Started", "Cancelled", "Resumed", "LinkGiven"]


def test_a_refused_request_is_not_in_the_audit_log(system: System, completed: Any) -> None:
    assert system.call("DELETE", completed["location"]).status == 409
    assert request("GET", f"{completed['location']}/download", headers={"x-api-key": "wrong"}).status == 401

    actions = [e["action"] for e in audit_of_today(system, HARBOUR) if e["code"] == completed["code"]]
    assert actions == ["Started", "LinkGiven"]


def test_the_audit_log_has_no_client_data_no_link_and_no_key(system: System, completed: Any) -> None:
    file = request("GET", f"{completed['location']}/download", headers={"x-api-key": KEY}).body
    entries = json.dumps([e for e in audit_of_today(system, HARBOUR) if e["code"] == completed["code"]])

    cells = {cell for row in records(file)[1:] for cell in row if len(cell) > 5}
    assert cells
    assert not [cell for cell in cells if cell in entries]
    assert "sig=" not in entries
    assert "://" not in entries
    assert KEY not in entries
