"""Exports in the ui: started once, watched, cancelled, resumed, downloaded."""

from __future__ import annotations

import itertools
import re

import pytest
from playwright.sync_api import Request, Route, expect

from tests.browser.conftest import jobs_of, locked_clients, newest_job, start_in_page, stopped_halfway
from tests.support.system import EXPORT, NORTHWIND, NORTHWIND_KEY, System
from tests.support.visitor import TIMEOUT_MS, Visitor, read_download


def is_start(request: Request) -> bool:
    return request.method == "POST" and request.url.endswith(EXPORT)


def is_poll(request: Request) -> bool:
    return request.method == "GET" and re.search(rf"{EXPORT}/[0-9a-z]{{20,}}\?link=false$", request.url) is not None


def asks_for_link(request: Request) -> bool:
    return request.method == "GET" and re.search(rf"{EXPORT}/[0-9a-z]{{20,}}$", request.url) is not None


def test_the_ui_downloads_the_same_file_as_the_api(visitor: Visitor, system: System) -> None:
    visitor.sign_in()
    visitor.export()
    visitor.expect_status("Completed")
    visitor.expect_text("#job-title", "The file is ready")
    visitor.expect_text("#job-text", "4,500 clients")
    download = visitor.download()

    assert download.suggested_filename == newest_job(system)["fileName"]
    assert read_download(download) == system.export({})


def test_the_key_is_stored_in_this_tab_only(visitor: Visitor) -> None:
    visitor.sign_in()

    assert visitor.page.url == f"{visitor.system.url}/"
    kept = visitor.evaluate("[{...sessionStorage}, localStorage.length, document.cookie]")
    assert kept == [{"client-export.key": NORTHWIND_KEY, "client-export.tenant": NORTHWIND}, 0, ""]
    visitor.at("#sign-out").click()
    assert visitor.evaluate("[sessionStorage.length, document.getElementById('key').value]") == [0, ""]


def test_a_double_click_starts_one_export(visitor: Visitor, system: System) -> None:
    visitor.sign_in()
    before = jobs_of(system)
    visitor.evaluate("(() => { const now = Date.now(); Date.now = () => now; })()")  # a busy machine clicks too late
    visitor.at("#export").dblclick()
    visitor.expect_status("Completed")
    visitor.at("#export").click()
    expect(visitor.at("#export")).not_to_have_attribute("aria-disabled", "true", timeout=TIMEOUT_MS)

    assert len(jobs_of(system) - before) == 1
    keys = [request.headers["idempotency-key"] for request in visitor.requests_where(is_start)]
    assert len(keys) >= 2
    assert len(set(keys)) == 1
    visitor.at("#headers").uncheck()
    visitor.export()
    expect(visitor.at("#export")).not_to_have_attribute("aria-disabled", "true", timeout=TIMEOUT_MS)
    assert len(jobs_of(system) - before) == 2


@pytest.mark.thorough
def test_a_retry_minutes_after_a_broken_connection_starts_no_second_export(visitor: Visitor, system: System) -> None:
    visitor.sign_in()
    before = jobs_of(system)

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    visitor.page.route("**/clients/export/csv", lose_the_answer, times=1)
    visitor.at("#export").click()
    visitor.expect_text("#problem", "cannot be reached")
    visitor.evaluate("(() => { const now = Date.now; Date.now = () => now() + 5 * 60 * 1000; })()")
    visitor.at("#export").click()
    visitor.expect_status("Completed")

    assert len(jobs_of(system) - before) == 1
    assert [error for error in visitor.errors if "ERR_FAILED" not in error] == []
    visitor.errors.clear()


def test_a_running_export_is_polled_cancelled_and_resumed(visitor: Visitor, system: System, database_url: str) -> None:
    visitor.sign_in()
    visitor.pick("Code", "Name")
    with locked_clients(database_url):
        visitor.export()
        visitor.expect_status("InProgress")
        visitor.wait_for_requests(is_poll, len(visitor.requests_where(is_poll)) + 3)
        assert_polite(visitor)
        visitor.at("#job-cancel").click()
        visitor.expect_status("Cancelled")
    job = newest_job(system)
    assert job["status"] == "Cancelled"

    visitor.expect_text("#job-meaning", "There is no file, and nobody can read what was written.")
    visitor.at("#job-resume").click()
    visitor.expect_status("Completed")
    assert newest_job(system)["code"] == job["code"]
    body = {"columnMappings": [{"csvHeader": name, "targetField": name} for name in ("Code", "Name")]}
    assert read_download(visitor.download()) == system.export(body)


def assert_polite(visitor: Visitor) -> None:
    """Check that polls are a second apart by the browser's clock, as `Retry-After` asks, and send the ETag."""
    last = visitor.requests_where(is_poll)[-1]
    polls = visitor.requests_where(lambda request: request.url == last.url)  # not those of a job that ran before
    begun_ms = [moment for poll in polls if (moment := poll.timing["startTime"]) > 0]
    assert len(begun_ms) >= 2
    assert all(after - before > 900 for before, after in itertools.pairwise(begun_ms))
    assert all("if-none-match" in poll.headers for poll in polls[1:])


