"""The filters by people, teams and services in the ui: those that exist, by name, from lists that can be searched."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import assert_fast_once
from tests.support.system import NORTHWIND, System
from tests.support.visitor import Visitor

FILTERS = f"/tenants/{NORTHWIND}/clients/export/filters"
MANAGERS = "[data-codes=managerCodes]"
MOST_MS = 150
"""A search in a thousand managers takes about 20 ms. A slow machine may need some times as long."""
TIMES = """(queries) => queries.map((query) => {
  const box = document.querySelector('[data-codes=managerCodes] .codes-find');
  const begun = performance.now();
  box.value = query;
  box.dispatchEvent(new InputEvent('input', { bubbles: true }));
  document.body.offsetHeight;
  return performance.now() - begun;
})"""


def open_filters(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.at("#codes summary").click()
    expect(visitor.at(f"{MANAGERS} .codes-list label").first).to_be_visible()


def test_the_lists_offer_every_value_that_exists_by_its_name(visitor: Visitor, system: System) -> None:
    existing = system.call("GET", FILTERS).json
    open_filters(visitor)

    for filter_name, listed in (
        ("managerCodes", "managers"),
        ("partnerCodes", "partners"),
        ("associateCodes", "associates"),
        ("teamCodes", "teams"),
        ("serviceCodes", "services"),
    ):
        boxes = visitor.at(f"[data-codes={filter_name}] input[type=checkbox]").all()
        codes = [box.get_attribute("value") for box in boxes]
        assert sorted(codes, key=str) == sorted(value["code"] for value in existing[listed])
        assert codes
    first = existing["managers"][0]
    visitor.expect_text(f"{MANAGERS} label:has([value='{first['code']}'])", first["name"])


def test_names_are_shown_and_codes_are_sent(visitor: Visitor, system: System) -> None:
    managers = system.call("GET", FILTERS).json["managers"][:2]
    open_filters(visitor)
    for manager in managers:
        visitor.at(f"{MANAGERS} .codes-find").fill(manager["name"])
        visitor.at(f"{MANAGERS} label:visible:has([value='{manager['code']}'])").click()
    visitor.expect_text(f"{MANAGERS} .count", "2")
    visitor.expect_text("#codes-count", "2")

    wanted = {"filter": {"managerCodes": [manager["code"] for manager in managers]}}
    assert visitor.export_and_download() == system.export(wanted)


@pytest.mark.thorough
def test_a_search_in_a_list_keeps_what_is_chosen(visitor: Visitor, system: System) -> None:
    open_filters(visitor)
    boxes = visitor.at(f"{MANAGERS} .codes-list label")
    boxes.first.locator("input").check()
    visitor.at(f"{MANAGERS} .codes-find").fill("nobody has this name")
    visitor.expect_text(f"{MANAGERS} .codes-none", "has this name")
    expect(visitor.at(f"{MANAGERS} .codes-list label:visible")).to_have_count(0)
    visitor.expect_text(f"{MANAGERS} .count", "1")
    visitor.at(f"{MANAGERS} .codes-find").fill("")

    expect(boxes.first.locator("input")).to_be_checked()


@pytest.mark.thorough
def test_a_code_of_an_address_that_no_client_has_stays_visible(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.page.goto(f"{visitor.system.url}/#export?managerCodes=M-9,a%2Cb&serviceCodes=VAT")

    for filter_name, code in (("managerCodes", "M-9"), ("managerCodes", "a,b"), ("serviceCodes", "VAT")):
        box = visitor.at(f"[data-codes={filter_name}] input[value='{code}']")
        expect(box).to_be_visible()
        expect(box).to_be_checked()


def test_codes_can_be_typed_where_the_lists_are_cut_or_fail(visitor: Visitor) -> None:
    def cut(route: Route) -> None:
        lists: dict[str, Any] = {name: [] for name in ("managers", "partners", "associates", "teams", "services")}
        lists["managers"] = [{"code": f"M-{number}", "name": f"Manager {number}"} for number in range(1000)]
        route.fulfill(json=lists | {"truncated": True})

    visitor.page.route("**/clients/export/filters", cut)
    open_filters(visitor)
    visitor.at("#filter-managerCodes").fill("MGR-01, MGR-02")
    visitor.at(f"{MANAGERS} input[value=M-7]").check()
    visitor.expect_text(f"{MANAGERS} .count", "3")
    typed = ["m", "ma", "manager 9", "manager 99", ""]
    assert_fast_once(lambda: float(sorted(visitor.evaluate(TIMES, typed))[2]), MOST_MS)

    expect(visitor.page).to_have_url(re.compile("M-7"))
    visitor.page.unroute("**/clients/export/filters")
    visitor.page.route("**/clients/export/filters", lambda route: route.fulfill(status=503, json={}))
    visitor.page.reload()
    expect(visitor.at("#filter-teamCodes")).to_be_visible()
    expect(visitor.at(f"{MANAGERS} input[value=M-7]")).to_be_checked()
    visitor.errors.clear()
