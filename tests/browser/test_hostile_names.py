"""Names that people choose, however long or odd, never break the page around them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.support.keys import a_key
from tests.support.system import NORTHWIND, System
from tests.support.visitor import Visitor

LONGEST = "W" * 200
WIDTHS = (320, 640, 1_280)
MAPPINGS = f"/tenants/{NORTHWIND}/csv-mappings"
SCHEDULES = f"/tenants/{NORTHWIND}/clients/export/schedules"
COLUMNS = [{"csvHeader": LONGEST, "targetField": "Name"}]

_LINES = """() => [...document.querySelectorAll('.jobs thead th:not(:has(.heard))')].map((each) => {
  const words = document.createRange();
  words.selectNodeContents(each);
  return words.getClientRects().length;
})"""


@pytest.fixture
def names(system: System) -> Iterator[None]:
    """A saved selection and a schedule with the longest name."""
    body: dict[str, Any] = {"name": LONGEST, "mappingType": "Client", "columnMappings": COLUMNS}
    mapping = system.call("POST", MAPPINGS, body).json["code"]
    schedule = system.call("POST", SCHEDULES, {"name": LONGEST, "cron": "0 3 29 2 *", "timeZone": "UTC"}).json["code"]
    yield
    system.call("DELETE", f"{MAPPINGS}/{mapping}")
    system.call("DELETE", f"{SCHEDULES}/{schedule}")


def assert_fits(visitor: Visitor) -> None:
    for width in WIDTHS:
        visitor.page.set_viewport_size({"width": width, "height": 900})
        assert not visitor.overflows(), width


@pytest.mark.usefixtures("names")
def test_the_longest_names_fit_every_window(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.choose("mapping")
    visitor.at("#mapping").select_option(label=LONGEST)
    visitor.at("#delete").click()
    visitor.expect_text("#delete-question", LONGEST)
    assert_fits(visitor)
    visitor.at("#delete-no").click()
    visitor.at("#edit").click()
    visitor.expect_text("#save-changes", LONGEST)
    assert_fits(visitor)
    visitor.go("schedules")
    visitor.at("#schedules-list [data-act=remove]").click()
    visitor.expect_text("#schedules-list h2", LONGEST)
    assert_fits(visitor)


def test_long_names_in_the_list_leave_its_headings_whole(visitor: Visitor, system: System) -> None:
    account = StorageAccount(system.settings["EXPORT_STORAGE"])
    key, text = a_key(NORTHWIND, name="Donaudampfschifffahrtsgesellschaftskapitän")
    assert TableKeyStore(account).add(key)
    account.tables.close()
    body = {"columnMappings": COLUMNS, "filter": {"search": "Q" * 100}, "format": {"fileName": "N" * 100}}
    assert system.call("POST", f"/tenants/{NORTHWIND}/clients/export/csv", body, key=text).status == 201
    visitor.page.goto(f"{system.url}/?lang=de")
    visitor.give_key(text)
    visitor.go("history")
    expect(visitor.at("#recent-rows tr").first).to_contain_text("Donaudampf")
    assert visitor.evaluate(_LINES) == [1] * 7


def test_a_name_cannot_turn_round_the_sentence_around_it(visitor: Visitor, system: System) -> None:
    body: dict[str, Any] = {"name": "abc \u202edef\u2066", "mappingType": "Client", "columnMappings": COLUMNS}
    mapping = system.call("POST", MAPPINGS, body).json["code"]
    visitor.sign_in()
    visitor.choose("mapping")
    visitor.at("#mapping").select_option(mapping)
    visitor.at("#delete").click()
    expect(visitor.at("#delete-question")).to_have_text(
        "Delete “abc [U+202E]def[U+2066]”? Exports that were started with it keep their columns."
    )
    visitor.at("#delete-yes").click()
    visitor.expect_text("#announce", "Deleted abc [U+202E]def[U+2066].")


ALIKE = {
    "Na\u200bme": "Na[U+200B]me",
    "Na\ufeffme": "Na[U+FEFF]me",
    "Na\u200dme": "Na[U+200D]me",
    "Na\u00adme": "Na[U+00AD]me",
    "\U0001f469\u200d\U0001f4bb \u2764\ufe0f": "\U0001f469\u200d\U0001f4bb \u2764\ufe0f",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647",
}
"""How the page shows names with characters that nobody can see. Emoji and Persian words need theirs, so they stay."""


def test_no_two_names_look_alike_because_of_what_nobody_can_see(visitor: Visitor, system: System) -> None:
    name, shown = next(iter(ALIKE.items()))
    fields = ("Name", "Code", "Email", "Team", "Type", "Status")
    columns = [{"csvHeader": each, "targetField": field} for each, field in zip(ALIKE, fields, strict=True)]
    body: dict[str, Any] = {"name": name, "mappingType": "Client", "columnMappings": columns}
    mapping = system.call("POST", MAPPINGS, body).json["code"]
    schedule = system.call("POST", SCHEDULES, {"name": name, "cron": "0 3 29 2 *", "timeZone": "UTC"}).json["code"]
    visitor.sign_in()
    visitor.choose("mapping")
    visitor.at("#mapping").select_option(mapping)
    assert visitor.at("#mapping option:checked").text_content() == shown
    assert f"“{shown}”" in str(visitor.at("#summary").text_content())
    assert str(visitor.at("#mapping-columns").text_content()).endswith(" · ".join(ALIKE.values()))
    expect(visitor.at("#preview-head th")).to_have_count(len(ALIKE))
    assert visitor.at("#preview-head th").all_text_contents() == list(ALIKE.values())
    visitor.at("#edit").click()
    expect(visitor.at("#save-changes")).to_be_visible()
    assert visitor.headings() == list(ALIKE)
    told = [f"Holds characters that cannot be seen: {each}" if each != key else "" for key, each in ALIKE.items()]
    assert visitor.at("#chosen .unseen").all_text_contents() == told
    expect(visitor.at("#chosen input").first).to_have_accessible_description(told[0])
    visitor.at("#chosen input").first.fill("Plain")
    expect(visitor.at("#chosen input").first).to_have_accessible_description("")
    visitor.go("schedules")
    expect(visitor.at("#schedules-list h2")).to_be_visible()
    assert visitor.at("#schedules-list h2").text_content() == shown
    system.call("DELETE", f"{MAPPINGS}/{mapping}")
    system.call("DELETE", f"{SCHEDULES}/{schedule}")
