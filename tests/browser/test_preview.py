"""The preview of the ui: a live count, the first rows of the file, and the estimate beside them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Request, Route, expect

from exports.request.fields import TargetField
from exports.triggers.http.ui.texts import languages
from tests.support.system import System
from tests.support.visitor import Visitor, shown_in

LONG_MS = 10_000
"""Much longer than the form must rest before its preview is asked for. The clock of the page makes it pass at once."""
HIDE = """(hidden) => {
  Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""
TYPE_SMITH = """() => {
  const field = document.querySelector('#search');
  for (const letter of 'smith') {
    field.value += letter;
    field.dispatchEvent(new InputEvent('input', { bubbles: true }));
  }
}"""

FULL_PREVIEW = re.compile(r"/csv/preview\?count=full$")


def is_preview(request: Request) -> bool:
    return request.method == "POST" and request.url.endswith("/clients/export/csv/preview")


def is_estimate(request: Request) -> bool:
    return request.method == "POST" and request.url.endswith("/clients/export/csv/estimate")


def is_failed_preview(request: Request) -> bool:
    return is_preview(request) and request.failure is not None


def settle(visitor: Visitor) -> None:
    """Wait until the preview shows the form as it is."""
    expect(visitor.at("#preview")).to_have_attribute("aria-busy", "false")


def fetch_in_full(route: Route) -> APIResponse:
    """Fetch the full preview for a quick one, whose rows and count may be missing on a busy machine."""
    assert "?" not in route.request.url
    return route.fetch(url=f"{route.request.url}?count=full")


def shown_rows(visitor: Visitor) -> list[list[str]]:
    settle(visitor)
    rows = visitor.at("#preview-rows tr").all()
    return [[cell or "" for cell in row.locator("td").all_text_contents()] for row in rows]


def test_the_preview_shows_the_first_rows_of_the_very_file(visitor: Visitor, system: System) -> None:
    visitor.sign_in()
    visitor.pick("Code", "Name", "VatNumber", "RegisteredAddress")
    visitor.at("input[name=preset][value=excel]").check()
    visitor.at("input[name=statuses][value=Active]").check()
    settle(visitor)
    file = visitor.export_and_download().decode("utf-8-sig")
    header, *records = csv.reader(io.StringIO(file))

    assert visitor.at("#preview-head th").all_inner_texts() == header
    assert shown_rows(visitor) == records[:10]
    visitor.expect_text("#preview-count", f"{len(records):,} clients")
    visitor.at("#preview-raw summary").click()
    text = visitor.at("#preview-text").text_content()
    assert text
    assert file.startswith(text)


def test_the_export_button_does_not_move_when_the_count_appears(visitor: Visitor, system: System) -> None:
    """A click counts only if the button is still there when the mouse button goes up."""
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    visitor.page.route(lambda url: url.endswith("/csv/preview"), hold)
    with visitor.page.expect_request(is_preview):
        visitor.sign_in()
    expect(visitor.at("#export")).not_to_have_attribute("aria-disabled", "true")
    expect(visitor.at("#preview-count")).to_be_empty()
    before = visitor.at("#export").bounding_box()
    asked[0].continue_()
    visitor.expect_text("#preview-count", "4,500 clients")
    assert visitor.at("#export").bounding_box() == before


def test_the_count_follows_the_form_and_the_estimate_follows_the_count(visitor: Visitor, system: System) -> None:
    visitor.sign_in()
    visitor.expect_text("#preview-count", "4,500 clients")
    visitor.expect_text("#estimated-rows", "4,500")
    visitor.expect_text("[data-code=excel-changes-cells]", "it may drop leading zeros")
    visitor.at("#search").fill("no client is called this")
    visitor.expect_text("#preview-count", "0 clients")
    visitor.expect_text("#preview-notes", "No client matches")
    visitor.expect_text("#estimated-rows", "0")
    expect(visitor.at("#preview-table")).to_be_hidden()


RAW = re.compile("|".join(rf"\b{field.value}\b" for field in TargetField if re.search("[a-z][A-Z]", field.value)))
"""The names of the API for fields that no text of the page has."""


@shown_in({"English": {}, "German": {"locale": "de-DE"}})
def test_warnings_call_columns_as_the_reader_does(visitor: Visitor) -> None:
    visitor.sign_in()
    labels = languages()["de" if visitor.is_german() else "en"].sections["fields"]
    told = visitor.at("[data-code=excel-changes-cells] .hint")
    expect(told).to_contain_text(str(labels["CompanyNumber"]))
    assert not RAW.search(told.inner_text())

    visitor.page.goto(f"{visitor.system.url}/#export?columns=CompanyNumber,Utr:Name")
    expect(visitor.at("#chosen li")).to_have_count(2)
    expect(told).to_have_text(re.compile(rf"^\w+ {labels['CompanyNumber']} \w+ Name\.$"))


def test_the_rows_appear_before_many_clients_are_counted(visitor: Visitor) -> None:
    visitor.sign_in()
    settle(visitor)

    def leave_uncounted(route: Route) -> None:
        answer = fetch_in_full(route)
        route.fulfill(response=answer, json=answer.json() | {"totalItems": None, "minimumItems": 10_000})

    visitor.page.route("**/csv/preview", leave_uncounted, times=1)
    held = visitor.hold(FULL_PREVIEW)
    visitor.at("#search").fill("smith")
    visitor.expect_text("#preview-count", "At least 10,000 clients")
    assert shown_rows(visitor)

    visitor.wait_for_requests(lambda request: FULL_PREVIEW.search(request.url) is not None, 1)
    held[0].continue_()
    expect(visitor.at("#preview-count")).to_have_text(re.compile(r"^[0-9,]+ clients$"))
    expect(visitor.at("#estimated")).to_be_visible()


UNFINISHED = {"rowsComplete": False, "totalItems": None, "minimumItems": 1}


def find_one(route: Route) -> None:
    """Answer a quick preview as if the service had found one row in time."""
    answer = fetch_in_full(route)
    route.fulfill(response=answer, json=answer.json() | UNFINISHED | {"rows": answer.json()["rows"][:1]})


@pytest.mark.parametrize("is_found_at_last", [True, pytest.param(False, marks=pytest.mark.thorough)])
def test_rows_that_take_long_to_find_follow_those_that_were_found(visitor: Visitor, is_found_at_last: bool) -> None:
    visitor.sign_in()
    settle(visitor)
    visitor.page.route("**/csv/preview", find_one, times=1)
    held = visitor.hold(FULL_PREVIEW)
    visitor.at("#search").fill("smith")
    visitor.expect_text("#preview-count", "At least 1 client")
    visitor.expect_text("#preview-notes p:last-child", "Still looking for clients that match…")
    assert len(shown_rows(visitor)) == 1

    visitor.wait_for_requests(lambda request: FULL_PREVIEW.search(request.url) is not None, 1)
    if is_found_at_last:
        held[0].continue_()
        expect(visitor.at("#preview-count")).to_have_text(re.compile(r"^[0-9,]+ clients$"))
        assert len(shown_rows(visitor)) > 1
        expect(visitor.at("#estimated")).to_be_visible()
    else:
        held[0].fulfill(response=(answer := held[0].fetch()), json=answer.json() | UNFINISHED | {"rows": []})
        expect(visitor.at("#preview-notes")).to_have_text(re.compile("The export finds all clients"))
        assert shown_rows(visitor) == []


def warn_of_long_cells(visitor: Visitor, path: str, columns: Sequence[str] = ("Website",)) -> None:
    warning = {"code": "cells-too-long", "message": "The service's own words.", "columns": list(columns)}

    def answer(route: Route) -> None:
        found = fetch_in_full(route) if path.endswith("/preview") else route.fetch()
        route.fulfill(response=found, json=found.json() | {"warnings": [warning]})

    visitor.page.route(path, answer)


def test_a_preview_says_that_text_is_too_long_for_a_workbook(visitor: Visitor) -> None:
    warn_of_long_cells(visitor, "**/csv/preview")
    visitor.sign_in()
    expect(visitor.at("#preview-warnings li")).to_be_visible()
    expect(visitor.at("#preview-warnings")).to_contain_text("Some texts are longer than a cell of a workbook can hold.")
    expect(visitor.at("#preview-warnings p:last-child")).to_have_text("In Website.")


@pytest.mark.thorough
@shown_in({"English": {}, "German": {"locale": "de-DE"}})
def test_a_warning_names_its_columns_alike_in_preview_and_estimate(visitor: Visitor) -> None:
    columns = [field.value for field in TargetField][:9]
    for part in ("preview", "estimate"):
        warn_of_long_cells(visitor, f"**/csv/{part}", columns)
    visitor.sign_in()
    told, said = visitor.at("#warnings li .hint"), visitor.at("#preview-warnings li .hint")
    expect(told).to_have_text(re.compile(r"\b3 (more columns|weiteren Spalten)\b"))
    expect(said).to_have_text(told.inner_text())
    assert not RAW.search(said.text_content() or "")


@pytest.mark.thorough
def test_a_warning_of_preview_and_estimate_is_shown_once(visitor: Visitor) -> None:
    warn_of_long_cells(visitor, "**/csv/preview")
    warn_of_long_cells(visitor, "**/csv/estimate")
    visitor.sign_in()
    expect(visitor.at("#warnings li")).to_contain_text("Some texts are longer than a cell of a workbook can hold.")
    expect(visitor.at("#preview-warnings")).to_contain_text("Some texts are longer than a cell of a workbook can hold.")
    expect(visitor.at("#preview-warnings li")).to_be_hidden()


@pytest.mark.thorough
def test_rows_that_a_busy_service_did_not_find_are_asked_for_again(visitor: Visitor) -> None:
    visitor.sign_in()
    settle(visitor)
    busy: dict[str, Any] = {"status": 503, "headers": {"retry-after": "1"}, "json": {"code": "busy", "detail": "Busy."}}
    asked: list[Route] = []

    def be_busy_at_first(route: Route) -> None:
        asked.append(route)
        if len(asked) == 1:
            route.fulfill(**busy)
        else:
            route.continue_()

    visitor.page.route("**/csv/preview", find_one)
    visitor.page.route(FULL_PREVIEW, be_busy_at_first)
    before = len(visitor.requests_where(lambda request: FULL_PREVIEW.search(request.url) is not None))
    visitor.at("#search").fill("smith")
    visitor.wait_for_requests(lambda request: FULL_PREVIEW.search(request.url) is not None, before + 2)
    expect(visitor.at("#preview-count")).to_have_text(re.compile(r"^[0-9,]+ clients$"))
    expect(visitor.at("#preview-notes")).not_to_have_text(re.compile("Still looking|The export finds"))
    assert len(shown_rows(visitor)) > 1
    assert len(asked) == 2
    assert [error for error in visitor.errors if "status of 503" not in error] == []
    visitor.errors.clear()


def test_typing_asks_for_one_preview_after_the_last_letter(visitor: Visitor) -> None:
    visitor.sign_in()
    settle(visitor)
    before = len(visitor.requests_where(is_preview))
    # in one step of the browser: on a busy machine the pauses between real keys may be long enough for a preview
    visitor.evaluate(TYPE_SMITH)
    settle(visitor)

    assert len(visitor.requests_where(is_preview)) == before + 1
    last: Any = visitor.requests_where(is_preview)[-1].post_data_json
    assert last["filter"] == {"search": "smith"}


def test_a_late_preview_of_an_earlier_form_is_cancelled_and_never_shown(visitor: Visitor) -> None:
    visitor.sign_in()
    settle(visitor)
    visitor.hold("**/csv/preview", times=1)
    visitor.at("#search").fill("smith")
    visitor.wait_for_requests(lambda request: is_preview(request) and "smith" in (request.post_data or ""), 1)
    with visitor.page.expect_event("requestfailed", is_failed_preview) as failed:
        visitor.at("#search").fill("no client is called this")
    visitor.expect_text("#preview-count", "0 clients")

    assert "smith" in (failed.value.post_data or "")


@pytest.mark.thorough
def test_a_hidden_page_asks_for_no_preview(visitor: Visitor) -> None:
    visitor.page.clock.install()
    visitor.sign_in()
    settle(visitor)
    visitor.evaluate(HIDE, True)
    before = len(visitor.requests_where(is_preview))
    visitor.at("#search").fill("smith")
    visitor.page.clock.run_for(LONG_MS)
    assert len(visitor.requests_where(is_preview)) == before

    visitor.evaluate(HIDE, False)
    settle(visitor)
    assert len(visitor.requests_where(is_preview)) == before + 1


def test_a_hidden_view_asks_for_no_preview(visitor: Visitor) -> None:
    visitor.page.clock.install()
    visitor.sign_in()
    settle(visitor)
    before = len(visitor.requests_where(is_preview))
    visitor.at("#search").fill("smith")
    visitor.at("nav a[href='#history']").click()
    visitor.page.clock.run_for(LONG_MS)
    assert len(visitor.requests_where(is_preview)) == before

    visitor.at("nav a[href='#export']").click()
    settle(visitor)
    assert len(visitor.requests_where(is_preview)) == before + 1


def test_a_preview_leaves_out_sensitive_fields_and_says_which(
    visitor: Visitor, key_without_sensitive_fields: str
) -> None:
    visitor.sign_in(key_without_sensitive_fields)
    settle(visitor)

    visitor.expect_text("#preview-notes", "NI number")
    assert "NI number" not in visitor.at("#preview-head th").all_inner_texts()


def test_a_faulty_form_has_no_preview_but_the_reason(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.choose("chosen")
    visitor.expect_text("#preview-notes", "Select a column")
    visitor.pick("Name")
    visitor.at("#chosen input").fill("")
    visitor.expect_text("#preview-notes", "must not be empty")
    expect(visitor.at("#preview-table")).to_be_hidden()
    assert visitor.at("#chosen input").get_attribute("aria-invalid") is None


@pytest.mark.thorough
def test_a_preview_that_the_service_delays_comes_by_itself(visitor: Visitor) -> None:
    visitor.sign_in()
    settle(visitor)
    busy: dict[str, Any] = {"status": 429, "headers": {"retry-after": "1"}, "json": {"code": "busy", "detail": "Busy."}}
    visitor.page.route("**/csv/preview", lambda route: route.fulfill(**busy), times=1)
    visitor.at("#search").fill("no client is called this")
    visitor.expect_text("#preview-notes", "Busy.")
    visitor.expect_text("#preview-count", "0 clients")
