"""Saved selections in the ui: renamed, changed and deleted by those who may."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.browser.test_accessibility import NARROW, assert_accessible
from tests.support.keys import a_key
from tests.support.system import NORTHWIND, System
from tests.support.visitor import Visitor, shown_in

MAPPINGS = f"/tenants/{NORTHWIND}/csv-mappings"


@pytest.fixture
def selection(system: System, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Save a selection that belongs to one test."""
    columns = [{"csvHeader": name, "targetField": name} for name in ("Code", "Name")]
    body = {"name": f"For {request.node.name[:80]}", "columnMappings": columns, "mappingType": "Client"}
    return dict(system.call("POST", MAPPINGS, body).json)


def shown(system: System, selection: dict[str, Any]) -> Any:
    return system.call("GET", f"{MAPPINGS}/{selection['code']}").json


def choose(visitor: Visitor, selection: dict[str, Any]) -> None:
    visitor.choose("mapping")
    visitor.at("#mapping").select_option(selection["code"])


def edit(visitor: Visitor) -> None:
    """Put the columns of the chosen selection into the picker, to change them."""
    visitor.at("#edit").click()
    expect(visitor.at("#save-changes")).to_be_visible()


def sign_in_to_edit(visitor: Visitor, selection: dict[str, Any]) -> None:
    """Sign in, choose a selection, and put its columns into the picker."""
    visitor.sign_in()
    choose(visitor, selection)
    edit(visitor)


def test_a_saved_selection_is_renamed(visitor: Visitor, system: System, selection: dict[str, Any]) -> None:
    visitor.sign_in()
    choose(visitor, selection)
    visitor.at("#rename").click()
    expect(visitor.at("#new-name")).to_be_focused()
    expect(visitor.at("#new-name")).to_have_value(selection["name"])
    visitor.at("#new-name").fill("")
    visitor.at("#rename-save").click()
    assert "must not be empty" in visitor.fault_of("#new-name")
    visitor.at("#new-name").fill("Renamed, with columns")
    visitor.at("#new-name").press("Enter")

    visitor.expect_text("#announce", "Renamed")
    expect(visitor.at("#rename")).to_be_focused()
    expect(visitor.at("#mapping option:checked")).to_have_text("Renamed, with columns")
    now = shown(system, selection)
    assert (now["name"], now["columnMappings"]) == ("Renamed, with columns", selection["columnMappings"])


def test_the_columns_of_a_saved_selection_are_changed(
    visitor: Visitor, system: System, selection: dict[str, Any]
) -> None:
    sign_in_to_edit(visitor, selection)
    assert visitor.headings() == ["Code", "Name"]
    visitor.at("[data-field=Email]").check()
    visitor.at("#save-changes").click()
    visitor.expect_text("#announce", "Saved the changes")

    assert [column["targetField"] for column in shown(system, selection)["columnMappings"]] == ["Code", "Name", "Email"]
    choose(visitor, selection)
    visitor.expect_text("#mapping-columns", "Email")


def test_a_change_by_another_person_is_not_overwritten_unseen(
    visitor: Visitor, system: System, selection: dict[str, Any]
) -> None:
    sign_in_to_edit(visitor, selection)
    others = {"name": selection["name"], "columnMappings": selection["columnMappings"][:1]}
    assert system.call("PUT", f"{MAPPINGS}/{selection['code']}", others).status == 200
    visitor.at("[data-field=Email]").check()
    visitor.at("#save-changes").click()

    visitor.expect_text("#save-problem", "Another person has changed")
    assert len(shown(system, selection)["columnMappings"]) == 1
    visitor.at("#save-changes").click()
    visitor.expect_text("#announce", "Saved the changes")
    assert len(shown(system, selection)["columnMappings"]) == 3


def change_by_another(system: System, selection: dict[str, Any]) -> None:
    theirs = {"name": "Theirs", "columnMappings": [{"csvHeader": "Who", "targetField": "Manager"}]}
    assert system.call("PUT", f"{MAPPINGS}/{selection['code']}", theirs).status == 200


@shown_in({"wide": {}, "narrow and German": {"locale": "de-DE"} | NARROW})
def test_the_page_shows_what_another_person_has_changed_in_a_selection(
    visitor: Visitor, system: System, selection: dict[str, Any]
) -> None:
    sign_in_to_edit(visitor, selection)
    change_by_another(system, selection)
    visitor.at("[data-field=Email]").check()
    visitor.at("#save-changes").click()

    told = visitor.at("#save-problem dd")
    expect(told).to_have_text(["Theirs", "Who"])
    assert len(visitor.headings()) == 3
    visitor.expect_text("#save-changes", "Theirs")
    assert not visitor.overflows()
    assert_accessible(visitor)
    visitor.at("#save-changes").click()
    visitor.expect_text("#announce", "Theirs")
    expect(visitor.at("#save-problem")).to_be_hidden()
    now = shown(system, selection)
    assert (now["name"], len(now["columnMappings"])) == ("Theirs", 3)


