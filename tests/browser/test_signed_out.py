"""Whichever request finds that the key is no longer valid, the reader signs in again and goes on with the same form."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.test_preview import fetch_in_full
from tests.support.each_case import assert_each
from tests.support.system import NORTHWIND_KEY, System
from tests.support.visitor import Visitor

REFUSED: dict[str, Any] = {"code": "invalid-api-key", "title": "Unauthorized", "detail": "Wrong key.", "status": 401}
REQUESTS = {
    "preview": "**/csv/preview",
    "count": "**/csv/preview?count=full",
    "estimate": "**/csv/estimate",
    "filters": "**/clients/export/filters",
    "selections": "**/csv-mappings?*",
    "exports": "**/clients/export/csv?limit=*",
    "start": "**/clients/export/csv",
}


def refuse(route: Route) -> None:
    route.fulfill(status=401, content_type="application/problem+json", json=REFUSED)


def leave_uncounted(route: Route) -> None:
    answer = fetch_in_full(route)
    found = {"totalItems": None, "minimumItems": 10, "rowsComplete": True}
    route.fulfill(response=answer, json=answer.json() | found)


def test_a_revoked_key_is_asked_for_again_and_the_form_is_kept(visitor: Visitor) -> None:
    def check(refused: str) -> None:
        expect(visitor.at("#preview")).to_have_attribute("aria-busy", "false")
        if refused == REQUESTS["count"]:
            visitor.page.route("**/csv/preview", leave_uncounted)
        visitor.page.route(refused, refuse)
        if refused == REQUESTS["start"]:
            visitor.export()
        else:
            visitor.page.reload()

        visitor.expect_text("#sign-in-problem", "This API key is not valid.")
        expect(visitor.at("#work")).to_be_hidden()
        expect(visitor.at("#key")).to_be_focused()
        assert visitor.evaluate("[sessionStorage.length, document.getElementById('key').value]") == [0, ""]
        visitor.page.unroute_all()
        visitor.give_key(NORTHWIND_KEY)
        expect(visitor.at("#work")).to_be_visible()
        expect(visitor.at("#search")).to_have_value("smith")
        expect(visitor.at("#chosen li")).to_have_count(2)
        expect(visitor.at("#sign-in-problem")).to_be_hidden()

    visitor.sign_in()
    visitor.pick("Code", "Name")
    visitor.at("#search").fill("smith")
    assert_each(REQUESTS, check)


@pytest.mark.thorough
def test_a_link_to_an_export_that_finds_a_revoked_key_is_opened_after_signing_in(
    visitor: Visitor, system: System
) -> None:
    job = system.start_export({}, prefer="wait=60").json
    visitor.sign_in()
    visitor.page.route(f"**/clients/export/csv/{job['code']}?link=false", refuse)
    visitor.page.goto(f"{system.url}/#history?job={job['code']}")

    visitor.expect_text("#sign-in-problem", "This API key is not valid.")
    expect(visitor.page).to_have_url(re.compile(f"#history\\?job={job['code']}$"))
    visitor.page.unroute_all()
    visitor.give_key(NORTHWIND_KEY)
    visitor.expect_status("Completed")
    expect(visitor.at("#job-download")).to_have_text(re.compile(re.escape(job["fileName"])))
    expect(visitor.at("#recent-problem")).to_be_hidden()
