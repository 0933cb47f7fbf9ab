"""An answer that comes late changes only what asked for it: never a form, a choice or an export that came after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import newest_job
from tests.browser.test_schedules import SCHEDULES, a_schedule, card, edit, listed, open_schedules
from tests.browser.test_selections import MAPPINGS, choose
from tests.support.system import EXPORT, NORTHWIND, NORTHWIND_KEY, System
from tests.support.visitor import Visitor

_UNAVAILABLE: dict[str, Any] = {"status": 503, "json": {"code": "unavailable", "title": ""}}
_CODE = [{"csvHeader": "Code", "targetField": "Code"}]
_NAME = [{"csvHeader": "Name", "targetField": "Name"}]


def hold_one(visitor: Visitor, method: str, url: str) -> Callable[[], Route]:
    """Keep the next such request waiting. Returns a function that waits until it has come, and returns it."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        if held or route.request.method != method:
            route.fallback()
        else:
            held.append(route)

    def come() -> Route:
        while not held:
            visitor.page.wait_for_timeout(20)
        return held[0]

    visitor.page.route(url, keep)
    return come


def settle(visitor: Visitor, route: Route) -> None:
    """Wait until an answer that changes nothing would have changed something."""
    assert route.request.response() is not None
    visitor.page.wait_for_timeout(300)


# --- schedules


@pytest.fixture
def schedules(system: System) -> Iterator[None]:
    a_schedule(system, name="One")
    a_schedule(system, name="Two")
    yield
    for schedule in listed(system):
        assert system.call("DELETE", f"{SCHEDULES}/{schedule['code']}").status == 204


def save_one_late(visitor: Visitor) -> Route:
    """Change the schedule `One`, save it, and go on with `Two` before the answer comes."""
    open_schedules(visitor)
    edit(visitor, "One")
    visitor.at("#schedule-name").fill("Changed")
    saving = hold_one(visitor, "PUT", "**/schedules/*")
    visitor.at("#schedule-save").click()
    route = saving()
    edit(visitor, "Two")
    visitor.at("#schedule-name").fill("Two, typed")
    return route


def expect_the_form_of_two(visitor: Visitor, route: Route) -> None:
    settle(visitor, route)
    expect(visitor.at("#schedule-name")).to_be_visible()
    expect(visitor.at("#schedule-name")).to_have_value("Two, typed")
    expect(visitor.at("#schedule-name")).to_be_focused()
    expect(visitor.at("#schedule-problem")).to_be_hidden()


@pytest.mark.usefixtures("schedules")
def test_a_schedule_that_is_saved_late_leaves_the_form_of_another_open(visitor: Visitor, system: System) -> None:
    route = save_one_late(visitor)
    route.continue_()
    expect(visitor.at(card(visitor, "Changed"))).to_be_visible()
    expect_the_form_of_two(visitor, route)
    visitor.at("#schedule-save").click()
    expect(visitor.at("#schedule-form")).to_be_hidden()
    assert sorted(each["name"] for each in listed(system)) == ["Changed", "Two, typed"]


@pytest.mark.usefixtures("schedules")
def test_a_late_refusal_of_a_schedule_is_told_with_its_name(visitor: Visitor) -> None:
    route = save_one_late(visitor)
    route.fulfill(**_UNAVAILABLE)
    visitor.expect_text("#schedules-problem", "“Changed” was not saved. The service is not available at the moment")
    expect_the_form_of_two(visitor, route)


def test_what_is_typed_while_a_schedule_is_being_saved_stays(visitor: Visitor, system: System) -> None:
    open_schedules(visitor)
    visitor.at("#schedule-new").click()
    visitor.at("#schedule-name").fill("First")
    saving = hold_one(visitor, "POST", "**/schedules")
    visitor.at("#schedule-save").click()
    route = saving()
    visitor.at("#schedule-name").fill("First, then more")
    route.continue_()
    expect(visitor.at(card(visitor, "First"))).to_be_visible()
    expect(visitor.at("#schedule-name")).to_have_value("First, then more")
    expect(visitor.at("#schedule-name")).to_be_focused()
    visitor.at("#schedule-save").click()
    expect(visitor.at("#schedule-form")).to_be_hidden()
    names = [each["name"] for each in listed(system)]
    for each in listed(system):
        system.call("DELETE", f"{SCHEDULES}/{each['code']}")
    assert names == ["First, then more"]


