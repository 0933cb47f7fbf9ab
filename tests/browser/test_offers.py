"""The form offers what the API takes; what this reader or this service cannot do, it shows with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from exports.request.fields import SENSITIVE_FIELDS, TargetField
from tests.browser.conftest import jobs_of, newest_job
from tests.browser.test_accessibility import NARROW, assert_accessible
from tests.support.system import EXPORT, NORTHWIND, System, running_system
from tests.support.visitor import Visitor, shown_in

GERMAN = NARROW | {"locale": "de-DE"}
BOTH = shown_in({"English": {}, "German, 320 px": GERMAN})


@pytest.fixture(scope="module")
def system_of_tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Run a system whose clients are in Table Storage, which can show no moment. Its table is still missing."""
    directory = tmp_path_factory.mktemp("tables")
    with running_system(directory, "azure-tables:///clients", healthy=False, workers=1) as system:
        yield system


@pytest.fixture
def visitor_of_tables(browser: Browser, system_of_tables: System) -> Iterator[Visitor]:
    context = browser.new_context(viewport={"width": 320, "height": 640}, locale="de-DE", reduced_motion="reduce")
    try:
        yield Visitor(context.new_page(), system_of_tables)
    finally:
        context.close()


def request_of_newest(system: System) -> Any:
    return system.job(f"/tenants/{NORTHWIND}{EXPORT}/{newest_job(system)['code']}")["request"]


def open_newest(visitor: Visitor, system: System) -> None:
    """Open the details of the newest export in the list."""
    visitor.go("history")
    visitor.at(f"#recent-rows tr[data-code='{newest_job(system)['code']}'] [data-act=details]").click()
    expect(visitor.at(".details dl")).to_be_visible()


@BOTH
def test_an_export_of_one_moment_is_chosen_started_and_told_everywhere(visitor: Visitor, system: System) -> None:
    visitor.sign_in()
    visitor.pick("Code")
    visitor.at("#snapshot").check()
    visitor.expect_text("#summary", "Zeitpunkt" if visitor.is_german() else "as of one moment")
    visitor.expect_text("#snapshot-hint", "länger" if visitor.is_german() else "takes longer")
    visitor.page.wait_for_url(re.compile("consistency=snapshot"))
    visitor.at("#estimate").click()
    expect(visitor.at("#estimated")).to_be_visible()
    assert_accessible(visitor)
    visitor.export()
    visitor.expect_status("Completed")
    assert request_of_newest(system)["consistency"] == "snapshot"

    open_newest(visitor, system)
    visitor.expect_text(".details", "Stand" if visitor.is_german() else "As of")
    assert_accessible(visitor)
    visitor.at(".details [data-act=useSettings]").click()
    expect(visitor.at("#snapshot")).to_be_checked()


@pytest.mark.thorough
def test_where_the_database_has_no_snapshots_the_form_says_so(visitor_of_tables: Visitor) -> None:
    visitor = visitor_of_tables
    visitor.sign_in()
    expect(visitor.at("#snapshot")).to_be_disabled()
    visitor.expect_text("#snapshot-hint", "Hier nicht möglich: Die Datenbank mit den Kunden kann")
    visitor.expect_text("#preview-notes", "Die Datenbank mit den Kunden lässt sich so nicht exportieren.")
    assert_accessible(visitor)
    visitor.page.goto(f"{visitor.system.url}/#export?consistency=snapshot")
    visitor.expect_text("#address-problem", "nicht alle Einstellungen")
    expect(visitor.at("#snapshot")).not_to_be_checked()
    assert visitor.system.call("GET", "/me").json["limits"]["consistency"] == ["pages"]


@pytest.mark.thorough
@BOTH
def test_what_happens_to_long_text_is_offered_for_a_workbook_alone(visitor: Visitor, system: System) -> None:
    visitor.sign_in()
    visitor.pick("Code")
    expect(visitor.at("#long-cells")).to_be_hidden()
    visitor.at("input[name=preset][value=xlsx]").check()
    expect(visitor.at("#long-cells")).to_have_value("cut")
    visitor.at("#long-cells").select_option("fail")
    assert_accessible(visitor)
    visitor.export()
    visitor.expect_status("Completed")
    assert request_of_newest(system)["format"]["longCells"] == "fail"

    open_newest(visitor, system)
    visitor.expect_text(".details", "scheitert" if visitor.is_german() else "fails if text is too long")
    visitor.go("export")
    visitor.at("input[name=preset][value=excel]").check()
    expect(visitor.at("#long-cells")).to_be_hidden()
    assert "longCells" not in visitor.page.url


