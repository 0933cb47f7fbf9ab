"""The form of the ui in its address: for a reload, a bookmark and a colleague."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Request, expect

from tests.support.each_case import assert_each
from tests.support.system import NORTHWIND_KEY, System
from tests.support.visitor import Visitor

ADDRESSES = json.loads((Path(__file__).parent / "addresses.json").read_text(encoding="utf-8"))
"""Addresses that the ui has written. People keep them, so each must keep its meaning."""
DEFAULT_FORMAT = {"preset": "rfc4180", "compression": "none", "longCells": "cut"}


def is_preview(request: Request) -> bool:
    return request.method == "POST" and request.url.endswith("/clients/export/csv/preview")


def open_at(visitor: Visitor, query: str) -> None:
    """Open the form at an address in a page that is signed in."""
    visitor.page.goto("about:blank")
    visitor.page.goto(f"{visitor.system.url}/#export?{query}")
    expect(visitor.at("#work")).to_be_visible()
    expect(visitor.at("#mapping option").first).to_be_attached()


def previewed(visitor: Visitor) -> Any:
    """Return the request of the preview that is shown, without the defaults that the form always sends."""
    expect(visitor.at("#preview")).to_have_attribute("aria-busy", "false")
    request: Any = visitor.requests_where(is_preview)[-1].post_data_json
    shown = {name: value for name, value in request["format"].items() if DEFAULT_FORMAT.get(name) != value}
    request["format"] = shown
    return {name: value for name, value in request.items() if value != {}}


def address_of(visitor: Visitor) -> str:
    return str(visitor.evaluate("location.hash"))


def test_the_form_survives_a_reload(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.pick("Name", "VatNumber")
    visitor.at("#chosen li:nth-child(2) input").fill("VAT, our: “no” & more")
    visitor.at("input[name=statuses][value=Active]").check()
    visitor.at("#search").fill("Smith & Sons")
    visitor.at("#since").fill("2020-06-01T09:30")
    visitor.at("input[name=preset][value=excelEu]").check()
    visitor.at("#headers").uncheck()
    visitor.page.wait_for_url(re.compile("headers=no"))
    before = previewed(visitor)
    visitor.page.reload()

    expect(visitor.at("#chosen li")).to_have_count(2)
    assert visitor.headings() == ["Name", "VAT, our: “no” & more"]
    assert previewed(visitor) == before
    assert before["filter"] == {
        "statuses": ["Active"],
        "search": "Smith & Sons",
        "updatedSince": "2020-06-01T08:30:00.000Z",
    }


CHANGE_AND_RELOAD = """(changes) => {
  const field = document.getElementById('search');
  for (let number = 1; number <= changes; number += 1) {
    field.value = `change ${number}`;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }
  location.reload();
}"""


@pytest.mark.parametrize(
    "changes",
    [pytest.param(1, id="one change"), pytest.param(25, id="a burst of changes", marks=pytest.mark.thorough)],
)
def test_a_change_right_before_a_reload_is_not_lost(visitor: Visitor, changes: int) -> None:
    visitor.sign_in()
    expect(visitor.at("#mapping option").first).to_be_attached()
    with visitor.page.expect_navigation():
        visitor.evaluate(CHANGE_AND_RELOAD, changes)

    expect(visitor.at("#search")).to_have_value(f"change {changes}")


def test_an_address_keeps_its_meaning_for_ever(visitor: Visitor) -> None:
    def check(kept: Any) -> None:
        open_at(visitor, kept["address"])
        expect(visitor.at("#address-problem")).to_be_hidden()
        assert previewed(visitor) == kept["request"]
        visitor.at("#search").dispatch_event("input")
        assert address_of(visitor).removeprefix("#export").removeprefix("?") == kept["address"]

    visitor.sign_in()
    assert_each({kept["address"] or "empty": kept for kept in ADDRESSES}, check)


BROKEN = ("columns=Name,Co", "preset=word", "search=%E0%A4%A", "colour=red", "longCells=fail")
MORE_BROKEN = (
    "columns=Name,Name",
    "mapping=no-such-selection",
    "statuses=Actve",
    "updatedSince=yesterday",
    "headers=perhaps",
    "search=a&search=b",
    "consistency=moment",
    "preset=xlsx&longCells=keep",
    "columns",
    "__proto__=x",
    "delimiter=%3B&preset=",
)


@pytest.mark.parametrize(
    "addresses",
    [pytest.param(BROKEN, id="one of each kind"), pytest.param(MORE_BROKEN, id="more", marks=pytest.mark.thorough)],
)
def test_a_broken_address_gives_the_default_form_and_one_sentence(visitor: Visitor, addresses: tuple[str, ...]) -> None:
    def check(broken: str) -> None:
        open_at(visitor, f"fileName=Mine&{broken}")
        visitor.expect_text("#address-problem", "so the form begins with its usual settings.")
        assert visitor.at("#address-problem").inner_text().count(".") == 1
        assert previewed(visitor) == {}
        expect(visitor.at("#file-name")).to_have_value("")
        expect(visitor.at("input[name=columns][value=all]")).to_be_checked()
        visitor.at("#file-name").fill("Other")
        expect(visitor.at("#address-problem")).to_be_hidden()

    visitor.sign_in()
    assert_each({broken: broken for broken in addresses}, check)


def test_a_colleague_opens_the_address_and_exports_the_same_file(
    visitor: Visitor, browser: Browser, system: System
) -> None:
    visitor.sign_in()
    visitor.pick("Code", "Name")
    visitor.at("#since").fill("2020-06-01T09:30")
    visitor.page.wait_for_url(re.compile("updatedSince="))
    address = visitor.page.url
    mine = visitor.export_and_download()

    context = browser.new_context(locale="de-DE", timezone_id="America/New_York", reduced_motion="reduce")
    colleague = Visitor(context.new_page(), system)
    colleague.page.goto(address)
    colleague.give_key(NORTHWIND_KEY)
    expect(colleague.at("#chosen li")).to_have_count(2)
    expect(colleague.at("#since")).to_have_value("2020-06-01T04:30")
    assert colleague.export_and_download() == mine
    colleague.assert_no_errors()
    context.close()


@pytest.mark.thorough
def test_an_address_opened_in_the_same_tab_and_the_way_back_fill_the_form(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.page.goto(f"{visitor.system.url}/#export?columns=Code")
    expect(visitor.at("#chosen li")).to_have_count(1)
    visitor.page.goto(f"{visitor.system.url}/#export?columns=Code,Name&statuses=Active")
    expect(visitor.at("#chosen li")).to_have_count(2)
    visitor.page.go_back()
    expect(visitor.at("#chosen li")).to_have_count(1)
    expect(visitor.at("input[name=statuses][value=Active]")).not_to_be_checked()


def test_the_address_of_every_field_is_short_enough_for_a_message(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.choose("chosen")
    visitor.at("#take-all").click()
    visitor.page.wait_for_url(re.compile("ContactMaritalStatus"))

    assert len(visitor.page.url) < 4_000
    assert NORTHWIND_KEY not in visitor.page.url
