"""Notifications in the ui: receivers in the forms, a test of them, the tries for an export, and sending again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_accessibility import NARROW, assert_accessible
from tests.support.mail_server import MailServer, a_mail_server
from tests.support.receiver import Receiver, a_receiver
from tests.support.system import EXPORT, NORTHWIND, System, running_system, sample_database
from tests.support.visitor import TIMEOUT_MS, Visitor
from tests.support.waiting import wait_until

SCHEDULES = f"/tenants/{NORTHWIND}/clients/export/schedules"


@dataclass(frozen=True)
class Sender:
    """A system that sends webhooks and e-mail, and its mail server."""

    system: System
    mail: MailServer


@pytest.fixture(scope="module")
def sender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sender]:
    directory = tmp_path_factory.mktemp("notifications")
    with a_mail_server() as mail:
        settings = {
            "EXPORT_WEBHOOK_SECRET": "a-master-secret-of-more-than-32-characters",
            "EXPORT_WEBHOOK_ALLOW_PRIVATE": "true",
            "EXPORT_WEBHOOK_RETRY_SECONDS": "0.2 0.2",
            "EXPORT_SMTP_HOST": "127.0.0.1",
            "EXPORT_SMTP_PORT": str(mail.port),
            "EXPORT_SMTP_FROM": "exports@sender.example",
            "EXPORT_SMTP_TLS": "none",
            "EXPORT_EMAIL_DOMAINS": "example.com",
        }
        with running_system(directory, sample_database(directory, 200), settings, workers=1) as system:
            yield Sender(system, mail)


@pytest.fixture
def office(browser: Browser, sender: Sender, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """A visitor of that system, who has signed in."""
    options: dict[str, Any] = {"locale": "en-GB", "reduced_motion": "reduce"} | getattr(request, "param", {})
    context = browser.new_context(**options)
    sender.mail.received.clear()
    try:
        visitor = Visitor(context.new_page(), sender.system)
        visitor.sign_in()
        yield visitor
        visitor.assert_no_errors()
    finally:
        context.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as running:
        yield running


@pytest.mark.thorough
def test_a_test_says_how_each_receiver_has_answered(office: Visitor, sender: Sender, receiver: Receiver) -> None:
    receiver.statuses = [500]
    office.at("#notify-url").fill(f"{receiver.url}?key=s3cret")
    office.at("#notify-email").fill("a@example.com; b@example.com")
    office.at("#notify-test").click()
    answers = office.at("#notify-answers li")

    expect(answers).to_have_count(3, timeout=TIMEOUT_MS)
    assert answers.all_inner_texts() == [
        f"http://127.0.0.1:{receiver.port}: not accepted (500).",
        "a@example.com: accepted.",
        "b@example.com: accepted.",
    ]
    assert len(receiver.received) == 1
    assert [mail.address for mail in sender.mail.received] == ["a@example.com", "b@example.com"]
    office.expect_text("#announce", "a@example.com: accepted.")
    assert_accessible(office)
    office.at("#notify-url").fill("")
    expect(answers).to_have_count(0)


@pytest.mark.thorough
def test_a_receiver_that_is_refused_is_marked_at_its_field(office: Visitor) -> None:
    office.at("#notify-test").click()
    expect(office.at("#notify-url")).to_be_focused()
    office.at("#notify-url").fill("ftp://files.example")
    office.at("#notify-email").fill("a@other.example")
    office.at("#notify-test").click()
    assert "begins with https" in office.fault_of("#notify-url")
    office.at("#notify-url").fill("")
    office.at("#notify-test").click()
    assert "does not allow" in office.fault_of("#notify-email")
    office.export()
    office.expect_text("#problem", "marked")
    assert "does not allow" in office.fault_of("#notify-email")


def test_an_export_tells_its_receivers_shows_the_tries_and_sends_again(
    office: Visitor, sender: Sender, receiver: Receiver
) -> None:
    office.at("#notify-url").fill(receiver.url)
    office.at("#notify-email").fill("a@example.com")
    office.export()
    office.expect_status("Completed")
    receiver.wait_for(1)
    sender.mail.wait_for(1)
    job = office.system.call("GET", f"/tenants/{NORTHWIND}{EXPORT}?limit=1").json["data"][0]
    deliveries = f"/tenants/{NORTHWIND}{EXPORT}/{job['code']}/deliveries"
    wait_until(lambda: len(office.system.call("GET", deliveries).json["data"]) == 2)
    office.at("#deliveries summary").click()
    tries = office.at("#deliveries-list li")
    expect(tries).to_have_count(2, timeout=TIMEOUT_MS)
    assert_accessible(office)

    receiver.statuses = [410]
    office.at("#deliveries-again").click()

    expect(tries).to_have_count(4, timeout=TIMEOUT_MS)
    texts = " ".join(tries.all_inner_texts())
    assert f"http://127.0.0.1:{receiver.port}: not accepted (410)." in texts
    assert texts.count("a@example.com: accepted.") == 2
    assert len(receiver.received) == len(sender.mail.received) == 2


@pytest.mark.thorough
def test_a_service_without_a_mail_server_offers_no_email(visitor: Visitor) -> None:
    visitor.sign_in()
    expect(visitor.at("#notify-url")).to_be_visible()
    expect(visitor.at("#notify-email")).to_be_hidden()
    visitor.go("schedules")
    visitor.at("#schedule-new").click()
    expect(visitor.at("#schedule-notify-url")).to_be_visible()
    expect(visitor.at("#schedule-notify-email")).to_be_hidden()


@pytest.mark.thorough
def test_an_export_without_receivers_says_so_and_offers_nothing(office: Visitor) -> None:
    office.export()
    office.expect_status("Completed")
    office.at("#deliveries summary").click()

    office.expect_text("#deliveries-none", "No message has been sent")
    expect(office.at("#deliveries-again")).to_be_hidden()


def test_a_receiver_is_neither_in_the_address_nor_in_the_browser(office: Visitor, receiver: Receiver) -> None:
    office.at("#notify-url").fill(f"{receiver.url}?key=s3cret")
    office.at("#notify-email").fill("a@example.com")
    office.export()
    office.expect_status("Completed")

    stored = office.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, location.href])")
    assert "s3cret" not in stored
    assert "a@example.com" not in stored
    office.at("#sign-out").click()
    assert office.evaluate("['notify-url', 'notify-email'].map((id) => document.getElementById(id).value)") == ["", ""]


@pytest.mark.thorough
@pytest.mark.parametrize("office", [NARROW | {"locale": "de-DE"}], ids=["narrow and German"], indirect=True)
def test_the_receivers_of_a_schedule_stay_and_are_tested_though_the_url_is_hidden(
    office: Visitor, sender: Sender, receiver: Receiver
) -> None:
    office.at("#notify-url").fill(f"{receiver.url}?key=s3cret")
    office.go("schedules")
    office.at("#schedule-new").click()
    expect(office.at("#schedule-notify-url")).to_have_value(f"{receiver.url}?key=s3cret")
    office.at("#schedule-name").fill("Monatsliste")
    office.at("#schedule-rhythm").select_option("own")
    office.at("#schedule-cron").fill("0 3 29 2 *")
    office.at("#schedule-save").click()
    office.at("#schedules-list [data-act=edit]").click()
    expect(office.at("#schedule-notify-url")).to_have_value(f"http://127.0.0.1:{receiver.port}/***")
    office.at("#schedule-notify-test").click()
    office.expect_text("#schedule-notify-answers", "angenommen")
    assert_accessible(office)
    office.at("#schedule-notify-email").fill("a@example.com")
    office.at("#schedule-save").click()
    expect(office.at("#schedule-form")).to_be_hidden()

    (saved,) = sender.system.call("GET", SCHEDULES).json["data"]
    assert saved["request"]["notify"]["email"] == ["a@example.com"]
    body = {"webhookUrl": saved["request"]["notify"]["webhookUrl"], "scheduleCode": saved["code"]}
    test = sender.system.call("POST", f"/tenants/{NORTHWIND}/clients/export/notification-test", body)
    assert test.json["data"][0]["delivered"]
    assert [request.path for request in receiver.received] == ["/hooks?key=s3cret"] * 2
    assert sender.system.call("DELETE", f"{SCHEDULES}/{saved['code']}").status == 204