def test_the_reader_can_take_the_columns_of_another_person(
    visitor: Visitor, system: System, selection: dict[str, Any]
) -> None:
    sign_in_to_edit(visitor, selection)
    change_by_another(system, selection)
    visitor.at("[data-field=Email]").check()
    visitor.at("#save-changes").click()
    visitor.at("#take-theirs").click()

    assert visitor.headings() == ["Who"]
    expect(visitor.at("#chosen-list")).to_be_focused()
    expect(visitor.at("#save-problem")).to_be_hidden()


def test_what_another_person_has_changed_is_not_told_of_the_next_selection(
    visitor: Visitor, system: System, selection: dict[str, Any]
) -> None:
    sign_in_to_edit(visitor, selection)
    change_by_another(system, selection)
    visitor.at("#save-changes").click()
    expect(visitor.at("#take-theirs")).to_be_visible()
    choose(visitor, {"code": "limited-company-clients"})
    visitor.at("#adapt").click()

    expect(visitor.at("#chosen-title")).to_be_visible()
    expect(visitor.at("#take-theirs")).to_be_hidden()


def test_a_selection_that_another_person_deletes_can_be_made_anew(
    visitor: Visitor, system: System, selection: dict[str, Any]
) -> None:
    sign_in_to_edit(visitor, selection)
    assert system.call("DELETE", f"{MAPPINGS}/{selection['code']}").status == 204
    visitor.at("[data-field=Email]").check()
    visitor.at("#save-changes").click()
    visitor.expect_text("#save-problem", "Save again to make the selection anew.")
    for _ in range(2):
        visitor.at("#save-changes").click()
        visitor.expect_text("#announce", "Saved the changes")

    saved = system.call("GET", f"{MAPPINGS}?limit=100").json["data"]
    [made] = [each for each in saved if each["name"] == selection["name"]]
    assert [column["targetField"] for column in made["columnMappings"]] == ["Code", "Name", "Email"]


def test_a_wrong_heading_is_marked_at_its_column_when_a_selection_is_saved(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.pick("Code", "Name")
    visitor.at("#chosen input").nth(1).fill("")
    visitor.at("#save summary").click()
    visitor.at("#save-name").fill("With a blank heading")
    visitor.at("#save-button").click()

    assert visitor.fault_of("#chosen li:nth-child(2) input").strip() != ""
    expect(visitor.at("#chosen input").nth(1)).to_be_focused()


def test_a_saved_selection_is_deleted_after_a_question(
    visitor: Visitor, system: System, selection: dict[str, Any]
) -> None:
    visitor.sign_in()
    choose(visitor, selection)
    visitor.at("#delete").click()
    visitor.expect_text("#delete-question", selection["name"])
    expect(visitor.at("#delete-no")).to_be_focused()
    visitor.at("#delete-no").click()
    expect(visitor.at("#delete")).to_be_focused()
    assert shown(system, selection)["code"] == selection["code"]
    visitor.at("#delete").click()
    visitor.at("#delete-yes").click()

    visitor.expect_text("#announce", "Deleted")
    expect(visitor.at(f"#mapping option[value='{selection['code']}']")).to_have_count(0)
    assert system.call("GET", f"{MAPPINGS}/{selection['code']}").status == 404


def test_a_reader_who_may_not_change_selections_has_no_buttons_for_it(
    visitor: Visitor, system: System, selection: dict[str, Any]
) -> None:
    account = StorageAccount(system.storage)
    key, text = a_key(NORTHWIND, scopes=("exports:read",))
    assert TableKeyStore(account).add(key)
    account.tables.close()
    visitor.sign_in(text)
    choose(visitor, selection)
    for button in ("#edit", "#rename", "#delete"):
        expect(visitor.at(button)).to_be_hidden()
    visitor.at("#adapt").click()

    assert visitor.headings() == ["Code", "Name"]
    expect(visitor.at("#saving")).to_be_hidden()


@pytest.mark.thorough
def test_a_preset_has_no_buttons_that_would_change_it(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.choose("mapping")
    visitor.at("#mapping").select_option("limited-company-clients")

    visitor.expect_text("#adapt", "Change a copy of it")
    for button in ("#edit", "#rename", "#delete"):
        expect(visitor.at(button)).to_be_hidden()


@pytest.mark.parametrize("button", ["#save-changes", "#save-button", "#rename-save"])
def test_a_key_that_is_no_longer_accepted_signs_out(visitor: Visitor, selection: dict[str, Any], button: str) -> None:
    visitor.sign_in()
    choose(visitor, selection)
    if button == "#rename-save":
        visitor.at("#rename").click()
    else:
        edit(visitor)
        visitor.at("#save summary").click()
    visitor.page.route(
        "**/csv-mappings{,/*}", lambda route: route.fulfill(status=401, json={"code": "invalid-api-key"})
    )
    visitor.at(button).click()

    expect(visitor.at("#key")).to_be_visible()
    expect(visitor.at("#work")).to_be_hidden()
