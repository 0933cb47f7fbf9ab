"""What the service finds wrong in a request is said in the language of the page, beside the field."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.test_accessibility import NARROW, assert_accessible
from tests.support.visitor import Visitor

GERMAN = NARROW | {"locale": "de-DE"}
IN_GERMAN = pytest.mark.parametrize("visitor", [GERMAN], ids=["German, 320 px"], indirect=True)


@IN_GERMAN
@pytest.mark.parametrize(
    ("heading", "fault"),
    [
        ("", "Das darf nicht leer sein."),
        ("Name", "„Name“ verwendet schon Spalte 1."),
        pytest.param(" Code", "Die Überschrift beginnt oder endet mit einem Leerzeichen.", marks=pytest.mark.thorough),
        pytest.param("  ", "Die Überschrift ist leer.", marks=pytest.mark.thorough),
    ],
)
def test_a_fault_of_a_heading_is_said_in_german(visitor: Visitor, heading: str, fault: str) -> None:
    visitor.sign_in()
    visitor.pick("Name", "Code")
    visitor.at("#chosen li:nth-child(2) input").fill(heading)
    visitor.expect_text("#preview-notes", fault)
    visitor.export()
    visitor.expect_text("#problem", "Bitte korrigieren Sie die markierten Felder.")
    assert fault in visitor.fault_of("#chosen li:nth-child(2) input")
    assert_accessible(visitor)


@pytest.mark.thorough
@IN_GERMAN
def test_faults_of_a_schedule_and_of_its_receivers_are_said_in_german(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.go("schedules")
    visitor.at("#schedule-new").click()
    visitor.at("#schedule-rhythm").select_option("own")
    visitor.at("#schedule-cron").fill("99 * * * *")
    visitor.at("#schedule-zone").fill("Europe/Nowhere")
    visitor.at("#schedule-notify-url").fill("ftp://files.example")
    visitor.at("#schedule-save").click()

    assert "Das darf nicht leer sein." in visitor.fault_of("#schedule-name")
    assert "Berichtigen Sie die Minute, „99“" in visitor.fault_of("#schedule-cron")
    assert "IANA-Namen einer Zeitzone" in visitor.fault_of("#schedule-zone")
    assert "Geben Sie eine vollständige Adresse an" in visitor.fault_of("#schedule-notify-url")
    assert_accessible(visitor)


@pytest.mark.thorough
@IN_GERMAN
def test_a_limit_in_a_fault_is_written_as_the_reader_writes_numbers(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.page.goto(f"{visitor.system.url}/#export?managerCodes={','.join(f'm{n}' for n in range(1001))}")
    expect(visitor.at("[data-codes=managerCodes] .count")).to_have_text("1001")
    visitor.export()
    assert "Höchstens 1.000 Einträge sind erlaubt." in visitor.fault_of("[data-codes=managerCodes]")


@pytest.mark.thorough
@IN_GERMAN
def test_a_fault_of_a_later_version_is_said_as_the_service_says_it(visitor: Visitor) -> None:
    visitor.sign_in()
    faults = [{"pointer": "/filter/search", "detail": "Use fewer letters.", "code": "too-clever", "values": {"a": "b"}}]
    problem: dict[str, Any] = {"code": "invalid-request", "detail": "One fault.", "errors": faults}

    def refuse(route: Route) -> None:
        route.fulfill(status=400, content_type="application/problem+json", json=problem)

    visitor.page.route("**/clients/export/csv", refuse, times=1)
    visitor.export()
    assert "Use fewer letters." in visitor.fault_of("#search")
