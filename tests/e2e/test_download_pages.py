"""The address of a download, opened in a browser: a problem is a page in words, and for programs a document."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from exports.adapters.storage.jobs import TableJobStore
from shared.storage import StorageAccount
from tests.support.conformance import assert_conforms
from tests.support.http_client import Response, request
from tests.support.system import EXPORT, HARBOUR, KEY, NORTHWIND, NORTHWIND_KEY, System, code_of

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
"""The header `Accept` of Firefox and Chromium when a person opens an address."""
FEW = {"filter": {"types": ["Charity"]}}


def open_in_browser(location: str, key: str | None = KEY, language: str = "en") -> Response:
    headers = {"accept": BROWSER, "accept-language": language} | ({"x-api-key": key} if key else {})
    return request("GET", f"{location}/download", headers=headers)


def completed(system: System, tenant: str = NORTHWIND) -> str:
    """Export a few clients; return the address of the job."""
    return system.start_export(FEW, tenant).headers["location"]


@pytest.fixture(scope="module")
def removed(system: System) -> str:
    """The address of a job whose file was removed."""
    location = completed(system)
    assert system.call("DELETE", f"{location}/file").status == 200
    return location


@pytest.fixture(scope="module")
def expired(system: System) -> str:
    """The address of a job whose expiry date has come."""
    location = completed(system)
    account = StorageAccount(system.storage)
    past = datetime.now(UTC)
    TableJobStore(account).change(NORTHWIND, code_of(location), lambda job: replace(job, expiry_date=past))
    account.tables.close()
    return location


@pytest.fixture(scope="module")
def foreign(system: System) -> str:
    """The address of a job of another tenant than that of `NORTHWIND_KEY`."""
    return completed(system, HARBOUR)


@pytest.fixture(scope="module")
def addresses(system: System, removed: str, expired: str, foreign: str) -> dict[str, str]:
    """The address of a job for each state of its download."""
    unknown = f"{system.url}/tenants/{NORTHWIND}{EXPORT}/{'0' * 25}"
    as_own = foreign.replace(f"/{HARBOUR}/", f"/{NORTHWIND}/")
    dead = {"removed": removed, "expired": expired, "foreign": foreign, "foreign as if own": as_own}
    return dead | {"unknown": unknown, "without key": unknown}


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        ("removed", 410, "The file is no longer available"),
        ("expired", 410, "The file is no longer available"),
        ("unknown", 404, "There is no such export here"),
        ("foreign as if own", 404, "it belongs to another tenant"),
        ("foreign", 403, "You may not do this"),
        ("without key", 401, "sign in first"),
    ],
)
def test_a_dead_download_is_a_page_of_ours_in_a_browser(
    addresses: dict[str, str], state: str, status: int, words: str
) -> None:
    location = addresses[state]
    answer = open_in_browser(location, None if state == "without key" else NORTHWIND_KEY)

    assert answer.status == status
    assert_conforms("GET", f"{location}/download", answer)
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    text = answer.body.decode()
    assert words in text
    link = re.search(r'href="((?:\.\./)+)#history\?job=(\w+)"', text)
    assert link is not None
    assert (link[1], link[2]) == ("../" * 6, location.rsplit("/", 1)[1])


def test_a_dead_download_is_told_in_the_language_of_the_browser(removed: str) -> None:
    answer = open_in_browser(removed, KEY, "de-DE,de;q=0.9")

    assert answer.headers["content-language"] == "de"
    assert "Die Datei ist nicht mehr verfügbar" in answer.body.decode()


def test_a_program_gets_the_problem_of_a_dead_download_as_a_document(
    system: System, removed: str, expired: str, foreign: str
) -> None:
    for location, status in ((removed, 410), (expired, 410), (foreign, 403)):
        answer = system.call("GET", f"{location}/download", key=NORTHWIND_KEY)

        assert answer.status == status
        assert answer.headers["content-type"].startswith("application/problem+json")


def test_a_browser_that_may_download_gets_the_file(system: System) -> None:
    started = system.start_export(FEW)
    location, file = started.headers["location"], request("GET", started.json["downloadUrl"]).body

    assert open_in_browser(location).body == file
