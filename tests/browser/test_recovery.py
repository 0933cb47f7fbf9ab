"""What a view needs is asked for until it is there, so nobody has to load the page again, or exports something else."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import FilePayload, Route, expect

from tests.browser.conftest import newest_job, start_in_page
from tests.support.system import NORTHWIND_KEY, System
from tests.support.visitor import Visitor

_BUSY: dict[str, Any] = {"status": 503, "headers": {"retry-after": "1"}, "json": {"code": "unavailable", "title": ""}}
_SELECTIONS = "**/csv-mappings?*"
_SCHEDULES = "**/export/schedules?*"


def fail_once(visitor: Visitor, url: str) -> None:
    """Let the next such request fail, as one that meets a restart of the service does."""
    visitor.page.route(url, lambda route: route.abort("internetdisconnected"), times=1)


def refuse_once(visitor: Visitor, url: str, busy: dict[str, Any]) -> list[Route]:
    """Let the next such request be refused, and keep the one after it waiting, so that the notice stays."""
    held = visitor.hold(url, times=1)
    visitor.page.route(url, lambda route: route.fulfill(**busy), times=1)
    return held


def release(visitor: Visitor, held: list[Route]) -> None:
    while not held:
        visitor.page.wait_for_timeout(50)
    held[0].continue_()


def open_address(visitor: Visitor, settings: str) -> None:
    visitor.page.goto(f"{visitor.system.url}/#export?{settings}")
    visitor.give_key(NORTHWIND_KEY)
    expect(visitor.at("#work")).to_be_visible()


def test_an_address_is_never_exported_as_all_clients_after_a_failed_request(visitor: Visitor, system: System) -> None:
    held = visitor.hold(_SELECTIONS, times=1)
    open_address(visitor, "statuses=Active&search=bakery")
    visitor.page.wait_for_function("document.querySelector('#request').inert")
    while not held:
        visitor.page.wait_for_timeout(50)
    held[0].abort("internetdisconnected")
    visitor.expect_text("#selections-missing", "This page tries again in about 2 seconds.")
    expect(visitor.at("#export")).to_have_attribute("aria-disabled", "true")
    visitor.at("#export").click()
    expect(visitor.at("#search")).to_have_value("bakery")
    expect(visitor.at("#selections-missing")).to_be_hidden()
    visitor.expect_text("#summary", "clients that match 2 filters")
    start_in_page(visitor, system)
    visitor.expect_status("Completed")
    assert newest_job(system)["filter"]["search"] == "bakery"


@pytest.mark.parametrize("visitor", [{"locale": "de-DE"}], indirect=True)
def test_a_german_reader_is_told_of_a_pause_in_good_german(visitor: Visitor) -> None:
    held = refuse_once(visitor, _SCHEDULES, _BUSY)
    visitor.sign_in()
    visitor.go("schedules")
    visitor.expect_text("#schedules-missing", "Diese Seite versucht es in etwa 1 Sekunde erneut.")
    assert "Versuchen Sie es" not in str(visitor.at("#schedules-missing").text_content())
    release(visitor, held)
    expect(visitor.at("#schedules-missing")).to_be_hidden()
    visitor.errors.clear()  # the browser writes the answer with status 503 into its console


def test_the_page_never_asks_again_without_a_pause(visitor: Visitor) -> None:
    held = refuse_once(visitor, _SCHEDULES, _BUSY | {"headers": {"retry-after": "0"}})
    visitor.sign_in()
    visitor.go("schedules")
    visitor.expect_text("#schedules-missing", "This page tries again in about 2 seconds.")
    release(visitor, held)
    visitor.errors.clear()  # the browser writes the answer with status 503 into its console


def test_without_an_address_the_form_can_be_used_before_the_selections_are_there(visitor: Visitor) -> None:
    refused: list[Route] = []

    def refuse(route: Route) -> None:
        refused.append(route)
        route.fulfill(**_BUSY)

    visitor.page.route(_SELECTIONS, refuse)
    visitor.sign_in()
    visitor.expect_text("#selections-missing", "This page tries again in about a second.")
    expect(visitor.at("#export")).not_to_have_attribute("aria-disabled", "true")
    visitor.choose("mapping")
    expect(visitor.at("#mapping option")).to_have_count(0)
    visitor.page.unroute(_SELECTIONS)
    expect(visitor.at("#mapping option").first).to_be_attached()
    expect(visitor.at("#selections-missing")).to_be_hidden()
    visitor.expect_text("#mapping-columns", "columns:")
    assert refused
    visitor.errors.clear()  # the browser writes each answer with status 503 into its console


def test_a_refused_export_stays_told_while_the_selections_are_asked_for_again(visitor: Visitor) -> None:
    asked: list[Route] = []

    def refuse(route: Route) -> None:
        asked.append(route)
        route.fulfill(**_BUSY)

    visitor.page.route(_SELECTIONS, refuse)
    visitor.page.route(
        "**/clients/export/csv",
        lambda route: route.fulfill(status=429, json={"code": "quota-exceeded", "title": ""}),
    )
    visitor.sign_in()
    visitor.expect_text("#selections-missing", "This page tries again")
    visitor.export()
    visitor.expect_text("#problem", "Your organization has reached its limit of exports.")
    before = len(asked)
    while len(asked) < before + 2:
        visitor.page.wait_for_timeout(50)
    visitor.expect_text("#problem", "Your organization has reached its limit of exports.")
    visitor.page.unroute(_SELECTIONS)
    expect(visitor.at("#selections-missing")).to_be_hidden()
    visitor.expect_text("#problem", "Your organization has reached its limit of exports.")
    visitor.errors.clear()  # the browser writes each answer with status 503 into its console


@pytest.mark.parametrize(
    ("view", "url", "appears"),
    [
        ("schedules", "**/export/schedules?*", "#schedules-empty, #schedules-list > li"),
        ("verify", "**/csv?status=Completed*", "#verify-job option:checked"),
    ],
)
def test_a_view_whose_list_failed_asks_for_it_again(
    visitor: Visitor, system: System, view: str, url: str, appears: str
) -> None:
    system.export({"columnMappings": [{"csvHeader": "Code", "targetField": "Code"}]})
    visitor.sign_in()
    fail_once(visitor, url)
    visitor.go(view)
    visitor.expect_text(f"#{view}-missing", "This page tries again in about 2 seconds.")
    expect(visitor.at(appears).first).to_be_attached()
    expect(visitor.at(f"#{view}-missing")).to_be_hidden()


def test_a_file_that_was_chosen_before_the_list_came_finds_its_export(visitor: Visitor, system: System) -> None:
    content = system.export({"columnMappings": [{"csvHeader": "Code", "targetField": "Code"}]})
    job = newest_job(system)
    visitor.sign_in()
    fail_once(visitor, "**/csv?status=Completed*")
    visitor.go("verify")
    visitor.expect_text("#verify-missing", "This page tries again")
    file = FilePayload(name=job["fileName"], mimeType="text/csv", buffer=content)
    visitor.at("#verify-file").set_input_files(file)
    expect(visitor.at("#verify-job")).to_have_value(job["code"])
