"""The details of an export: the export of the changes since then, the clients to remove, and the proof to keep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import jobs_of, locked_clients, newest_job
from tests.browser.test_accessibility import assert_accessible
from tests.browser.test_history import open_details
from tests.support.system import EXPORT, NORTHWIND, System
from tests.support.visitor import Visitor, read_download, shown_in

JOBS = f"/tenants/{NORTHWIND}{EXPORT}"
COLUMNS = [{"csvHeader": "Client", "targetField": "Code"}, {"csvHeader": "Who", "targetField": "Name"}]
BODY: dict[str, Any] = {
    "columnMappings": COLUMNS,
    "filter": {"statuses": ["Active"], "updatedUntil": "2026-01-31T09:00:00Z"},
    "format": {"preset": "xlsx"},
    "consistency": "snapshot",
}


def open_newest(visitor: Visitor, job: Any) -> None:
    visitor.sign_in()
    visitor.go("history")
    open_details(visitor, job)


@pytest.mark.parametrize("body", [BODY, {}], ids=["a choice of columns", "every column"])
def test_the_changes_since_an_export_are_one_press_away(visitor: Visitor, system: System, body: dict[str, Any]) -> None:
    job = system.start_export(body, prefer="wait=60").json
    before = jobs_of(system)
    open_newest(visitor, job)
    visitor.at(".details [data-act=exportChanges]").click()
    visitor.expect_status("Completed")

    assert len(jobs_of(system) - before) == 1
    first, second = (system.job(f"{JOBS}/{code}")["request"] for code in (job["code"], newest_job(system)["code"]))
    assert second["since"] == job["code"]
    for part in ("columns", "format", "consistency"):
        assert second.get(part) == first.get(part), part
    assert second["filter"]["statuses"] == first["filter"]["statuses"]


@pytest.mark.thorough
@pytest.mark.parametrize("body", [BODY, {}], ids=["a choice of columns", "every column"])
def test_an_export_of_changes_that_is_run_again_has_the_same_start(
    visitor: Visitor, system: System, body: dict[str, Any]
) -> None:
    first = system.start_export(body, prefer="wait=60").json
    until = {"filter": {**body.get("filter", {}), "updatedUntil": "2099-01-01T00:00:00Z"}}
    job = system.start_export({**body, **until, "since": first["code"]}, prefer="wait=60").json
    open_newest(visitor, job)
    visitor.at(".details [data-act=runAgain]").click()
    visitor.expect_status("Completed")
    assert (
        system.job(f"{JOBS}/{newest_job(system)['code']}")["request"] == system.job(f"{JOBS}/{job['code']}")["request"]
    )


@pytest.mark.thorough
def test_an_export_without_a_file_offers_neither_its_changes_nor_a_proof(
    visitor: Visitor, system: System, database_url: str
) -> None:
    with locked_clients(database_url):
        job = system.call("DELETE", system.start_async({})).json
    assert job["status"] == "Cancelled", job
    open_newest(visitor, job)
    expect(visitor.at(".details [data-act=useSettings]")).to_be_visible()
    expect(visitor.at(".details [data-act=exportChanges]")).to_have_count(0)
    expect(visitor.at(".details [data-act=saveProof]")).to_have_count(0)


@pytest.mark.thorough
def test_the_details_say_that_deletions_are_not_known(visitor: Visitor, system: System) -> None:
    first = system.start_export({"columnMappings": COLUMNS}, prefer="wait=60").json
    second = system.start_export({"columnMappings": COLUMNS, "since": first["code"]}, prefer="wait=60").json
    open_newest(visitor, second)
    visitor.expect_text(".details", "not known: the database does not tell")
    visitor.expect_text(".details", "No longer matching")


@shown_in({"wide": {}, "German, 320 px": {"viewport": {"width": 320, "height": 740}, "locale": "de-DE"}})
def test_the_details_name_the_clients_to_remove(visitor: Visitor, system: System) -> None:
    def answer(route: Route) -> None:
        codes = [f"C{number:05}" for number in range(1, 104)]
        route.fulfill(json={"changes": {"since": "x", "deletedCodes": codes, "leftCodes": []}})

    first = system.start_export({"columnMappings": COLUMNS}, prefer="wait=60").json
    second = system.start_export({"columnMappings": COLUMNS, "since": first["code"]}, prefer="wait=60").json
    visitor.page.route("**/manifest", answer)
    open_newest(visitor, second)
    in_proof = "3 weitere, die im Nachweis stehen" if visitor.is_german() else "3 more, which the proof lists"
    visitor.expect_text(".details", "C00100")
    visitor.expect_text(".details", in_proof)
    expect(visitor.at(".details")).not_to_contain_text("C00101")
    visitor.expect_text(".details", "keine" if visitor.is_german() else "none")
    assert not visitor.overflows()
    assert_accessible(visitor)


def test_the_proof_is_saved_and_checks_the_file_later(visitor: Visitor, system: System, tmp_path: Path) -> None:
    job = system.start_export({"columnMappings": COLUMNS}, prefer="wait=60").json
    open_newest(visitor, job)
    with visitor.page.expect_download() as coming:
        visitor.at(".details [data-act=saveProof]").click()
    assert coming.value.suggested_filename == f"{job['fileName']}.manifest.json"
    proof = tmp_path / "proof.json"
    proof.write_bytes(read_download(coming.value))
    assert json.loads(proof.read_bytes()) == system.call("GET", f"{JOBS}/{job['code']}/manifest").json

    (tmp_path / "kept.csv").write_bytes(system.export({"columnMappings": COLUMNS}))
    visitor.go("verify")
    visitor.at("#verify-file").set_input_files(tmp_path / "kept.csv")
    visitor.at("#verify-manifest").set_input_files(proof)
    visitor.at("#verify-start").click()
    visitor.expect_text("#verdict", "complete and unchanged")
