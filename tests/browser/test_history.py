"""The list of exports: what it shows, how it stays current, is searched, and what the reader can do with an export."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from exports.jobs.codes import new_job_code
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.request.filters import ClientFilter
from tests.browser.conftest import assert_fast_once, jobs_of, locked_clients, newest_job, stored_jobs
from tests.browser.test_accessibility import assert_accessible
from tests.support.builders import a_job, a_spec
from tests.support.system import EXPORT, HARBOUR, KEY, NORTHWIND, System
from tests.support.visitor import TIMEOUT_MS, Visitor, read_download, shown_in

SCHEDULES = f"/tenants/{NORTHWIND}/clients/export/schedules"
NARROW = {"viewport": {"width": 320, "height": 740}}
GERMAN_AND_NARROW = NARROW | {"locale": "de-DE", "color_scheme": "dark"}
COVERED = """() => [...document.querySelectorAll('#view-history :is(button, input, select, a)')]
  .filter((each) => each.checkVisibility() && each.getClientRects().length)
  .filter((each) => {
    each.scrollIntoView({ block: 'center', inline: 'center' });
    const { left, top, width, height } = each.getClientRects()[0];
    const found = document.elementFromPoint(left + width / 2, top + height / 2);
    return !(found && (each.contains(found) || found.contains(each) && found.tagName === 'LABEL'));
  }).map((each) => each.outerHTML)"""
FIRST_ROWS_MS = """async () => {
  const rows = document.getElementById('recent-rows');
  rows.replaceChildren();
  const began = performance.now();
  location.hash = '#history';
  while (!rows.children.length) await new Promise((done) => setTimeout(done, 2));
  return performance.now() - began;
}"""
BODY: dict[str, Any] = {
    "columnMappings": [{"csvHeader": "Client", "targetField": "Code"}, {"csvHeader": "Who", "targetField": "Name"}],
    "filter": {"statuses": ["Active"], "search": "e"},
    "format": {"preset": "excelEu", "quoting": "all", "fileName": "mine"},
    "includeHeaders": False,
}


def row_of(job: Any) -> str:
    return f"#recent-rows tr:not(.details)[data-code='{job['code']}']"


def completed(number: int, tenant: str = NORTHWIND, **changes: Any) -> Job:
    """Build a job that ended some seconds ago; the jobs of higher numbers are older."""
    created = datetime.now(UTC) - timedelta(minutes=number)
    spec = a_spec(filter=ClientFilter(search="x"))
    job = a_job(tenant=tenant, code=new_job_code(created), created_date=created, spec=spec, status=JobStatus.QUEUED)
    done = job.begin(created).plan(7).complete(created + timedelta(seconds=65), 7, 2_000, timedelta(hours=24))
    return Job(**{name: getattr(done, name) for name in Job.__dataclass_fields__} | changes)


def test_a_row_says_who_exported_what_when_and_until_when_the_file_is_kept(visitor: Visitor, system: System) -> None:
    job = system.start_export(BODY, prefer="wait=60").json
    visitor.sign_in()
    visitor.go("history")
    visitor.expect_text(row_of(job), "by ")
    visitor.expect_text(f"{row_of(job)} td[data-column=content]", "2 columns")
    visitor.expect_text(f"{row_of(job)} td[data-column=content]", "status Active; containing “e”")
    visitor.expect_text(f"{row_of(job)} td[data-column=clients]", re.compile(r"\d"))
    visitor.expect_text(f"{row_of(job)} td[data-column=taken]", re.compile(r"^\d+:\d\d$"))
    visitor.expect_text(f"{row_of(job)} td[data-column=file]", re.compile(r"expires in 23 \w+ \d+ \w+"))


@pytest.mark.thorough
def test_the_time_until_a_file_expires_counts_down(visitor: Visitor, system: System) -> None:
    soon = completed(0, expiry_date=datetime.now(UTC) + timedelta(minutes=30))
    with stored_jobs(system) as jobs:
        jobs.create(soon)
    visitor.sign_in()
    visitor.go("history")
    left = visitor.at(f"#recent-rows tr[data-code='{soon.code}'] [data-until]")
    expect(left).to_have_text(re.compile(r"expires in 29:\d\d"), timeout=TIMEOUT_MS)
    before = left.inner_text()
    expect(left).not_to_have_text(before)


def test_the_row_of_a_running_export_changes_by_itself(visitor: Visitor, system: System, database_url: str) -> None:
    visitor.sign_in()
    with locked_clients(database_url):
        location = system.start_async(BODY)
        code = {"code": location.rsplit("/", 1)[-1]}
        visitor.go("history")
        expect(visitor.at(f"{row_of(code)} .pill")).not_to_have_attribute("data-status", "Completed")
    expect(visitor.at(f"{row_of(code)} .pill")).to_have_attribute("data-status", "Completed", timeout=TIMEOUT_MS)


def test_the_list_is_searched_and_filtered_and_the_address_keeps_that(visitor: Visitor, system: System) -> None:
    nightly = completed(1, created_by=None, schedule_code="0" * 20)
    marys = completed(2, created_by="Mary", file_name="needle.csv")
    with stored_jobs(system) as jobs:
        for job in (nightly, marys):
            jobs.create(job)
    visitor.sign_in()
    visitor.go("history")
    rows = visitor.at("#recent-rows tr")
    visitor.at("#recent-search").fill("NEEDLE")
    expect(rows).to_have_count(1)
    expect(rows).to_have_attribute("data-code", marys.code)
    visitor.at("#recent-search").fill("")
    visitor.at("#recent-person").fill("Mary")
    expect(rows).to_have_count(1)
    visitor.at("#recent-status").select_option("Cancelled")
    visitor.expect_text("#recent-empty", "No export matches these filters.")
    assert visitor.page.url.endswith("#history?status=Cancelled&createdBy=Mary")
    visitor.page.goto(f"{system.url}/#history?scheduleCode={'0' * 20}")
    visitor.page.reload()
    expect(rows).to_have_count(1, timeout=TIMEOUT_MS)
    expect(rows).to_have_attribute("data-code", nightly.code)


@pytest.mark.thorough
def test_the_filter_by_schedule_offers_schedules_by_name_and_keeps_the_address(
    visitor: Visitor, system: System
) -> None:
    body = {"name": "Every Monday", "cron": "0 6 * * 1", "timeZone": "UTC", "request": {}}
    made = system.call("POST", SCHEDULES, body)
    assert made.status == 201, made
    of_schedule = completed(1, created_by=None, schedule_code=made.json["code"])
    with stored_jobs(system) as jobs:
        jobs.create(of_schedule)
        jobs.create(completed(2, created_by="Mary"))
    visitor.sign_in()
    visitor.go("history")
    rows = visitor.at("#recent-rows tr")
    expect(rows.nth(1)).to_be_visible()
    visitor.at("#recent-schedule").select_option(label="Every Monday")
    expect(rows).to_have_count(1)
    expect(rows).to_have_attribute("data-code", of_schedule.code)
    visitor.expect_text("#recent-rows", "by a schedule")
    expect(visitor.page).to_have_url(re.compile(rf"#history\?scheduleCode={made.json['code']}$"))
    visitor.page.reload()
    expect(visitor.at("#recent-schedule option:checked")).to_have_text("Every Monday")
    expect(rows).to_have_count(1)
    visitor.at("#recent-schedule").select_option("")
    expect(rows.nth(1)).to_be_visible()
    expect(visitor.page).to_have_url(re.compile("#history$"))
    assert system.call("DELETE", f"{SCHEDULES}/{made.json['code']}").status == 204


def open_a_long_list(visitor: Visitor, system: System, **changes: Any) -> Locator:
    """Store thirty exports, and open the first part of their list. Return its rows."""
    with stored_jobs(system) as jobs:
        for number in range(30):
            jobs.create(completed(number, HARBOUR, **changes))
    visitor.sign_in(KEY, HARBOUR)
    visitor.go("history")
    rows = visitor.at("#recent-rows tr")
    expect(rows).to_have_count(25)
    return rows


def test_the_list_has_pages_back_and_forth(visitor: Visitor, system: System) -> None:
    rows = open_a_long_list(visitor, system)
    first = rows.first.get_attribute("data-code")
    expect(visitor.at("#newer")).to_be_hidden()
    visitor.at("#more").click()
    expect(rows.first).not_to_have_attribute("data-code", first or "")
    visitor.at("#newer").click()
    expect(rows.first).to_have_attribute("data-code", first or "")


@pytest.mark.thorough
def test_a_failed_step_to_older_exports_leaves_the_list_where_it_is(visitor: Visitor, system: System) -> None:
    rows = open_a_long_list(visitor, system)
    first = rows.first.get_attribute("data-code") or ""
    visitor.page.route("**/csv?*continuationToken=*", lambda route: route.fulfill(status=429, json={"title": "Later."}))
    visitor.at("#more").click()
    visitor.expect_text("#recent-problem", "Later.")
    visitor.page.unroute("**/csv?*continuationToken=*")
    visitor.at("#more").click()
    expect(rows.first).not_to_have_attribute("data-code", first)
    visitor.at("#newer").click()
    expect(rows.first).to_have_attribute("data-code", first)


def test_after_a_failed_change_of_a_filter_no_cursor_of_other_filters_is_sent(visitor: Visitor, system: System) -> None:
    rows = open_a_long_list(visitor, system, created_by="Filtered")
    visitor.page.route("**/csv?*createdBy=*", lambda route: route.fulfill(status=429, json={"title": "Later."}))
    visitor.at("#recent-person").fill("Filtered")
    visitor.expect_text("#recent-problem", "Later.")
    expect(visitor.at("#more")).to_be_hidden()
    visitor.page.unroute("**/csv?*createdBy=*")
    visitor.at("#refresh").click()
    expect(visitor.at("#more")).to_be_visible()
    first = rows.first.get_attribute("data-code") or ""
    visitor.at("#more").click()
    expect(rows.first).not_to_have_attribute("data-code", first)
    visitor.at("#recent-person").fill("Nobody of this name")
    visitor.expect_text("#recent-empty", "No export matches")

    asked = visitor.requests_where(lambda request: "/csv?" in request.url and "createdBy=" in request.url)
    assert [("Filtered" in request.url) for request in asked if "continuationToken" in request.url] == [True]


def test_the_filter_by_person_takes_any_name_and_suggests_the_readers_own(visitor: Visitor, system: System) -> None:
    with stored_jobs(system) as jobs:
        jobs.create(completed(1, created_by="Nora Older"))
    visitor.sign_in()
    visitor.go("history")
    name = system.call("GET", "/me").json["name"]
    expect(visitor.at(f"#people option[value='{name}']")).to_be_attached()
    visitor.at("#recent-person").fill("Nora Older")
    expect(visitor.at("#recent-rows tr")).to_have_count(1)
    visitor.page.reload()
    expect(visitor.at("#recent-person")).to_have_value("Nora Older")
    expect(visitor.at("#recent-rows tr")).to_have_count(1)


@pytest.mark.thorough
def test_ten_thousand_exports_show_their_first_rows_without_delay(visitor: Visitor, system: System) -> None:
    with stored_jobs(system) as jobs:
        store_at_once(jobs, [completed(number, HARBOUR) for number in range(10_000)])
    visitor.sign_in(KEY, HARBOUR)
    visitor.go("history")
    expect(visitor.at("#recent-rows tr")).to_have_count(25)

    def first_rows() -> float:
        visitor.go("export")
        return float(visitor.evaluate(FIRST_ROWS_MS))

    assert_fast_once(first_rows, 200)


def store_at_once(jobs: Any, many: list[Job]) -> None:
    """Store jobs in transactions of a hundred, because one by one takes minutes."""
    from exports.adapters.storage.jobs import _to_entity

    for start in range(0, len(many), 100):
        jobs._table.submit_transaction([("upsert", _to_entity(job)) for job in many[start : start + 100]])


def open_details(visitor: Visitor, job: Any) -> None:
    visitor.at(f"{row_of(job)} [data-act=details]").click()
    expect(visitor.at(f"{row_of(job)} [data-act=details]")).to_have_attribute("aria-expanded", "true")


@pytest.mark.thorough
def test_the_open_details_of_a_running_export_tell_its_end(visitor: Visitor, system: System, database_url: str) -> None:
    visitor.sign_in()
    with locked_clients(database_url):
        location = system.start_async(BODY)
        visitor.go("history")
        open_details(visitor, {"code": location.rsplit("/", 1)[-1]})
        expect(visitor.at(".details [data-act=runAgain]")).to_have_count(0)
    expect(visitor.at(".details [data-act=runAgain]")).to_be_visible()
    visitor.expect_text(".details", "Ended")


def test_an_earlier_export_is_run_again_with_the_same_request(visitor: Visitor, system: System) -> None:
    job = system.start_export(BODY, prefer="wait=60").json
    before = jobs_of(system)
    visitor.sign_in()
    visitor.go("history")
    open_details(visitor, job)
    visitor.at("[data-act=runAgain]").click()
    visitor.expect_status("Completed")
    assert len(jobs_of(system) - before) == 1
    codes = (job["code"], newest_job(system)["code"])
    request, again = (system.job(f"/tenants/{NORTHWIND}{EXPORT}/{code}")["request"] for code in codes)
    assert request == again


def test_the_settings_of_an_earlier_export_are_put_into_the_form(visitor: Visitor, system: System) -> None:
    job = system.start_export(BODY, prefer="wait=60").json
    visitor.sign_in()
    visitor.go("history")
    open_details(visitor, job)
    visitor.at("[data-act=useSettings]").click()
    expect(visitor.at("#view-export")).to_be_visible()
    assert visitor.headings() == ["Client", "Who"]
    visitor.export()
    visitor.expect_status("Completed")
    assert read_download(visitor.download()) == system.export(BODY)


@pytest.mark.thorough
def test_an_empty_text_to_search_for_is_no_filter(visitor: Visitor, system: System) -> None:
    body = {"columnMappings": BODY["columnMappings"], "filter": {"search": "", "statuses": []}}
    job = system.start_export(body, prefer="wait=60").json
    visitor.sign_in()
    visitor.go("history")
    visitor.expect_text(f"{row_of(job)} td[data-column=content]", "all clients")
    open_details(visitor, job)
    visitor.at("[data-act=useSettings]").click()
    visitor.expect_text("#summary", "2 columns, all clients")
    expect(visitor.at("#problem")).to_be_hidden()


@pytest.mark.thorough
def test_details_call_columns_as_the_reader_does(visitor: Visitor, system: System) -> None:
    raw = [{"csvHeader": name, "targetField": name} for name in ("VatNumber", "Utr")]
    own = {"csvHeader": "Ours", "targetField": "CompanyUtr"}
    some = system.start_export({"columnMappings": [*raw, own]}, prefer="wait=60").json
    every = system.start_export({}, prefer="wait=60").json
    visitor.sign_in()
    visitor.go("history")
    open_details(visitor, some)
    visitor.expect_text(".details", "VAT number, UTR and Ours")
    open_details(visitor, every)
    visitor.expect_text(".details", "Every column")
    expect(visitor.at(".details")).not_to_contain_text("VatNumber")


def test_a_file_is_deleted_only_after_a_question(visitor: Visitor, system: System) -> None:
    job = system.start_export(BODY, prefer="wait=60").json
    visitor.sign_in()
    visitor.go("history")
    open_details(visitor, job)
    visitor.at("[data-act=deleteFile]").click()
    visitor.at("[data-act=keepFile]").click()
    visitor.at("[data-act=deleteFile]").click()
    visitor.at("[data-act=deleteNow]").click()
    visitor.expect_text(row_of(job), "The file was removed")
    assert system.job(f"/tenants/{NORTHWIND}{EXPORT}/{job['code']}")["fileStatus"] == "Removed"


@pytest.mark.thorough
def test_a_link_to_an_export_is_copied_and_opens_it(visitor: Visitor, system: System) -> None:
    job = system.start_export(BODY, prefer="wait=60").json
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.sign_in()
    visitor.go("history")
    open_details(visitor, job)
    visitor.at("[data-act=copyLink]").click()
    visitor.expect_text("#recent-rows", "Copied.")
    link = visitor.evaluate("navigator.clipboard.readText()")
    assert link == f"{system.url}/#history?job={job['code']}"
    visitor.page.goto("about:blank")
    visitor.page.goto(link)
    visitor.expect_status("Completed")


def test_an_opened_export_whose_file_has_expired_is_not_called_ready(visitor: Visitor, system: System) -> None:
    job = completed(3, expiry_date=datetime.now(UTC) - timedelta(minutes=1))
    with stored_jobs(system) as jobs:
        jobs.create(job)
    visitor.sign_in()
    visitor.page.goto(f"{system.url}/#history?job={job.code}")
    visitor.expect_text("#job-title", "The file has expired")
    visitor.expect_text("#job-note", "Export again to get a new file.")
    expect(visitor.at("#job-download")).to_be_hidden()


@pytest.mark.thorough
@shown_in({"wide": {}, "German, 320 px, dark": GERMAN_AND_NARROW})
def test_nothing_covers_anything_at_any_width_and_all_states_are_accessible(visitor: Visitor, system: System) -> None:
    job = system.start_export({**BODY, "format": {"fileName": "a-very-long-name-" * 6}}, prefer="wait=60").json
    visitor.sign_in()
    visitor.go("history")
    expect(visitor.at(row_of(job))).to_be_visible()
    assert_accessible(visitor)
    open_details(visitor, job)
    visitor.at("[data-act=deleteFile]").click()
    assert_accessible(visitor)
    widths = itertools.chain(range(320, 1700, 120)) if visitor.page.viewport_size["width"] > 1000 else (320,)  # type: ignore[index]
    for width in widths:
        visitor.page.set_viewport_size({"width": width, "height": 800})
        assert visitor.evaluate(COVERED) == [], width
        assert not visitor.overflows(), width
