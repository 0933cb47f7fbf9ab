"""Signing in to the ui: with which key, and for which tenant."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from exports.jobs.failures import INTERRUPTED
from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.browser.conftest import locked_clients, newest_job, stored_jobs
from tests.browser.test_history import open_details
from tests.browser.test_watch import failed
from tests.support.keys import a_key, with_other_secret
from tests.support.system import EXPORT, HARBOUR, KEY, NO_CLIENTS, NORTHWIND, NORTHWIND_KEY, System, code_of
from tests.support.visitor import Visitor


def test_a_wrong_key_is_refused_in_plain_words(visitor: Visitor) -> None:
    for key in ("wrong", with_other_secret(NORTHWIND_KEY), "clé"):
        visitor.open()
        visitor.give_key(key)

        visitor.expect_text("#sign-in-problem", "This API key is not valid.")
        assert "This API key is not valid." in visitor.fault_of("#key")
        expect(visitor.at("#key")).to_be_focused()
        expect(visitor.at("#work")).to_be_hidden()
        assert visitor.evaluate("sessionStorage.length") == 0

    visitor.give_key(NORTHWIND_KEY)
    expect(visitor.at("#work")).to_be_visible()


@pytest.mark.thorough
def test_a_key_for_one_tenant_signs_in_without_asking_for_the_tenant(visitor: Visitor) -> None:
    visitor.sign_in(NORTHWIND_KEY)

    expect(visitor.at("#tenant")).to_be_hidden()
    visitor.expect_text("#signed-in-tenant", f"Clients of {NORTHWIND}")
    visitor.expect_text("#signed-in-name", "test")
    visitor.at("#sign-out").click()
    expect(visitor.at("#key")).to_be_focused()


def test_a_reader_sees_no_button_that_would_be_refused(visitor: Visitor, system: System) -> None:
    visitor.sign_in(key_for(NORTHWIND, system, "exports:read"))

    expect(visitor.at("#export")).to_be_hidden()
    expect(visitor.at("#estimate")).to_be_visible()
    visitor.expect_text("[data-unless='exports:write']", "You may look at exports")
    visitor.pick("Name")
    expect(visitor.at("#save")).to_be_hidden()
    visitor.at("#sign-out").click()
    visitor.give_key(NORTHWIND_KEY)
    expect(visitor.at("#export")).to_be_visible()
    expect(visitor.at("[data-unless='exports:write']")).to_be_hidden()
    expect(visitor.at("#save")).to_be_visible(visible=bool(visitor.headings()))


@pytest.mark.thorough
def test_a_reader_of_exports_sees_no_button_that_changes_one(
    visitor: Visitor, system: System, database_url: str
) -> None:
    """Each part of the page with `data-scope` needs a right that this reader lacks."""
    resumable = failed(INTERRUPTED)
    with stored_jobs(system) as jobs:
        jobs.create(resumable)
    completed = system.start_export({}, prefer="wait=60").json
    visitor.sign_in(key_for(NORTHWIND, system, "exports:read"))
    visitor.go("history")
    open_details(visitor, completed)
    shown = visitor.at("#recent-rows .details [data-act]:visible").all()
    assert [button.get_attribute("data-act") for button in shown] == ["open", "copyLink", "saveProof"]
    expect(visitor.at("[data-scope]:visible")).to_have_count(0)

    with locked_clients(database_url):
        running = system.start_async()
        for code, status in (
            (resumable.code, "Failed"),
            (completed["code"], "Completed"),
            (code_of(running), re.compile("Queued|InProgress")),
        ):
            visitor.page.goto(f"{system.url}/#history?job={code}")
            expect(visitor.at("#job")).to_have_attribute("data-status", status)
            expect(visitor.at("[data-scope]:visible, #deliveries-again:visible, #notify-test:visible")).to_have_count(0)
            assert visitor.at("#job-actions [data-step]:visible").all() == []
    assert system.wait(running)["status"] == "Completed"


def key_for(tenant: str, system: System, *scopes: str) -> str:
    """Create an API key with these scopes."""
    account = StorageAccount(system.settings["EXPORT_STORAGE"])
    key, text = a_key(tenant, scopes=scopes)
    assert TableKeyStore(account).add(key)
    account.tables.close()
    return text


def test_a_key_for_several_tenants_asks_which_one(visitor: Visitor, system: System) -> None:
    visitor.open()
    visitor.give_key(KEY)
    visitor.expect_text("#tenant-hint", "You may use several tenants.")
    expect(visitor.at("#tenant")).to_be_focused()
    assert visitor.at("#tenant option").all_inner_texts() == sorted([NORTHWIND, HARBOUR, NO_CLIENTS])
    visitor.give_tenant(HARBOUR)

    expect(visitor.at("#tenant-switch")).to_have_value(HARBOUR)
    visitor.pick("Code")
    code = {"columnMappings": [{"csvHeader": "Code", "targetField": "Code"}]}
    assert visitor.export_and_download() == system.export(code, HARBOUR)
    visitor.at("#tenant-switch").select_option(NORTHWIND)
    expect(visitor.at("#job")).to_be_hidden()
    visitor.pick("Code")
    assert visitor.export_and_download() == system.export(code, NORTHWIND)


def test_an_answer_for_the_tenant_before_is_not_shown(visitor: Visitor) -> None:
    visitor.sign_in(KEY, HARBOUR)
    expect(visitor.at("#mapping option").first).to_be_attached()
    held = visitor.hold(f"**/tenants/{HARBOUR}{EXPORT}")
    visitor.export()
    visitor.wait_for_requests(lambda each: each.method == "POST" and each.url.endswith(f"{HARBOUR}{EXPORT}"), 1)
    visitor.at("#tenant-switch").select_option(NORTHWIND)

    expect(visitor.at("#export")).not_to_have_attribute("aria-disabled", "true")
    expect(visitor.at("#job")).to_be_hidden()
    expect(visitor.at("#problem")).to_be_hidden()
    visitor.export()
    visitor.expect_status("Completed")
    assert len(held) == 1


def test_the_next_reader_sends_nothing_with_the_key_of_the_one_before(visitor: Visitor, system: System) -> None:
    visitor.sign_in(NORTHWIND_KEY)
    visitor.export()
    visitor.expect_status("Completed")
    visitor.at("#deliveries summary").click()
    visitor.expect_text("#deliveries-none", "No message has been sent")
    visitor.at("#sign-out").click()
    assert visitor.evaluate("document.querySelectorAll('#mapping option, .codes-list label').length") == 0
    key = key_for(NORTHWIND, system, "exports:read")
    visitor.page.goto(f"{system.url}/#history?job={newest_job(system)['code']}")
    visitor.give_key(key)
    visitor.expect_status("Completed")
    sent = len(visitor.requests)
    visitor.at("#deliveries summary").click()
    visitor.expect_text("#deliveries-none", "No message has been sent")

    asked = [each for each in visitor.requests[sent:] if "/deliveries" in each.url]
    assert [each.headers["x-api-key"] for each in asked] == [key]


@pytest.mark.thorough
def test_the_key_can_be_shown_and_hidden(visitor: Visitor) -> None:
    visitor.open()
    visitor.at("#show-key").click()
    expect(visitor.at("#key")).to_have_attribute("type", "text")
    expect(visitor.at("#show-key")).to_have_attribute("aria-pressed", "true")
    visitor.at("#show-key").click()
    expect(visitor.at("#key")).to_have_attribute("type", "password")
