"""Only a download counts as one, and the browser saves the file under its name."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import expect

from exports.jobs.job import Job
from tests.browser.conftest import stored_jobs
from tests.browser.test_history import open_details
from tests.e2e.test_audit_over_http import read
from tests.support.system import HARBOUR, KEY, System
from tests.support.visitor import Visitor


def of_a_schedule(system: System) -> Any:
    """Return a completed job with a file, which looks as if a schedule had started it."""
    job = system.start_export({}, HARBOUR, prefer="wait=60").json
    with stored_jobs(system) as jobs:
        jobs.change(HARBOUR, job["code"], lambda job: replace(job, schedule_code="0" * 20, created_by=None))
    return job


def stored(system: System, code: str) -> Job:
    with stored_jobs(system) as jobs:
        found = jobs.get(HARBOUR, code)
    assert found
    return found


def test_looking_at_an_export_is_no_download_and_pressing_the_button_is(visitor: Visitor, system: System) -> None:
    job = of_a_schedule(system)
    visitor.sign_in(KEY, HARBOUR)
    visitor.go("history")
    open_details(visitor, job)
    visitor.at("[data-act=open]").click()
    expect(visitor.at("#job-download")).to_have_text(re.compile(re.escape(job["fileName"])))
    visitor.page.goto("about:blank")
    visitor.page.goto(f"{system.url}/#history?job={job['code']}")
    visitor.expect_status("Completed")
    visitor.expect_text("#job-note", "until")
    visitor.at("#job-settings").click()
    expect(visitor.at("#view-export h1")).to_be_focused()

    assert stored(system, job["code"]).downloaded_date is None
    entries = [(entry["action"], entry["linkSource"]) for entry in read(system, f"code={job['code']}")]
    assert entries == [("Started", None), ("LinkGiven", "Start")]

    visitor.download()
    assert stored(system, job["code"]).downloaded_date
    assert [entry["linkSource"] for entry in read(system, f"code={job['code']}")] == [None, "Start", "Status"]


@pytest.mark.parametrize(
    "wanted", ["50 % off%20", *(pytest.param(each, marks=pytest.mark.thorough) for each in ("x%E9", "Ä%2F"))]
)
def test_a_browser_saves_a_file_under_the_name_that_the_page_shows(
    visitor: Visitor, system: System, wanted: str
) -> None:
    job = system.start_export({"format": {"fileName": wanted}}, HARBOUR, prefer="wait=60").json
    visitor.sign_in(KEY, HARBOUR)
    visitor.page.goto("about:blank")
    visitor.page.goto(f"{system.url}/#history?job={job['code']}")
    visitor.expect_status("Completed")
    assert visitor.download().suggested_filename == job["fileName"] == f"{wanted}.csv"
