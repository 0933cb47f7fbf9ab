"""A running export is watched: its rate, its times, what a cancel keeps, and what its end means."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from exports.jobs.failures import INTERRUPTED, Failure, unexpected_failure
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.triggers.http.ui.texts import languages
from tests.browser.conftest import locked_clients, start_in_page, stopped_halfway, stored_jobs
from tests.browser.test_accessibility import assert_accessible
from tests.support.builders import a_job
from tests.support.each_case import assert_each
from tests.support.failures import every_failure
from tests.support.system import NORTHWIND, System
from tests.support.visitor import TIMEOUT_MS, Visitor, shown_in

NARROW = {"viewport": {"width": 320, "height": 740}}
GERMAN_AND_DARK = {"locale": "de-DE", "color_scheme": "dark"}
NOTIFICATIONS = """
  window.notices = [];
  document.hasFocus = () => false;
  window.Notification = class {
    static permission = 'default';
    static requestPermission() { Notification.permission = 'granted'; return Promise.resolve('granted'); }
    constructor(title, options) { window.notices.push([title, options.body]); }
  };
"""


@shown_in({"wide": {}, "320 px": NARROW})
def test_a_running_export_shows_its_rate_its_times_and_a_chart(
    visitor: Visitor, system: System, database_url: str
) -> None:
    visitor.sign_in()
    with stopped_halfway(system, database_url, lambda: start_in_page(visitor, system)):
        expect(visitor.at("#job-chart polyline")).to_be_attached(timeout=TIMEOUT_MS)
        visitor.expect_text("#job-rate", re.compile(r"\d"))
        visitor.expect_text("#job-chart-text", re.compile(r"at most [\d,]+"))
        visitor.expect_text("#job-elapsed", re.compile(r"^\d+:\d\d$"))
        visitor.expect_text("#job-left", re.compile(r"^(\d+:\d\d|not known yet)$"))
        before = visitor.at("#job-elapsed").inner_text()
        expect(visitor.at("#job-elapsed")).not_to_have_text(before)
        assert_accessible(visitor)
    visitor.expect_status("Completed")
    expect(visitor.at("#job-figures")).to_be_hidden()
    visitor.expect_text("#job-text", re.compile(r"4,500 clients, .* in about"))


@pytest.mark.thorough
def test_a_cancel_says_what_is_kept_and_the_resume_reads_only_the_rest(
    visitor: Visitor, system: System, database_url: str
) -> None:
    visitor.sign_in()
    with stopped_halfway(system, database_url, lambda: start_in_page(visitor, system)) as location:
        visitor.at("#job-cancel").click()
        visitor.expect_status("Cancelled")
        kept = system.job(location)["keptItems"]
        assert kept > 0
        visitor.expect_text("#job-meaning", re.compile(r"[\d,]+ clients are kept until .*reads only the others"))
        assert_accessible(visitor)
    visitor.at("#job-resume").click()
    visitor.expect_status("Completed")
    pages = system.call("GET", f"{location}/manifest").json["pages"]
    assert {page["attempt"] for page in pages} == {1, 2}
    assert sum(page["rows"] for page in pages if page["attempt"] == 1) >= kept


def test_a_reader_who_looks_elsewhere_is_notified_of_the_end(visitor: Visitor, database_url: str) -> None:
    visitor.page.add_init_script(NOTIFICATIONS)
    visitor.sign_in()
    with locked_clients(database_url):
        visitor.export()
        visitor.at("#job-notify").click()
        expect(visitor.at("#job-notify")).to_be_hidden()
        visitor.expect_text("#announce", "You will be notified at the end if this page is still open.")
        visitor.expect_text("#job-note", "Only an open page can notify you of its end.")
    visitor.expect_status("Completed")
    ((title, text),) = visitor.evaluate("window.notices")
    assert title == "The file is ready"
    assert text.startswith("4,500 clients")
    assert visitor.page.title() == "Completed – Client export"


def failed(failure: Failure) -> Job:
    job = a_job(tenant=NORTHWIND, status=JobStatus.IN_PROGRESS, created_by="Anna")
    return job.begin(job.created_date).fail(job.created_date + timedelta(seconds=9), failure)


NO_RETRY = Failure(code="key-order", message="The order is another one.", retryable=False, resumable=False)
MENDED = Failure(code="source-refused", message="The password is wrong.", retryable=False, resumable=True)
ONCE_MORE = Failure(code="snapshot-lost", message="It was lost.", retryable=True, resumable=False)


FAILURES = {
    "resumable": (INTERRUPTED, "interrupted several times", "", "Resume"),
    "retryable": (ONCE_MORE, "lost the moment of the database", "No part of it is kept", "Export again"),
    "not retryable": (NO_RETRY, "sorts the clients in a way", "No part of it is kept", "Copy the details"),
    "resumable once it is mended": (MENDED, "refused the request", "resuming reads all clients", "Copy the details"),
    "unexpected": (unexpected_failure("7f3a"), "an unexpected error", "No part of it is kept", "Copy the details"),
}
"""A failure, what the page says about it, and the next step."""


@pytest.mark.thorough
def test_a_failure_says_what_happened_what_it_means_and_the_next_step(visitor: Visitor, system: System) -> None:
    def check(case: tuple[Failure, str, str, str]) -> None:
        failure, happened, means, step = case
        job = failed(failure)
        with stored_jobs(system) as jobs:
            jobs.create(job)
        visitor.page.goto("about:blank")
        visitor.page.goto(f"{system.url}/#history?job={job.code}")
        visitor.expect_status("Failed")
        visitor.expect_text("#job-text", happened)
        visitor.expect_text("#job-meaning", "There is no file, so nobody has received an incomplete one.")
        visitor.expect_text("#job-meaning", means)
        visitor.expect_text("#job-actions .primary:visible", step)
        visitor.at("#job-details summary").click()
        visitor.expect_text("#job-failure", failure.message)
        assert_accessible(visitor)

    visitor.sign_in()
    assert_each(FAILURES, check)


@shown_in({"English": {}, "German, 320 px": NARROW | GERMAN_AND_DARK})
def test_every_failure_is_told_in_the_language_of_the_page(visitor: Visitor, system: System) -> None:
    ended = {code: failed(failure) for code, failure in every_failure().items()}
    with stored_jobs(system) as jobs:
        for job in ended.values():
            jobs.create(job)
    visitor.sign_in()
    texts = languages()["de" if visitor.is_german() else "en"]
    steps = {texts.get("job", step) for step in ("resume", "again", "support", "settings")}
    for code, job in ended.items():
        visitor.page.goto(f"{system.url}/#history?job={job.code}")
        expect(visitor.at("#job-text")).to_have_text(texts.get("failureCodes", code))
        expect(visitor.at("#job-title")).to_have_text(texts.get("jobTitles", "Failed"))
        visitor.expect_text("#job-meaning", texts.get("outcome", "noFile"))
        expect(visitor.at("#job-actions .primary:visible")).to_have_count(1)
        assert visitor.at("#job-actions .primary:visible").inner_text() in steps, code
        assert job.failure
        assert job.failure.message not in visitor.at("#job").inner_text(), code
        expect(visitor.at("#job-failure[lang=en]")).to_have_text(job.failure.message)
    assert_accessible(visitor)
