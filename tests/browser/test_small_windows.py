"""The form in a phone: nothing overflows, lists scroll in their place, and the Export button stays in reach."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from exports.request.fields import TargetField
from tests.browser.conftest import locked_clients
from tests.browser.test_accessibility import assert_accessible
from tests.support.system import NORTHWIND, System
from tests.support.visitor import Visitor, shown_in

PHONE = {"viewport": {"width": 320, "height": 640}}
DARK = {"color_scheme": "dark"}
BROKEN = """() => [...document.querySelectorAll('#recent-rows td:not([data-column=content], [data-column=file])')]
  .filter((cell) => cell.checkVisibility() && cell.textContent)
  .filter((cell) => {
    const text = document.createRange();
    text.selectNodeContents(document.createTreeWalker(cell, NodeFilter.SHOW_TEXT).nextNode());
    return text.getClientRects().length > 1;
  }).map((cell) => cell.textContent)"""
SCROLL_WHILE_THE_PAGE_GROWS = """() => {
  const added = document.createElement('div');
  added.style.height = '2000px';
  document.getElementById('job').before(added);
  scrollBy(0, -1);
}"""
RETURN_TO_THE_WINDOW = """() => {
  dispatchEvent(new FocusEvent('blur'));
  document.activeElement.dispatchEvent(new FocusEvent('focusin', { bubbles: true }));
}"""
NEXT_FRAMES = "() => new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)))"
COVERED = """() => {
  const bar = document.getElementById('export').closest('.actions').getBoundingClientRect();
  const { top, bottom, height } = document.activeElement.getBoundingClientRect();
  const isPart = document.activeElement.closest('.actions') === null && height < bar.top / 2;
  return isPart && bottom > bar.top && top < bar.bottom;
}"""

HIDDEN_BY_THE_BAR = """() => document.getElementById('problem').getBoundingClientRect().bottom
  > document.getElementById('export').closest('.actions').getBoundingClientRect().top"""


@pytest.mark.parametrize("visitor", [PHONE], ids=["phone"], indirect=True)
def test_the_export_button_stays_in_reach_on_a_phone(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.pick("Name")
    visitor.at("#take-all").click()
    for place in ("#columns-title", "#chosen li:last-child", "#filter-title", "#file-name", "#preview-notes"):
        visitor.at(place).scroll_into_view_if_needed()
        expect(visitor.at("#export")).to_be_in_viewport(ratio=1)
    visitor.at("#columns-title").scroll_into_view_if_needed()
    visitor.export()
    visitor.expect_status("Completed")
    expect(visitor.at("#job-download")).to_be_in_viewport()


@pytest.mark.thorough
@pytest.mark.parametrize("visitor", [PHONE], ids=["phone"], indirect=True)
def test_an_export_that_takes_long_ends_in_view_on_a_phone(visitor: Visitor, database_url: str) -> None:
    visitor.sign_in()
    visitor.pick("Name")
    visitor.at("#take-all").click()
    visitor.at("#columns-title").scroll_into_view_if_needed()
    with locked_clients(database_url):
        visitor.export()
        expect(visitor.at("#job-cancel")).to_be_in_viewport()
    visitor.expect_status("Completed")
    expect(visitor.at("#job-download")).to_be_in_viewport()


@pytest.mark.parametrize("visitor", [PHONE], ids=["phone"], indirect=True)
@pytest.mark.parametrize("button", ["#export", "#estimate"])
def test_what_is_refused_is_told_in_view_on_a_phone(visitor: Visitor, button: str) -> None:
    refused = {"status": 429, "json": {"code": "quota-exceeded", "title": ""}}
    visitor.sign_in()
    expect(visitor.at("#estimated")).to_be_visible()
    for url in ("**/export/csv", "**/export/csv/estimate"):
        visitor.page.route(url, lambda route: route.fulfill(**refused))
    visitor.at("#columns-title").scroll_into_view_if_needed()
    visitor.at(button).click()
    visitor.expect_text("#problem", "Your organization has reached its limit of exports.")
    expect(visitor.at("#problem")).to_be_in_viewport(ratio=1)
    assert not visitor.evaluate(HIDDEN_BY_THE_BAR)


@pytest.mark.thorough
@pytest.mark.parametrize("visitor", [PHONE], ids=["phone"], indirect=True)
def test_an_export_stays_in_view_though_the_page_scrolls_and_grows_at_once(visitor: Visitor, database_url: str) -> None:
    visitor.sign_in()
    visitor.pick("Name")
    with locked_clients(database_url):
        visitor.export()
        expect(visitor.at("#job-cancel")).to_be_in_viewport()
        visitor.evaluate(SCROLL_WHILE_THE_PAGE_GROWS)
        expect(visitor.at("#job-cancel")).to_be_in_viewport()
        visitor.evaluate(RETURN_TO_THE_WINDOW)
        visitor.evaluate(SCROLL_WHILE_THE_PAGE_GROWS)
        expect(visitor.at("#job-cancel")).to_be_in_viewport()
        visitor.page.mouse.wheel(0, -2_000)
        expect(visitor.at("#job-cancel")).not_to_be_in_viewport()
    visitor.expect_status("Completed")
    expect(visitor.at("#job-download")).to_be_visible()
    visitor.evaluate(NEXT_FRAMES)
    expect(visitor.at("#job-download")).not_to_be_in_viewport()


@pytest.mark.thorough
@pytest.mark.parametrize("visitor", [PHONE], ids=["phone"], indirect=True)
def test_an_ended_export_never_takes_the_view_from_what_the_reader_turns_to(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.pick("Name")
    visitor.export()
    visitor.expect_status("Completed")
    expect(visitor.at("#job-download")).to_be_in_viewport()

    visitor.at("#chosen input").fill("")
    visitor.at("#job-download").focus()
    visitor.export()
    visitor.expect_text("#problem", "Please correct the marked field")
    visitor.evaluate(NEXT_FRAMES)
    expect(visitor.at("#chosen input")).to_be_in_viewport()

    visitor.go("history")
    visitor.go("export")
    visitor.evaluate(NEXT_FRAMES)
    expect(visitor.at("#job-download")).to_be_visible()
    expect(visitor.at("#job-download")).not_to_be_in_viewport()


@pytest.mark.parametrize("visitor", [PHONE], ids=["phone"], indirect=True)
def test_the_export_button_never_covers_the_focus_on_a_phone(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.pick("Name")
    visitor.at("#codes summary").click()
    for _ in range(60):
        visitor.page.keyboard.press("Tab")
        assert not visitor.evaluate(COVERED), visitor.evaluate("document.activeElement.outerHTML")


@shown_in({"desktop": {}, "phone": PHONE})
def test_a_list_of_every_field_scrolls_in_its_place(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.choose("chosen")
    visitor.at("#take-all").click()
    expect(visitor.at("#chosen li")).to_have_count(len(TargetField))

    for scrolled in ("#fields", "#chosen-list"):
        box = visitor.at(scrolled).bounding_box()
        assert box is not None
        assert box["height"] < 500, scrolled
        visitor.at(scrolled).focus()
        visitor.page.keyboard.press("End")
        visitor.page.wait_for_function("(id) => document.querySelector(id).scrollTop > 0", arg=scrolled)
    visitor.at("#chosen li:last-child [data-act=up]").press("Enter")
    expect(visitor.at("#chosen li:nth-last-child(2) [data-act=up]")).to_be_in_viewport()


@pytest.mark.thorough
@shown_in({"desktop": {}, "phone": PHONE, "dark phone": PHONE | DARK})
def test_the_form_is_accessible_in_each_of_its_states(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.page.goto(f"{visitor.system.url}/#export?columns=Code,Name&managerCodes=MGR-01,unknown")
    visitor.expect_text("#preview-rows", "")
    expect(visitor.at("#preview")).to_have_attribute("aria-busy", "false")
    visitor.at("#preview-raw summary").click()
    assert_accessible(visitor)
    visitor.at("#find").fill("zip")
    visitor.at("[data-codes=managerCodes] .codes-find").fill("no such name")
    assert_accessible(visitor)
    visitor.at("#save summary").click()
    visitor.at("#save-name").fill("Accessible")
    visitor.at("#save-button").click()
    visitor.expect_text("#announce", "Saved as")
    visitor.choose("mapping")
    visitor.at("#rename").click()
    assert_accessible(visitor)
    visitor.at("#delete").click()
    assert_accessible(visitor)
    visitor.at("#delete-yes").click()
    visitor.expect_text("#announce", "Deleted")
    visitor.page.goto(f"{visitor.system.url}/#export?columns=Nothing")
    visitor.expect_text("#address-problem", "usual settings")
    assert_accessible(visitor)


@pytest.mark.thorough
@shown_in({"English": {}, "German": DARK | {"locale": "de-DE"}})
def test_the_history_breaks_no_number_and_no_button_over_two_lines(visitor: Visitor, system: System) -> None:
    system.start_export({"format": {"preset": "xlsx"}}, NORTHWIND)
    visitor.sign_in()
    visitor.go("history")
    expect(visitor.at("#recent-rows [data-act=download]").first).to_be_visible()
    for width in (1_280, 1_180, 1_020, 640, 320):
        visitor.page.set_viewport_size({"width": width, "height": 800})
        assert visitor.evaluate(BROKEN) == [], width
        assert not visitor.overflows(), width
