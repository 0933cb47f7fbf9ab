"""The page tells a reader that texts of a file were cut, or that characters were left out of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.test_accessibility import assert_accessible
from tests.browser.test_history import open_details
from tests.browser.test_verify import check, payload
from tests.support.http_client import request
from tests.support.system import EXPORT, NORTHWIND, System
from tests.support.visitor import Visitor, shown_in

JOBS = f"/tenants/{NORTHWIND}{EXPORT}"
BODY: dict[str, Any] = {
    "columnMappings": [{"csvHeader": "Client", "targetField": "Code"}],
    "filter": {"search": "Ltd"},
    "format": {"preset": "xlsx"},
}
CUT = {"en": "1 text was longer than a cell can hold", "de": "1 Text war länger, als eine Zelle fasst"}
LEFT_OUT = {"en": "1,234 characters that no cell can hold", "de": "1.234 Zeichen, die keine Zelle fasst"}
BOTH = shown_in({"wide": {}, "German, 320 px": {"viewport": {"width": 320, "height": 740}, "locale": "de-DE"}})


def an_export(system: System) -> tuple[Any, Any]:
    """Export to a workbook; return the job, and its manifest as if its file lacked something."""
    job = system.start_export(BODY, prefer="wait=60").json
    manifest = system.call("GET", f"{JOBS}/{job['code']}/manifest").json
    assert "cutCells" not in manifest
    return job, manifest | {"cutCells": 1, "removedCharacters": 1234}


@BOTH
def test_the_details_of_an_export_tell_what_its_file_lacks(visitor: Visitor, system: System) -> None:
    job, manifest = an_export(system)
    visitor.page.route("**/manifest", lambda route: route.fulfill(json=manifest))
    visitor.sign_in()
    visitor.go("history")
    open_details(visitor, job)
    language = "de" if visitor.is_german() else "en"
    visitor.expect_text(".details", CUT[language])
    visitor.expect_text(".details", LEFT_OUT[language])
    assert not visitor.overflows()
    assert_accessible(visitor)


@pytest.mark.thorough
@BOTH
def test_an_export_that_has_just_ended_tells_what_its_file_lacks(visitor: Visitor, system: System) -> None:
    _, manifest = an_export(system)
    asked: list[Route] = []

    def answer(route: Route) -> None:
        asked.append(route)
        route.fulfill(json=manifest)

    visitor.page.route("**/manifest", answer)
    visitor.sign_in()
    visitor.export()
    language = "de" if visitor.is_german() else "en"
    visitor.expect_text("#job-losses", CUT[language])
    visitor.expect_text("#job-losses", LEFT_OUT[language])
    assert len(asked) == 1
    assert not visitor.overflows()
    assert_accessible(visitor)


@BOTH
def test_the_check_of_a_file_tells_what_the_file_lacks(visitor: Visitor, system: System) -> None:
    job, manifest = an_export(system)
    file = request("GET", job["downloadUrl"]).body
    visitor.sign_in()
    visitor.go("verify")
    visitor.at("#verify-manifest").set_input_files(payload("m.json", json.dumps(manifest).encode()))
    assert check(visitor, "clients.xlsx", file) == "proved"
    language = "de" if visitor.is_german() else "en"
    visitor.expect_text("#verdict", CUT[language])
    visitor.expect_text("#verdict", LEFT_OUT[language])
    assert check(visitor, "clients.xlsx", file + b"\n") == "long"
    expect(visitor.at("#verdict")).not_to_contain_text(CUT[language])


@pytest.mark.thorough
def test_details_without_the_proof_show_the_rest_and_the_reason(visitor: Visitor, system: System) -> None:
    job, _ = an_export(system)

    def fail(route: Route) -> None:
        route.fulfill(status=410, json={"status": 410, "code": "expired", "title": "Gone", "detail": "It is gone."})

    visitor.sign_in()
    visitor.go("history")
    open_details(visitor, job)
    expect(visitor.at(".details dl")).not_to_contain_text("Left out")
    visitor.at("#recent-rows [data-act=details][aria-expanded=true]").click()
    visitor.page.route("**/manifest", fail)
    open_details(visitor, job)
    visitor.expect_text(".details", job["code"])
    expect(visitor.at("#recent-problem")).to_be_visible()