@pytest.mark.usefixtures("schedules")
def test_the_form_of_a_schedule_that_was_asked_for_last_stays_open(visitor: Visitor) -> None:
    open_schedules(visitor)
    asking = hold_one(visitor, "GET", "**/schedules/*")
    visitor.at(f"{card(visitor, 'One')} [data-act=edit]").click()
    route = asking()
    visitor.at("#schedule-new").click()
    visitor.at("#schedule-name").fill("A new one")
    route.continue_()
    settle(visitor, route)
    expect(visitor.at("#schedule-name")).to_have_value("A new one")


@pytest.mark.usefixtures("schedules")
def test_a_schedule_that_is_paused_late_takes_no_focus_from_the_reader(visitor: Visitor) -> None:
    open_schedules(visitor)
    edit(visitor, "Two")
    pausing = hold_one(visitor, "PUT", "**/schedules/*")
    visitor.at(f"{card(visitor, 'One')} [data-act=pause]").click()
    route = pausing()
    visitor.at("#schedule-name").fill("Two, typed")
    route.continue_()
    visitor.expect_text(f"{card(visitor, 'One')} .pill", "Paused")
    expect_the_form_of_two(visitor, route)


@pytest.mark.usefixtures("schedules")
def test_a_list_of_schedules_that_comes_late_hides_no_newer_one(visitor: Visitor) -> None:
    visitor.sign_in()
    asking = hold_one(visitor, "GET", "**/schedules?*")
    visitor.go("schedules")
    route = asking()
    visitor.at("#schedule-new").click()
    visitor.at("#schedule-name").fill("Three")
    visitor.at("#schedule-save").click()
    expect(visitor.at(card(visitor, "Three"))).to_be_visible()
    route.fulfill(json={"data": [], "limit": 25, "hasMore": False, "continuationToken": None})
    settle(visitor, route)
    expect(visitor.at(card(visitor, "Three"))).to_be_visible()


@pytest.mark.usefixtures("schedules")
def test_an_answer_of_receivers_is_shown_in_their_own_form_only(visitor: Visitor) -> None:
    open_schedules(visitor)
    edit(visitor, "One")
    visitor.at("#schedule-notify-url").fill("https://example.com/hook")
    asking = hold_one(visitor, "POST", "**/notification-test")
    visitor.at("#schedule-notify-test").click()
    route = asking()
    edit(visitor, "Two")
    answer = {"receiver": "https://example.com", "delivered": True, "status": 200, "fault": None}
    route.fulfill(json={"data": [answer]})
    settle(visitor, route)
    expect(visitor.at("#schedule-notify-answers li")).to_have_count(0)


# --- saved selections


@pytest.fixture
def selections(system: System) -> list[dict[str, Any]]:
    """Save two selections, with the columns Code and Name."""
    bodies = [{"name": name, "columnMappings": columns} for name, columns in (("Codes", _CODE), ("Names", _NAME))]
    return [dict(system.call("POST", MAPPINGS, {**body, "mappingType": "Client"}).json) for body in bodies]


def columns_of(system: System, selection: dict[str, Any]) -> list[str]:
    saved = system.call("GET", f"{MAPPINGS}/{selection['code']}").json
    return [column["targetField"] for column in saved["columnMappings"]]


def edit_selection(visitor: Visitor, selection: dict[str, Any]) -> None:
    choose(visitor, selection)
    visitor.at("#edit").click()
    visitor.expect_text("#save-changes", selection["name"])


def test_changes_that_are_saved_late_never_overwrite_another_selection(
    visitor: Visitor, system: System, selections: list[dict[str, Any]]
) -> None:
    codes, names = selections
    visitor.sign_in()
    edit_selection(visitor, codes)
    visitor.at("[data-field=Email]").check()
    saving = hold_one(visitor, "PUT", "**/csv-mappings/*")
    visitor.at("#save-changes").click()
    route = saving()
    edit_selection(visitor, names)
    route.continue_()
    visitor.expect_text("#announce", "Saved the changes to Codes.")
    visitor.expect_text("#save-changes", "Names")
    visitor.at("[data-field=Team]").check()
    visitor.at("#save-changes").click()
    visitor.expect_text("#announce", "Saved the changes to Names.")
    assert columns_of(system, codes) == ["Code", "Email"]
    assert columns_of(system, names) == ["Name", "Team"]


def test_changes_that_are_refused_late_are_told_with_the_name_of_their_selection(
    visitor: Visitor, selections: list[dict[str, Any]]
) -> None:
    codes, names = selections
    visitor.sign_in()
    edit_selection(visitor, codes)
    saving = hold_one(visitor, "PUT", "**/csv-mappings/*")
    visitor.at("#save-changes").click()
    route = saving()
    edit_selection(visitor, names)
    route.fulfill(**_UNAVAILABLE)
    visitor.expect_text("#save-problem", "“Codes” was not saved.")


