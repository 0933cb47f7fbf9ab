"""The address of a download, opened in a browser: a problem is a page in words, and for programs a document."""

from __future__ import annotations

import re

import pytest

from tests.support.http_client import Response, request
from tests.support.system import KEY, NORTHWIND, System

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
"""The header `Accept` of Firefox and Chromium when a person opens an address."""
FEW = {"filter": {"types": ["Charity"]}}


def open_in_browser(location: str, key: str | None = KEY, language: str = "en") -> Response:
    headers = {"accept": BROWSER, "accept-language": language} | ({"x-api-key": key} if key else {})
    return request("GET", f"{location}/download", headers=headers)


@pytest.fixture(scope="module")
def removed(system: System) -> str:
    """The address of a job whose file was removed."""
    location = system.start_export(FEW).headers["location"]
    assert system.call("DELETE", f"{location}/file").status == 200
    return location


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        ("removed", 410, "The file is no longer available"),
        ("unknown", 404, "There is no such export here"),
        ("without key", 401, "sign in first"),
    ],
)
def test_a_dead_download_is_a_page_of_ours_in_a_browser(
    system: System, removed: str, state: str, status: int, words: str
) -> None:
    unknown = f"{system.url}/tenants/{NORTHWIND}/clients/export/csv/{'0' * 25}"
    location = removed if state == "removed" else unknown
    answer = open_in_browser(location, None if state == "without key" else KEY)

    assert answer.status == status
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


def test_a_program_gets_the_problem_of_a_dead_download_as_a_document(system: System, removed: str) -> None:
    answer = system.call("GET", f"{removed}/download")

    assert answer.status == 410
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_a_browser_that_may_download_gets_the_file(system: System) -> None:
    started = system.start_export(FEW)
    location, file = started.headers["location"], request("GET", started.json["downloadUrl"]).body

    assert open_in_browser(location).body == file