@pytest.mark.thorough
def test_progress_is_shown_in_clients_and_percent(visitor: Visitor, system: System, database_url: str) -> None:
    visitor.sign_in()
    with stopped_halfway(system, database_url, lambda: start_in_page(visitor, system)):
        visitor.expect_text("#job-text", re.compile(r"[1-9][\d,]* of 4,500 clients, \d+%"))
        done = int(visitor.at("#job-bar").evaluate("bar => bar.value"))
        visitor.expect_text("#job-text", f"{done}%")
        assert visitor.page.title() == f"{done}% – Client export"
    visitor.expect_status("Completed")


def test_a_running_export_is_shown_again_after_a_reload(visitor: Visitor, database_url: str) -> None:
    visitor.sign_in()
    with locked_clients(database_url):
        visitor.export()
        visitor.expect_status("InProgress")
        visitor.page.reload()
        expect(visitor.at("#work")).to_be_visible()
        visitor.expect_status("InProgress")
    visitor.expect_status("Completed")


def test_an_export_of_another_person_is_not_called_yours(
    visitor: Visitor, system: System, database_url: str, key_without_sensitive_fields: str
) -> None:
    with locked_clients(database_url):
        path = f"/tenants/{NORTHWIND}{EXPORT}"
        started = system.call("POST", path, {}, key=key_without_sensitive_fields, prefer="respond-async")
        with visitor.page.expect_response(lambda answer: "csv?limit=10" in answer.url):
            visitor.sign_in()
        visitor.go("history")
        visitor.expect_text("#recent-rows tr:first-child", "by Test key")
        visitor.go("export")
        expect(visitor.at("#job")).to_be_hidden()
        assert system.call("DELETE", started.headers["location"]).status == 200


def test_a_broken_connection_loses_nothing(visitor: Visitor, system: System, database_url: str) -> None:
    context = visitor.page.context
    visitor.sign_in()
    before = jobs_of(system)
    context.set_offline(True)
    visitor.export()
    visitor.expect_text("#problem", "The service cannot be reached.")
    context.set_offline(False)
    with locked_clients(database_url):
        visitor.export()
        visitor.expect_status("InProgress")
        assert len(jobs_of(system) - before) == 1
        context.set_offline(True)
        visitor.expect_text("#job-note", "The export continues")
        context.set_offline(False)
    visitor.expect_status("Completed")


@pytest.mark.thorough
def test_a_button_in_the_list_downloads_the_file(visitor: Visitor, system: System) -> None:
    job = system.start_export({"columnMappings": [{"csvHeader": "Client", "targetField": "Code"}]}).json
    visitor.sign_in()
    visitor.go("history")
    with visitor.page.expect_download() as coming:
        visitor.at(f"tr[data-code='{job['code']}'] td[data-column=file] button").click()
    assert read_download(coming.value).startswith(b"Client\r\n")


def test_every_download_asks_for_a_link_that_has_not_expired(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.export()
    visitor.expect_status("Completed")
    with visitor.page.expect_response(lambda response: asks_for_link(response.request)) as answered:
        download = visitor.download()
    assert download.url == answered.value.json()["downloadUrl"]
    assert read_download(download).startswith(b"Name,Code")


@pytest.mark.thorough
def test_a_removed_file_is_told_in_plain_words_in_the_list_and_beside_the_job(visitor: Visitor, system: System) -> None:
    started = system.start_export({}, prefer="wait=60")
    visitor.sign_in()
    visitor.go("history")
    row = f"tr[data-code='{started.json['code']}']"
    expect(visitor.at(f"{row} td[data-column=file] button")).to_be_visible()
    assert system.call("DELETE", f"{started.headers['location']}/file").status == 200

    visitor.at(f"{row} td[data-column=file] button").click()
    visitor.expect_text("#job-title", "The file was removed")
    visitor.expect_text("#job-note", "Export again to get a new file.")
    visitor.go("history")
    visitor.expect_text(row, "The file was removed")


def test_a_file_whose_fields_the_key_may_not_see_is_not_downloaded_but_explained(
    visitor: Visitor, system: System, key_without_sensitive_fields: str
) -> None:
    columns = [{"csvHeader": "NI", "targetField": "NiNumber"}]
    job = system.start_export({"columnMappings": columns}, prefer="wait=60").json
    visitor.sign_in(key_without_sensitive_fields)

    visitor.go("history")
    visitor.at(f"tr[data-code='{job['code']}'] td[data-column=file] button").click()
    visitor.expect_status("Completed")
    visitor.expect_text("#job", "sensitive fields, which you may not see")
    expect(visitor.at("#job-download")).to_be_hidden()