def test_a_selection_that_comes_late_replaces_no_columns_that_were_picked(
    visitor: Visitor, selections: list[dict[str, Any]]
) -> None:
    visitor.sign_in()
    choose(visitor, selections[0])
    asking = hold_one(visitor, "GET", "**/csv-mappings/*")
    visitor.at("#edit").click()
    route = asking()
    visitor.pick("Email")
    route.continue_()
    settle(visitor, route)
    assert visitor.headings() == ["Email"]
    expect(visitor.at("#save-changes")).to_be_hidden()


def test_a_selection_that_is_saved_late_does_not_become_the_chosen_one(
    visitor: Visitor, system: System, selections: list[dict[str, Any]]
) -> None:
    visitor.sign_in()
    visitor.pick("Email")
    visitor.at("#save summary").click()
    visitor.at("#save-name").fill("Saved late")
    saving = hold_one(visitor, "POST", "**/csv-mappings")
    visitor.at("#save-button").click()
    route = saving()
    choose(visitor, selections[1])
    visitor.at("#mapping").focus()
    route.continue_()
    visitor.expect_text("#announce", "Saved as Saved late.")
    expect(visitor.at("#mapping")).to_have_value(selections[1]["code"])
    expect(visitor.at("#mapping")).to_be_focused()
    [made] = [each for each in system.call("GET", f"{MAPPINGS}?limit=100").json["data"] if each["name"] == "Saved late"]
    assert system.call("DELETE", f"{MAPPINGS}/{made['code']}").status == 204


def test_a_late_new_name_goes_to_its_selection_and_leaves_that_of_another(
    visitor: Visitor, system: System, selections: list[dict[str, Any]]
) -> None:
    codes, names = selections
    visitor.sign_in()
    choose(visitor, codes)
    visitor.at("#rename").click()
    visitor.at("#new-name").fill("All codes")
    asking = hold_one(visitor, "GET", "**/csv-mappings/*")
    visitor.at("#rename-save").click()
    route = asking()
    choose(visitor, names)
    visitor.at("#rename").click()
    visitor.at("#new-name").fill("All names")
    route.continue_()
    visitor.expect_text("#announce", "Renamed to All codes.")
    expect(visitor.at("#new-name")).to_have_value("All names")
    expect(visitor.at("#new-name")).to_be_focused()
    visitor.at("#rename-save").click()
    visitor.expect_text("#announce", "Renamed to All names.")
    renamed = [system.call("GET", f"{MAPPINGS}/{each['code']}").json["name"] for each in selections]
    assert renamed == ["All codes", "All names"]


def test_a_selection_that_is_deleted_late_leaves_the_new_name_of_another(
    visitor: Visitor, selections: list[dict[str, Any]]
) -> None:
    codes, names = selections
    visitor.sign_in()
    choose(visitor, codes)
    visitor.at("#delete").click()
    deleting = hold_one(visitor, "DELETE", "**/csv-mappings/*")
    visitor.at("#delete-yes").click()
    route = deleting()
    choose(visitor, names)
    visitor.at("#rename").click()
    visitor.at("#new-name").fill("All names")
    route.continue_()
    visitor.expect_text("#announce", "Deleted Codes.")
    expect(visitor.at("#new-name")).to_have_value("All names")
    expect(visitor.at("#new-name")).to_be_focused()


# --- exports


def test_an_estimate_that_comes_late_is_not_shown_for_another_request(visitor: Visitor) -> None:
    visitor.sign_in()
    expect(visitor.at("#estimated")).to_be_visible()
    asking = hold_one(visitor, "POST", "**/estimate")
    visitor.at("#estimate").click()
    route = asking()
    visitor.at("input[name=statuses][value=Active]").check()
    expect(visitor.at("#estimated")).to_have_attribute("aria-busy", "false")
    shown = visitor.at("#estimated-rows").inner_text()
    route.fulfill(json={"rows": 424242, "bytes": 1, "seconds": 1, "warnings": []})
    settle(visitor, route)
    assert visitor.at("#estimated-rows").inner_text() == shown


