"""The audit log over HTTP says what the command says, in parts, to callers with the scope alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from shared.lists import encode_token
from tests.e2e.test_audit import BODY, audit_of_today
from tests.e2e.test_bad_input import assert_problem
from tests.support.http_client import Response
from tests.support.system import HARBOUR, NORTHWIND, NORTHWIND_KEY, System

OF_HARBOUR = f"/tenants/{HARBOUR}/audit"


def get(system: System, query: str = "", path: str = OF_HARBOUR) -> Response:
    return system.call("GET", f"{path}?{query}")


def read(system: System, query: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """Return all entries of a list, read in parts; of yesterday too if midnight has just passed."""
    now = datetime.now(UTC)
    found: list[dict[str, Any]] = []
    for day in sorted({(now - timedelta(minutes=2)).date(), now.date()}):
        token = ""
        while True:
            response = get(system, f"day={day}&limit={limit}&{query}{token}")
            assert response.status == 200, response
            assert len(response.json["data"]) <= limit
            found += response.json["data"]
            if not response.json["hasMore"]:
                break
            token = f"&continuationToken={response.json['continuationToken']}"
    return found


@pytest.fixture(scope="module")
def code(system: System) -> Any:
    """The code of a job of `harbour` that was started, read, and whose file was removed."""
    started = system.start_export(BODY, HARBOUR)
    location = started.headers["location"]
    assert system.call("GET", location).status == 200
    assert system.call("DELETE", f"{location}/file").status == 200
    return started.json["code"]


def test_the_audit_log_over_http_has_the_entries_of_the_command(system: System, code: str) -> None:
    wanted = [entry for entry in audit_of_today(system, HARBOUR) if entry["code"] == code]
    assert [entry["action"] for entry in wanted] == ["Started", "LinkGiven", "LinkGiven", "FileRemoved"]
    assert read(system, f"code={code}") == wanted
    assert [entry for entry in read(system) if entry["code"] == code] == wanted


@pytest.mark.parametrize("limit", [1, 3])
def test_an_audit_list_in_parts_has_every_entry_once_and_in_order(system: System, code: str, limit: int) -> None:
    assert read(system, f"code={code}", limit) == read(system, f"code={code}")


def test_an_audit_list_has_only_entries_that_meet_every_condition(system: System, code: str) -> None:
    actor = read(system, f"code={code}")[0]["actor"]
    same = f"code={code}&actor={actor}"
    assert [entry["action"] for entry in read(system, f"{same}&action=LinkGiven")] == ["LinkGiven"] * 2
    removed = read(system, f"{same}&action=Started&action=FileRemoved")
    assert [entry["action"] for entry in removed] == ["Started", "FileRemoved"]
    for nothing in (f"code={code}&actor=another", f"{same}&action=Cancelled", f"code={quote(chr(39) + ' or 1 eq 1')}"):
        assert read(system, nothing) == []


def test_an_audit_list_without_a_day_is_of_today(system: System, code: str) -> None:
    assert get(system, f"code={code}").json["data"] in ([], read(system, f"code={code}"))
    assert get(system, "day=2001-01-01").json["data"] == []


def test_no_audit_list_has_entries_of_another_tenant(system: System, code: str) -> None:
    theirs = system.call("GET", f"/audit?code={code}", key=NORTHWIND_KEY)
    assert (theirs.status, theirs.json["data"]) == (200, [])
    assert {entry["tenant"] for entry in read(system)} == {HARBOUR}
    refused = system.call("GET", OF_HARBOUR, key=NORTHWIND_KEY)
    assert (refused.status, refused.json["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "query",
    [
        "day=2026-02-30",
        "day=20260131",
        "day=2026-W01-1",
        "day=",
        "day=yesterday",
        "action=Exploded",
        "actor=",
        "code=%00",
        "limit=0",
        "limit=101",
        "since=2026-01-31",
        "continuationToken=nonsense",
        f"continuationToken={encode_token('x')}",
        f"day=2026-01-30&continuationToken={encode_token('2026-01-31T00:00:00.000000-0123456789abcdef')}",
    ],
)
def test_a_wrong_query_of_the_audit_log_is_refused_with_a_reason(system: System, query: str) -> None:
    assert_problem(get(system, query), 400, "invalid-query")


def test_a_continued_audit_list_stays_on_its_day(system: System, code: str) -> None:
    entries = read(system, f"code={code}")
    begun = encode_token(f"{entries[0]['moment'][:10]}T00:00:00.000000-0000000000000000")
    assert get(system, f"code={code}&continuationToken={begun}").json["data"] == entries
    long_ago = encode_token("2001-01-01T00:00:00.000000-0123456789abcdef")
    assert get(system, f"continuationToken={long_ago}").json["data"] == []
    assert system.call("GET", f"/tenants/{NORTHWIND}/audit?continuationToken={begun}").status == 200
