"""Schedules in the ui: made from the present form, edited, paused and deleted, with their next and past runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from exports.adapters.storage.runs import TableRunHistory
from exports.adapters.storage.schedules import TableScheduleStore
from exports.schedules.runs import RunOutcome, ScheduleRun
from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.browser.conftest import stored_jobs
from tests.browser.test_accessibility import NARROW, assert_accessible, press_until
from tests.browser.test_history import completed
from tests.support.keys import a_key
from tests.support.system import NORTHWIND, NORTHWIND_KEY, System
from tests.support.visitor import Visitor, shown_in

SCHEDULES = f"/tenants/{NORTHWIND}/clients/export/schedules"
GERMAN = {"locale": "de-DE"}
NEVER_SOON = "0 3 29 2 *"


@pytest.fixture(autouse=True)
def _no_schedules(system: System) -> Iterator[None]:
    """Leave no schedule behind: an enabled one would start exports in the tests that follow."""
    yield
    for schedule in listed(system):
        assert system.call("DELETE", f"{SCHEDULES}/{schedule['code']}").status == 204


def listed(system: System) -> list[Any]:
    schedules: list[Any] = system.call("GET", f"{SCHEDULES}?limit=100").json["data"]
    return schedules


def a_schedule(system: System, **changes: Any) -> str:
    body = {"name": "VAT", "cron": NEVER_SOON, "timeZone": "Europe/London", **changes}
    code: str = system.call("POST", SCHEDULES, body).json["code"]
    return code


def open_schedules(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.go("schedules")


def card(visitor: Visitor, name: str) -> str:
    """Return the selector of a schedule in the list, when it is there."""
    selector = f"#schedules-list > li:has(h2:text-is('{name}'))"
    expect(visitor.at(selector)).to_be_visible()
    return selector


def save(visitor: Visitor) -> None:
    visitor.at("#schedule-save").click()
    expect(visitor.at("#schedule-form")).to_be_hidden()


# --- making and editing


def test_a_schedule_is_made_from_the_present_form(visitor: Visitor, system: System) -> None:
    visitor.sign_in()
    visitor.pick("Code", "Name")
    visitor.at("input[name=statuses][value=Active]").check()
    visitor.at("input[name=preset][value=xlsx]").check()
    visitor.go("schedules")
    visitor.expect_text("#schedules-empty", "No schedules yet")
    visitor.at("#schedule-new").click()
    expect(visitor.at("#schedule-name")).to_be_focused()
    visitor.expect_text("#schedule-summary", "2 columns")
    visitor.at("#schedule-name").fill("Every first")
    visitor.at("#schedule-rhythm").select_option("monthly")
    visitor.at("#schedule-day").select_option("L")
    visitor.at("#schedule-time").fill("07:05")
    visitor.at("#schedule-zone").fill("America/New_York")
    visitor.at("#schedule-queue").check()
    save(visitor)

    (saved,) = listed(system)
    assert (saved["name"], saved["cron"], saved["timeZone"]) == ("Every first", "5 7 L * *", "America/New_York")
    assert (saved["overlap"], saved["incremental"], saved["enabled"]) == ("queue", False, True)
    assert [column["targetField"] for column in saved["request"]["columnMappings"]] == ["Code", "Name"]
    assert saved["request"]["filter"]["statuses"] == ["Active"]
    assert saved["request"]["format"]["preset"] == "xlsx"
    shown = card(visitor, "Every first")
    visitor.expect_text(shown, "On the last day of each month at 07:05, America/New_York.")
    visitor.expect_text(shown, "2 columns")


def test_the_next_three_runs_are_shown_in_the_time_zone_of_the_schedule(visitor: Visitor, system: System) -> None:
    a_schedule(system, cron="30 6 * * 1", timeZone="America/New_York")
    (schedule,) = listed(system)
    open_schedules(visitor)
    runs = visitor.at(f"{card(visitor, 'VAT')} .next-runs time")

    expect(runs).to_have_count(3)
    assert [run.get_attribute("datetime") for run in runs.all()] == schedule["nextRunDates"]
    for text in runs.all_inner_texts():
        assert re.fullmatch(r"Mon,? \d\d? \w+ \d{4},? (at )?06:30", text), text


@pytest.mark.thorough
def test_a_wrong_entry_is_marked_at_its_field(visitor: Visitor) -> None:
    open_schedules(visitor)
    visitor.at("#schedule-new").click()
    visitor.at("#schedule-rhythm").select_option("own")
    visitor.at("#schedule-cron").fill("99 * * * *")
    visitor.at("#schedule-zone").fill("Europe/Nowhere")
    visitor.at("#schedule-save").click()

    assert "empty" in visitor.fault_of("#schedule-name")
    assert "correct the minute" in visitor.fault_of("#schedule-cron").lower()
    assert "IANA" in visitor.fault_of("#schedule-zone")
    visitor.expect_text("#schedule-problem", "marked")
    assert_accessible(visitor)


@pytest.mark.thorough
def test_a_missing_time_is_marked_at_its_field(visitor: Visitor) -> None:
    open_schedules(visitor)
    visitor.at("#schedule-new").click()
    visitor.at("#schedule-time").fill("")
    visitor.at("#schedule-save").click()

    assert visitor.fault_of("#schedule-time") == "Enter a time."
    expect(visitor.at("#schedule-time")).to_be_focused()


@pytest.mark.thorough
def test_a_schedule_that_is_being_made_stays_while_the_reader_changes_the_form(visitor: Visitor) -> None:
    open_schedules(visitor)
    visitor.at("#schedule-new").click()
    visitor.expect_text("#schedule-summary", "Every column")
    visitor.at("#schedule-name").fill("Half done")
    visitor.go("export")
    visitor.pick("Code", "Name")
    visitor.go("schedules")

    expect(visitor.at("#schedule-name")).to_have_value("Half done")
    visitor.expect_text("#schedule-summary", "2 columns")
    visitor.at("#sign-out").click()
    visitor.give_key(NORTHWIND_KEY)
    expect(visitor.at("#schedule-new")).to_be_visible()
    expect(visitor.at("#schedule-form")).to_be_hidden()


def test_editing_keeps_the_request_unless_the_form_is_to_replace_it(visitor: Visitor, system: System) -> None:
    a_schedule(system, request={"filter": {"statuses": ["Prospect"]}}, cron="15 22 * * 5", incremental=True)
    open_schedules(visitor)
    visitor.at(f"{card(visitor, 'VAT')} [data-act=edit]").click()
    expect(visitor.at("#schedule-rhythm")).to_have_value("weekly")
    expect(visitor.at("#schedule-weekday")).to_have_value("5")
    expect(visitor.at("#schedule-time")).to_have_value("22:15")
    visitor.at("#schedule-name").fill("VAT, weekly")
    visitor.at("#schedule-weekday").select_option("0")
    save(visitor)

    (kept,) = listed(system)
    assert (kept["name"], kept["cron"], kept["incremental"]) == ("VAT, weekly", "15 22 * * 0", True)
    assert kept["request"]["filter"]["statuses"] == ["Prospect"]

    visitor.at(f"{card(visitor, 'VAT, weekly')} [data-act=edit]").click()
    visitor.at("input[name=schedule-request][value=form]").check()
    save(visitor)
    (replaced,) = listed(system)
    assert replaced["request"]["filter"]["statuses"] == []


def edit(visitor: Visitor, name: str) -> None:
    visitor.at(f"{card(visitor, name)} [data-act=edit]").click()
    expect(visitor.at("#schedule-name")).to_have_value(name)


@shown_in({"wide": {}, "narrow and German": GERMAN | NARROW})
def test_what_the_reader_typed_stays_when_someone_else_changes_the_schedule(visitor: Visitor, system: System) -> None:
    code = a_schedule(system, cron="30 6 * * 1", request={"filter": {"statuses": ["Active"]}})
    open_schedules(visitor)
    edit(visitor, "VAT")
    theirs = {"cron": "15 22 * * 5", "enabled": False, "request": {"filter": {"statuses": ["Prospect"]}}}
    assert system.call("PUT", f"{SCHEDULES}/{code}", {"name": "Theirs", **theirs}).status == 200
    visitor.at("#schedule-name").fill("Mine")
    visitor.at("#schedule-queue").check()
    visitor.at("#schedule-save").click()

    told = visitor.at("#schedule-problem dd")
    expect(told).to_have_count(5)  # the time zone, too: theirs is the default
    paused, name, rhythm, zone, what = told.all_inner_texts()
    assert (name, zone) == ("Theirs", "UTC")
    german = visitor.is_german()
    assert paused == ("Angehalten" if german else "Paused")
    assert ("Freitag" if german else "Friday") in rhythm
    assert ("Interessent" if german else "Prospect") in what
    assert [schedule["name"] for schedule in listed(system)] == ["Theirs"]
    expect(visitor.at(card(visitor, "Theirs"))).to_be_visible()
    expect(visitor.at("#schedule-name")).to_have_value("Mine")
    expect(visitor.at("#schedule-time")).to_have_value("22:15")
    assert not visitor.overflows()
    assert_accessible(visitor)
    save(visitor)

    (saved,) = listed(system)
    assert (saved["name"], saved["cron"], saved["enabled"], saved["overlap"]) == ("Mine", "15 22 * * 5", False, "queue")
    assert saved["request"]["filter"]["statuses"] == ["Prospect"]


@pytest.mark.thorough
def test_the_reader_can_drop_what_was_typed_for_the_changes_of_someone_else(visitor: Visitor, system: System) -> None:
    code = a_schedule(system)
    open_schedules(visitor)
    edit(visitor, "VAT")
    assert system.call("PUT", f"{SCHEDULES}/{code}", {"name": "Theirs", "cron": NEVER_SOON}).status == 200
    visitor.at("#schedule-name").fill("Mine")
    visitor.at("#schedule-save").click()
    visitor.at("#schedule-theirs").click()

    expect(visitor.at("#schedule-name")).to_have_value("Theirs")
    expect(visitor.at("#schedule-name")).to_be_focused()
    expect(visitor.at("#schedule-problem")).to_be_hidden()
    save(visitor)
    assert [schedule["name"] for schedule in listed(system)] == ["Theirs"]


@pytest.mark.thorough
def test_a_run_of_a_schedule_that_is_being_edited_is_no_change_by_someone_else(
    visitor: Visitor, system: System
) -> None:
    code = a_schedule(system)
    open_schedules(visitor)
    edit(visitor, "VAT")
    account = StorageAccount(system.storage)
    ran = datetime(2026, 11, 2, 12, tzinfo=UTC)
    TableScheduleStore(account).change(NORTHWIND, code, lambda schedule: schedule.with_state(last_run_date=ran))
    account.tables.close()
    visitor.at("#schedule-name").fill("Mine")
    save(visitor)

    (saved,) = listed(system)
    assert (saved["name"], saved["lastRunDate"]) == ("Mine", "2026-11-02T12:00:00.000Z")


@pytest.mark.thorough
def test_a_schedule_that_someone_else_deletes_can_be_made_anew_from_its_form(visitor: Visitor, system: System) -> None:
    code = a_schedule(system, request={"filter": {"statuses": ["Prospect"]}})
    open_schedules(visitor)
    edit(visitor, "VAT")
    visitor.at("#schedule-name").fill("Mine")
    assert system.call("DELETE", f"{SCHEDULES}/{code}").status == 204
    visitor.at("#schedule-save").click()
    visitor.expect_text("#schedule-problem", "Save it again to make it anew.")
    save(visitor)

    (made,) = listed(system)
    assert (made["name"], made["request"]["filter"]["statuses"]) == ("Mine", ["Prospect"])
    assert made["code"] != code


@pytest.mark.thorough
def test_pausing_a_schedule_that_is_being_edited_is_no_change_by_someone_else(visitor: Visitor, system: System) -> None:
    a_schedule(system)
    open_schedules(visitor)
    visitor.at(f"{card(visitor, 'VAT')} [data-act=edit]").click()
    expect(visitor.at("#schedule-name")).to_have_value("VAT")
    visitor.at("#schedule-name").fill("VAT return")
    visitor.at(f"{card(visitor, 'VAT')} [data-act=pause]").click()
    visitor.expect_text(f"{card(visitor, 'VAT')} .pill", "Paused")
    save(visitor)
    [saved] = listed(system)
    assert (saved["name"], saved["enabled"]) == ("VAT return", False)


def test_the_form_of_a_deleted_schedule_is_closed(visitor: Visitor, system: System) -> None:
    a_schedule(system)
    open_schedules(visitor)
    visitor.at(f"{card(visitor, 'VAT')} [data-act=edit]").click()
    expect(visitor.at("#schedule-form")).to_be_visible()
    visitor.at(f"{card(visitor, 'VAT')} [data-act=remove]").click()
    visitor.at(f"{card(visitor, 'VAT')} [data-act=confirm]").click()
    visitor.expect_text("#schedules-empty", "No schedules yet")
    expect(visitor.at("#schedule-form")).to_be_hidden()


# --- pausing and deleting


def test_a_schedule_is_paused_and_activated_again(visitor: Visitor, system: System) -> None:
    a_schedule(system, request={"mappingCode": "limited-company-clients"})
    open_schedules(visitor)
    shown = card(visitor, "VAT")
    visitor.at(f"{shown} [data-act=pause]").click()
    visitor.expect_text(f"{shown} .pill", "Paused")
    expect(visitor.at(f"{shown} .next-runs")).to_have_count(0)
    (paused,) = listed(system)
    assert (paused["enabled"], paused["request"]["mappingCode"]) == (False, "limited-company-clients")
    expect(visitor.at(f"{shown} h2")).to_be_focused()

    visitor.at(f"{shown} [data-act=goOn]").click()
    visitor.expect_text(f"{shown} .pill", "Active")
    assert listed(system)[0]["enabled"]


def test_a_schedule_is_deleted_only_after_a_second_answer(visitor: Visitor, system: System) -> None:
    a_schedule(system)
    open_schedules(visitor)
    shown = card(visitor, "VAT")
    visitor.at(f"{shown} [data-act=remove]").click()
    expect(visitor.at(f"{shown} [data-act=keep]")).to_be_focused()
    visitor.at(f"{shown} [data-act=keep]").click()
    expect(visitor.at(f"{shown} [data-act=remove]")).to_be_focused()
    assert len(listed(system)) == 1

    visitor.at(f"{shown} [data-act=remove]").click()
    visitor.at(f"{shown} [data-act=confirm]").click()
    expect(visitor.at(shown)).to_have_count(0)
    expect(visitor.at("#schedules-title")).to_be_focused()
    assert listed(system) == []


@pytest.mark.thorough
def test_a_schedule_that_another_person_has_deleted_can_be_deleted(visitor: Visitor, system: System) -> None:
    code = a_schedule(system)
    open_schedules(visitor)
    shown = card(visitor, "VAT")
    assert system.call("DELETE", f"{SCHEDULES}/{code}").status == 204
    visitor.at(f"{shown} [data-act=remove]").click()
    visitor.at(f"{shown} [data-act=confirm]").click()

    expect(visitor.at(shown)).to_have_count(0)
    expect(visitor.at("#schedules-problem")).to_be_hidden()


def test_a_reader_without_the_right_has_no_buttons_that_change_schedules(visitor: Visitor, system: System) -> None:
    a_schedule(system)
    account = StorageAccount(system.storage)
    key, text = a_key(NORTHWIND, scopes=("exports:read",))
    assert TableKeyStore(account).add(key)
    account.tables.close()
    visitor.sign_in(text)
    visitor.go("schedules")

    expect(visitor.at(f"{card(visitor, 'VAT')} .actions")).to_have_count(0)
    expect(visitor.at("#schedule-new")).to_be_hidden()


# --- runs


def record_runs(system: System, code: str, job: str) -> None:
    account = StorageAccount(system.storage)
    noon = datetime(2026, 11, 2, 12, tzinfo=UTC)
    for days, (outcome, reason, job_code) in enumerate(
        [
            (RunOutcome.STARTED, None, job),
            (RunOutcome.SKIPPED, "The previous export was still running.", None),
            (RunOutcome.MISSED, "The service did not process the slot in time.", None),
            (RunOutcome.FAILED, "There is no mapping with this code.", None),
        ]
    ):
        slot = noon + timedelta(days=days)
        run = ScheduleRun(NORTHWIND, code, f"{days:026d}", slot, outcome, slot, reason, job_code=job_code)
        TableRunHistory(account).record(run)
    account.tables.close()


def test_past_runs_show_their_outcome_and_lead_to_their_export(visitor: Visitor, system: System) -> None:
    code = a_schedule(system, timeZone="America/New_York")
    job = completed(1, schedule_code=code)
    with stored_jobs(system) as jobs:
        jobs.create(job)
    record_runs(system, code, job.code)
    visitor.page.route("**/manifest", lambda route: route.fulfill(status=410, json={}))  # there is no such file
    open_schedules(visitor)
    shown = card(visitor, "VAT")
    visitor.at(f"{shown} summary").click()
    runs = visitor.at(f"{shown} .tries li")

    expect(runs).to_have_count(4)
    texts = {run.get_attribute("data-outcome"): run.inner_text() for run in runs.all()}
    assert "07:00" in texts["Started"]
    assert "Completed" in texts["Started"]
    assert "Skipped" in texts["Skipped"]
    assert "could not start it in time" in texts["Missed"]
    assert "There is no mapping with this code." in texts["Failed"]
    assert_accessible(visitor)
    visitor.at(f"{shown} [data-outcome=Started] button").click()
    visitor.expect_text("#job-title", "The file is ready")
    expect(visitor.at("#job-title")).to_be_focused()
    with stored_jobs(system) as jobs:
        assert jobs.get(NORTHWIND, job.code) == job  # which nobody has downloaded


# --- everyone


@pytest.mark.thorough
@shown_in({"narrow": NARROW, "narrow and German": GERMAN | NARROW})
def test_every_state_of_the_view_is_accessible_in_a_narrow_window(visitor: Visitor, system: System) -> None:
    a_schedule(system, name="A schedule with a name that is much longer than a narrow window is wide")
    a_schedule(system, name="Paused", enabled=False)
    open_schedules(visitor)
    shown = card(visitor, "Paused")
    assert_accessible(visitor)
    visitor.at(f"{shown} summary").click()
    expect(visitor.at(f"{shown} .tries li")).to_have_count(1)
    visitor.at(f"{shown} [data-act=remove]").click()
    assert_accessible(visitor)
    visitor.at(f"{shown} [data-act=keep]").click()
    visitor.at(f"{shown} [data-act=edit]").click()
    expect(visitor.at("#schedule-name")).to_have_value("Paused")
    for rhythm in ("weekly", "monthly", "own"):
        visitor.at("#schedule-rhythm").select_option(rhythm)
        assert_accessible(visitor)


@pytest.mark.thorough
@pytest.mark.parametrize("visitor", [GERMAN], ids=["German"], indirect=True)
def test_a_german_reader_gets_german_times_and_words(visitor: Visitor, system: System) -> None:
    a_schedule(system, cron="30 6 * * 3", timeZone="Europe/Berlin")
    open_schedules(visitor)
    shown = card(visitor, "VAT")

    visitor.expect_text(shown, "Jeden Mittwoch um 06:30, Europe/Berlin.")
    visitor.expect_text(f"{shown} .next-runs", re.compile(r"Mi., \d\d?\. \w+\.? \d{4}"))
    visitor.expect_text(f"{shown} .pill", "Aktiv")


@pytest.mark.thorough
def test_a_schedule_is_made_with_the_keyboard_alone(visitor: Visitor, system: System) -> None:
    open_schedules(visitor)
    keyboard = visitor.page.keyboard
    press_until(visitor, "Tab", "#schedule-new")
    keyboard.press("Enter")
    expect(visitor.at("#schedule-name")).to_be_focused()
    keyboard.type("By keyboard")
    press_until(visitor, "Tab", "#schedule-save")
    keyboard.press("Enter")
    expect(visitor.at(f"{card(visitor, 'By keyboard')} h2")).to_be_focused()
    assert listed(system)[0]["cron"] == "30 6 * * 1-5"
