"""Every link that the page lets a person copy leads to the page, which says what became of the file."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import locked_clients, newest_job
from tests.browser.test_accessibility import assert_accessible
from tests.browser.test_history import open_details, row_of
from tests.support.system import EXPORT, HARBOUR, KEY, NORTHWIND, NORTHWIND_KEY, System
from tests.support.visitor import Visitor

ADDRESSES = """() => [...document.querySelectorAll('*')].flatMap((each) => [...each.attributes, { value: each.value }])
  .map(({ value }) => String(value ?? '')).filter((value) => /^https?:|[?&]sig=/.test(value))"""
LINKS = "() => [...document.querySelectorAll('a[href]')].map((each) => each.href)"
COPIERS = "[data-act^=copy], #job-support"


def export(visitor: Visitor, system: System) -> Any:
    visitor.export()
    visitor.expect_status("Completed")
    return newest_job(system)


def test_the_page_shows_and_copies_only_links_to_itself(visitor: Visitor, system: System) -> None:
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.sign_in()
    job = export(visitor, system)
    with visitor.page.expect_download():
        visitor.at("#job-download").click()
    visitor.go("history")
    open_details(visitor, job)
    copied = []
    for button in visitor.at(COPIERS).locator("visible=true").all():
        button.click()
        expect(visitor.at(".copied")).to_have_text("Copied.")
        copied.append(visitor.evaluate("navigator.clipboard.readText()"))

    assert copied == [f"{system.url}/#history?job={job['code']}"]
    shown = [*visitor.evaluate(LINKS), *visitor.evaluate(ADDRESSES)]
    assert shown
    assert [link for link in shown if not link.startswith(f"{system.url}/") or "sig=" in link] == []


@pytest.mark.thorough
def test_a_copied_link_says_in_words_that_the_file_was_removed(visitor: Visitor, system: System) -> None:
    visitor.sign_in()
    job = export(visitor, system)
    assert system.call("DELETE", f"/tenants/{NORTHWIND}{EXPORT}/{job['code']}/file").status == 200
    visitor.at("#sign-out").click()
    visitor.page.goto("about:blank")
    visitor.page.goto(f"{system.url}/#history?job={job['code']}")
    visitor.give_key(NORTHWIND_KEY)

    visitor.expect_status("Completed")
    visitor.expect_text("#job-title", "The file was removed")
    visitor.expect_text("#job-note", "Export again to get a new file.")
    expect(visitor.at("#job-download")).to_be_hidden()


def test_a_link_to_an_export_of_another_tenant_says_that_there_is_none(visitor: Visitor, system: System) -> None:
    visitor.sign_in()
    job = export(visitor, system)
    visitor.go("history")
    expect(visitor.at(row_of(job))).to_be_visible()
    visitor.at("#sign-out").click()
    visitor.page.goto(f"{system.url}/#history?job={job['code']}")
    visitor.page.reload()
    visitor.give_key(KEY)
    visitor.give_tenant(HARBOUR)

    visitor.expect_text("#link-problem", "There is no such export here.")
    visitor.at("#refresh").click()
    expect(visitor.at("#refresh")).not_to_have_attribute("aria-disabled", "true")
    visitor.expect_text("#link-problem", "it belongs to another tenant")
    assert_accessible(visitor)
    visitor.at("#recent-search").fill("a")
    expect(visitor.at("#link-problem")).to_be_hidden()
    expect(visitor.page).to_have_url(re.compile(r"#history\?search=a$"))


@pytest.mark.thorough
def test_a_link_opened_for_the_wrong_tenant_opens_after_a_change_of_the_tenant(
    visitor: Visitor, system: System
) -> None:
    job = system.start_export({}, prefer="wait=60").json
    visitor.sign_in(KEY, HARBOUR)
    visitor.page.goto(f"{system.url}/#history?job={job['code']}")
    visitor.expect_text("#link-problem", "it belongs to another tenant")
    visitor.at("#tenant-switch").select_option(NORTHWIND)
    visitor.expect_status("Completed")
    expect(visitor.at("#job-download")).to_have_text(re.compile(re.escape(job["fileName"])))


@pytest.mark.thorough
def test_what_is_wrong_with_a_link_stays_when_a_running_export_ends(
    visitor: Visitor, system: System, database_url: str
) -> None:
    visitor.sign_in()
    with locked_clients(database_url):
        visitor.export()
        visitor.expect_status("InProgress")
        job = newest_job(system)
        visitor.page.goto(f"{system.url}/#history?job={'0' * 26}")
        visitor.expect_text("#link-problem", "There is no such export here.")
    expect(visitor.at("#job")).to_have_attribute("data-status", "Completed")
    expect(visitor.at(f"{row_of(job)} .pill")).to_have_attribute("data-status", "Completed")
    expect(visitor.at("#link-problem")).to_be_visible()