@pytest.mark.thorough
def test_clients_that_changed_before_a_moment_are_chosen(visitor: Visitor, system: System) -> None:
    visitor.sign_in()
    visitor.pick("Code")
    visitor.at("#until").fill("2020-01-01T00:00")
    visitor.expect_text("#preview-count", "0 clients")
    visitor.at("#since").fill("2020-01-01T00:00")
    visitor.at("#until").fill("2200-01-01T00:00")
    visitor.expect_text("#preview-count", "4,500 clients")
    visitor.expect_text("#summary", "2 filters")
    visitor.export()
    visitor.expect_status("Completed")
    assert request_of_newest(system)["filter"]["updatedUntil"] == "2200-01-01T00:00:00.000Z"
    visitor.go("history")
    code = newest_job(system)["code"]
    visitor.expect_text(f"#recent-rows tr[data-code='{code}']", "changed before 1 Jan 2200")


def test_a_day_without_a_time_is_never_taken_for_no_filter(visitor: Visitor, system: System) -> None:
    visitor.sign_in()
    before = jobs_of(system)
    visitor.expect_text("#preview-count", "4,500 clients")
    visitor.at("#since").focus()
    visitor.page.keyboard.type("03012026")
    visitor.at("#search").focus()
    visitor.expect_text("#preview-notes", "“Changed since” needs a day that exists and a time.")
    expect(visitor.at("#preview-count")).to_have_text("")
    expect(visitor.at("#estimated")).to_be_hidden()
    for button in ("#export", "#estimate"):
        visitor.at(button).click()
        assert "Complete the field, or clear it." in visitor.fault_of("#since")
        expect(visitor.at("#since")).to_be_focused()
    visitor.at("#since").fill("20260-01-01T00:00")
    visitor.at("#export").click()
    assert "needs a day that exists" in visitor.fault_of("#since")
    visitor.go("schedules")
    visitor.at("#schedule-new").click()
    visitor.at("#schedule-save").click()
    visitor.expect_text("#schedule-form fieldset .fault", "“Changed since” needs a day that exists and a time.")
    visitor.go("export")
    visitor.at("#since").fill("")
    visitor.at("#search").focus()
    visitor.expect_text("#preview-count", "4,500 clients")
    visitor.export()
    visitor.expect_status("Completed")
    assert len(jobs_of(system) - before) == 1


@pytest.mark.thorough
@BOTH
def test_a_reader_who_may_not_cannot_select_sensitive_fields_and_learns_why(
    visitor: Visitor, key_without_sensitive_fields: str
) -> None:
    visitor.sign_in(key_without_sensitive_fields)
    visitor.expect_text("#summary", "die Sie exportieren dürfen" if visitor.is_german() else "that you may export")
    visitor.choose("chosen")
    for field in SENSITIVE_FIELDS:
        expect(visitor.at(f"[data-field={field}]")).to_be_disabled()
        expect(visitor.at(f"[data-field={field}]")).to_have_attribute("aria-describedby", "sensitive-note")
    visitor.expect_text("#sensitive-note", "dürfen Sie nicht" if visitor.is_german() else "You may not export")
    visitor.at("#take-all").click()
    expect(visitor.at("#chosen li")).to_have_count(len(TargetField) - len(SENSITIVE_FIELDS))
    for group in visitor.at("[data-all]").all():
        group.click()
        group.click()
    expect(visitor.at("#chosen li")).to_have_count(len(TargetField) - len(SENSITIVE_FIELDS))
    assert_accessible(visitor)
    visitor.export()
    visitor.expect_status("Completed")


@pytest.mark.thorough
def test_a_saved_selection_with_sensitive_fields_tells_who_may_not_export_it(
    visitor: Visitor, system: System, key_without_sensitive_fields: str
) -> None:
    columns = [{"csvHeader": name, "targetField": name} for name in ("Code", "NiNumber")]
    body = {"name": "With a sensitive field", "columnMappings": columns, "mappingType": "Client"}
    saved = system.call("POST", f"/tenants/{NORTHWIND}/csv-mappings", body).json
    visitor.sign_in(key_without_sensitive_fields)
    visitor.choose("mapping")
    visitor.at("#mapping").select_option("limited-company-clients")
    expect(visitor.at("#mapping-refused")).to_be_hidden()
    visitor.at("#mapping").select_option(saved["code"])
    visitor.expect_text("#mapping-refused", "NI number")
    assert_accessible(visitor)
    visitor.at("#adapt").click()
    visitor.at("[data-field=NiNumber]").uncheck()
    expect(visitor.at("[data-field=NiNumber]")).to_be_disabled()
    visitor.export()
    visitor.expect_status("Completed")