def test_an_export_that_starts_late_hides_no_other_that_the_reader_opened(visitor: Visitor, system: System) -> None:
    body = {"columnMappings": _CODE, "format": {"fileName": "Opened"}}
    assert system.call("POST", f"/tenants/{NORTHWIND}{EXPORT}", body).json["status"] == "Completed"
    code = newest_job(system)["code"]
    visitor.sign_in()
    starting = hold_one(visitor, "POST", "**/export/csv")
    visitor.export()
    route = starting()
    visitor.page.goto(f"{system.url}/#history?job={code}")
    visitor.expect_text("#job-download", "Opened.csv")
    route.continue_()
    expect(visitor.at("#export")).not_to_have_attribute("aria-disabled", "true")
    settle(visitor, route)
    visitor.expect_text("#job-download", "Opened.csv")


def test_a_repeated_export_that_starts_late_hides_no_newer_one(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.at("#file-name").fill("First")
    visitor.export()
    visitor.expect_text("#job-download", "First.csv")
    starting = hold_one(visitor, "POST", "**/export/csv")
    visitor.at("#job-again").click()
    route = starting()
    visitor.at("#file-name").fill("Second")
    visitor.export()
    visitor.expect_text("#job-download", "Second.csv")
    route.continue_()
    settle(visitor, route)
    visitor.expect_text("#job-download", "Second.csv")


def test_an_export_that_opens_late_leaves_the_reader_in_the_view_that_was_opened(
    visitor: Visitor, system: System
) -> None:
    system.export({"columnMappings": _CODE})
    visitor.sign_in()
    visitor.go("history")
    visitor.at("#recent-rows [data-act=details]").first.click()
    starting = hold_one(visitor, "POST", "**/export/csv")
    visitor.at("#recent-rows [data-act=runAgain]").click()
    route = starting()
    visitor.go("verify")
    route.continue_()
    settle(visitor, route)
    expect(visitor.at("#view-verify")).to_be_visible()
    visitor.go("export")
    visitor.expect_status("Completed")


def test_details_that_come_late_close_no_others(visitor: Visitor, system: System) -> None:
    for name in ("First", "Second"):
        system.export({"columnMappings": _CODE, "format": {"fileName": name}})
    visitor.sign_in()
    visitor.go("history")
    asking = hold_one(visitor, "GET", "**/export/csv/*?link=false")
    rows = visitor.at("#recent-rows > tr[data-code]")
    rows.nth(0).locator("[data-act=details]").click()
    route = asking()
    opened = rows.nth(1).get_attribute("data-code")
    rows.nth(1).locator("[data-act=details]").click()
    expect(visitor.at("#recent-rows > .details")).to_have_attribute("data-code", str(opened))
    route.continue_()
    settle(visitor, route)
    expect(visitor.at("#recent-rows > .details")).to_have_attribute("data-code", str(opened))


def test_messages_that_come_late_tell_no_problem_of_another_export(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.at("#file-name").fill("First")
    visitor.export()
    visitor.expect_text("#job-download", "First.csv")
    asking = hold_one(visitor, "GET", "**/deliveries?*")
    visitor.at("#deliveries summary").click()
    route = asking()
    visitor.at("#file-name").fill("Second")
    visitor.export()
    visitor.expect_text("#job-download", "Second.csv")
    route.fulfill(**_UNAVAILABLE)
    settle(visitor, route)
    expect(visitor.at("#deliveries-problem")).to_have_attribute("hidden", "")


def test_a_code_that_is_being_typed_stays_when_the_lists_come(visitor: Visitor) -> None:
    asking = hold_one(visitor, "GET", "**/export/filters")
    visitor.sign_in()
    route = asking()
    visitor.at("#codes summary").first.click()
    typed = visitor.at("[data-codes=managerCodes] .codes-text")
    typed.press_sequentially("MG")
    route.continue_()
    expect(visitor.at("[data-codes=managerCodes] .codes-list input").first).to_be_attached()
    expect(typed).to_be_focused()
    visitor.page.keyboard.type("R1")
    expect(typed).to_have_value("MGR1")


# --- signing in


def test_a_key_that_is_refused_late_says_nothing_of_the_next_key(visitor: Visitor) -> None:
    visitor.open()
    asking = hold_one(visitor, "GET", "**/me")
    visitor.give_key("cx_wrong_key")
    route = asking()
    visitor.at("#key").fill(NORTHWIND_KEY)
    route.continue_()
    settle(visitor, route)
    expect(visitor.at("#sign-in-problem")).to_be_hidden()
    expect(visitor.at("#key")).to_have_value(NORTHWIND_KEY)
    visitor.at("#sign-in-submit").click()
    expect(visitor.at("#work")).to_be_visible()
