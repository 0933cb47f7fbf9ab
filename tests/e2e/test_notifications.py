"""E-mail through a real mail server with STARTTLS; tests of receivers; tries for a job, and sending again."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import trustme
from standardwebhooks.webhooks import Webhook

from shared.standard_webhooks import derive_secret
from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.e2e.test_bad_input import assert_problem
from tests.support.commands import run_command
from tests.support.conformance import validate
from tests.support.keys import a_key
from tests.support.mail_server import MailServer, a_mail_server
from tests.support.receiver import Receiver, a_receiver
from tests.support.system import HARBOUR, NORTHWIND, System, running_system, sample_database
from tests.support.waiting import wait_until

MASTER = "a-master-secret-of-more-than-32-characters"
ONE_COLUMN = {"columnMappings": [{"csvHeader": "Client", "targetField": "Name"}]}
TEST = f"/tenants/{NORTHWIND}/clients/export/notification-test"
LOGIN = ("exports", "a s3cret password")


@dataclass(frozen=True)
class Sender:
    """A system that can send, its mail server, and its settings."""

    system: System
    mail: MailServer
    settings: dict[str, str]


@pytest.fixture(scope="module")
def sender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sender]:
    """A system with a mail server that takes mail only after STARTTLS and a login, and short pauses between tries."""
    directory = tmp_path_factory.mktemp("notifications")
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(directory / "authority.pem"))
    with a_mail_server(context, login=LOGIN) as mail:
        settings = {
            "SSL_CERT_FILE": str(directory / "authority.pem"),
            "EXPORT_PUBLIC_URL": "https://exports.example",
            "EXPORT_WEBHOOK_SECRET": MASTER,
            "EXPORT_WEBHOOK_ALLOW_PRIVATE": "true",
            "EXPORT_WEBHOOK_RETRY_SECONDS": "0.2 0.2 0.2",
            "EXPORT_SMTP_HOST": "127.0.0.1",
            "EXPORT_SMTP_PORT": str(mail.port),
            "EXPORT_SMTP_USER": LOGIN[0],
            "EXPORT_SMTP_PASSWORD": LOGIN[1],
            "EXPORT_SMTP_FROM": "exports@sender.example",
            "EXPORT_EMAIL_DOMAINS": "example.com",
        }
        with running_system(directory, sample_database(directory, 1_000), settings, workers=1) as system:
            yield Sender(system, mail, settings)


@pytest.fixture(autouse=True)
def _fresh(sender: Sender) -> None:
    sender.mail.received.clear()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as running:
        yield running


def body_with(*addresses: str, **more: Any) -> dict[str, Any]:
    return {**ONE_COLUMN, "notify": {"email": list(addresses), **more}}


def a_key_with(system: System, *scopes: str) -> str:
    """Store a key of `northwind` that may do only this."""
    account = StorageAccount(system.storage)
    key, text = a_key(NORTHWIND, scopes=scopes)
    assert TableKeyStore(account).add(key)
    account.tables.close()
    return text


def deliveries(system: System, code: str, at_least: int = 1) -> list[Any]:
    """Wait until the service lists so many tries for a job, and return them."""
    path = f"/tenants/{NORTHWIND}/clients/export/csv/{code}/deliveries"

    def found() -> list[Any] | None:
        listed = system.call("GET", path).json
        validate(listed, {"$ref": "#/components/schemas/ListOfDeliveryDto"})
        tries: list[Any] = listed["data"]
        return tries if len(tries) >= at_least else None

    return wait_until(found) or []


def test_each_address_gets_one_email_at_the_end_of_an_export(sender: Sender, receiver: Receiver) -> None:
    body = body_with("a@example.com", "b@example.com", webhookUrl=receiver.url)
    job = sender.system.start_export(body).json
    mails = sender.mail.wait_for(2)
    receiver.wait_for(1)
    tries = deliveries(sender.system, job["code"], at_least=3)

    assert sorted(mail.address for mail in mails) == ["a@example.com", "b@example.com"]
    for mail in mails:
        assert mail.message["Subject"] == "Client export completed"
        assert f"Export:   {job['code']}\n" in mail.text
        assert "Clients:  " in mail.text
        assert job["fileName"] not in mail.text
        assert [word for word in mail.text.split() if "://" in word] == ["https://exports.example/#history"]
    assert sorted((each["channel"], each["receiver"], each["status"]) for each in tries) == [
        ("email", "a@example.com", 250),
        ("email", "b@example.com", 250),
        ("webhook", f"http://127.0.0.1:{receiver.port}", 204),
    ]
    assert all(each["delivered"] and each["number"] == 1 for each in tries)


def test_an_email_that_the_server_cannot_take_now_is_sent_again_with_the_same_id(sender: Sender) -> None:
    sender.mail.answers = ["451 later", "421 later"]
    code = sender.system.start_export(body_with("a@example.com")).json["code"]
    (mail,) = sender.mail.wait_for(1)
    tries = deliveries(sender.system, code, at_least=3)

    assert [(each["number"], each["status"], each["delivered"]) for each in tries] == [
        (1, 451, False),
        (2, 421, False),
        (3, 250, True),
    ]
    assert mail.message["Message-ID"] == f"<{tries[0]['eventId']}@sender.example>"


def test_an_email_to_an_address_that_does_not_exist_is_given_up(sender: Sender) -> None:
    sender.mail.refused.add("gone@example.com")
    code = sender.system.start_export(body_with("gone@example.com", "a@example.com")).json["code"]
    sender.mail.wait_for(1)
    tries = deliveries(sender.system, code, at_least=2)

    refused = [each for each in tries if each["receiver"] == "gone@example.com"]
    assert [(each["status"], each["fault"]) for each in refused] == [(550, "mail-refused")]
    logged = run_command(
        "webhooks", "list", "--tenant", NORTHWIND, "--code", code, EXPORT_STORAGE=sender.system.storage
    )
    assert {json.loads(line)["address"] for line in logged.out.splitlines()} == {"gone@example.com", "a@example.com"}


def test_a_forbidden_address_is_400_with_its_pointer(sender: Sender) -> None:
    for address, explanation in (
        ("a@other.example", "do not allow e-mail to this domain"),
        ("a@example.com\r\nBcc: b@example.com", "e-mail address"),
        ("Name <a@example.com>", "e-mail address"),
    ):
        response = sender.system.start_export(body_with("a@example.com", address))
        assert_problem(response, 400, "invalid-request")
        (fault,) = response.json["errors"]
        assert fault["pointer"] == "/notify/email/1"
        assert explanation in fault["detail"]


def test_neither_the_log_nor_the_audit_log_names_an_address(sender: Sender) -> None:
    system = sender.system
    code = system.start_export(body_with("somebody@example.com")).json["code"]
    sender.mail.wait_for(1)
    deliveries(system, code)
    assert system.call("POST", f"/tenants/{NORTHWIND}/clients/export/csv/{code}/deliveries").status == 200

    day = system.call("GET", f"/tenants/{NORTHWIND}/clients/export/csv/{code}").json["createdDate"][:10]
    audit = run_command("audit", "--tenant", NORTHWIND, "--day", day, EXPORT_STORAGE=system.storage).out
    assert "NotificationSentAgain" in audit
    assert "mailto:example.com" in audit
    assert "somebody" not in audit + system.log
    assert LOGIN[1] not in system.log


def test_a_caller_is_told_how_the_service_can_notify(sender: Sender, system: System) -> None:
    assert sender.system.call("GET", "/me").json["limits"]["notifyBy"] == ["webhook", "email"]
    assert system.call("GET", "/me").json["limits"]["notifyBy"] == ["webhook"]


# --- tests of receivers


def test_a_test_is_signed_like_a_real_webhook_and_says_how_it_arrived(sender: Sender, receiver: Receiver) -> None:
    receiver.statuses = [500]
    body = {"webhookUrl": f"{receiver.url}?key=s3cret", "email": ["a@example.com"]}

    answer = sender.system.call("POST", TEST, body)

    assert answer.status == 200
    validate(answer.json, {"$ref": "#/components/schemas/ListOfReceiverAnswerDto"})
    assert [(each["channel"], each["delivered"], each["status"]) for each in answer.json["data"]] == [
        ("webhook", False, 500),
        ("email", True, 250),
    ]
    (received,) = receiver.wait_for(1)
    sent = Webhook(derive_secret(MASTER, NORTHWIND)).verify(received.body, dict(received.headers))
    assert sent["test"] is True
    validate(
        {name: value for name, value in sent.items() if name != "test"},
        {"$ref": "#/components/schemas/CsvExportEndedDto"},
    )
    assert sender.mail.received[-1].message["Subject"] == "Client export: test of the notification"
    assert b"s3cret" not in answer.body + sender.system.log.encode()


def test_a_test_of_a_private_address_is_400_where_private_ones_are_not_allowed(system: System) -> None:
    for url in ("https://169.254.169.254/", "http://localhost:1/", "https://10.0.0.1/"):
        response = system.call("POST", TEST, {"webhookUrl": url})
        assert_problem(response, 400, "invalid-request")
        assert [fault["pointer"] for fault in response.json["errors"]] == ["/webhookUrl"]


def test_too_many_tests_are_429_for_that_tenant_only(sender: Sender, receiver: Receiver) -> None:
    path = TEST.replace(NORTHWIND, HARBOUR)
    answers = [sender.system.call("POST", path, {"webhookUrl": receiver.url}) for _ in range(60)]

    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert_problem(refused[0], 429, "too-many-sends")
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60
    assert len(receiver.received) == len(answers) - len(refused)
    assert sender.system.call("POST", TEST, {"webhookUrl": receiver.url}).status == 200


# --- sending again


def test_sending_again_reaches_the_receiver_under_the_same_id(sender: Sender, receiver: Receiver) -> None:
    system = sender.system
    code = system.start_export({**ONE_COLUMN, "notify": {"webhookUrl": receiver.url}}).json["code"]
    receiver.wait_for(1)
    deliveries(system, code)

    again = system.call("POST", f"/tenants/{NORTHWIND}/clients/export/csv/{code}/deliveries")

    assert [(each["number"], each["delivered"]) for each in again.json["data"]] == [(0, True)]
    assert len({each.headers["webhook-id"] for each in receiver.wait_for(2)}) == 1
    assert [each["number"] for each in deliveries(system, code, at_least=2)] == [1, 0]


def test_an_export_without_notify_or_of_another_tenant_is_not_notified(sender: Sender) -> None:
    code = sender.system.start_export(ONE_COLUMN).json["code"]
    path = f"/tenants/{NORTHWIND}/clients/export/csv/{code}/deliveries"

    assert_problem(sender.system.call("POST", path), 409, "not-notified")
    assert sender.system.call("GET", path).json["data"] == []
    for method in ("GET", "POST"):
        assert_problem(sender.system.call(method, path.replace(NORTHWIND, HARBOUR)), 404, "job-not-found")


def test_reading_alone_allows_no_message(sender: Sender, receiver: Receiver) -> None:
    key = a_key_with(sender.system, "exports:read", "schedules:write")
    code = sender.system.start_export({**ONE_COLUMN, "notify": {"webhookUrl": receiver.url}}).json["code"]
    receiver.wait_for(1)
    path = f"/tenants/{NORTHWIND}/clients/export/csv/{code}/deliveries"

    assert sender.system.call("GET", path, key=key).status == 200
    assert_problem(sender.system.call("POST", path, key=key), 403, "forbidden")
    assert_problem(sender.system.call("POST", TEST, {"webhookUrl": receiver.url}, key=key), 403, "forbidden")
    assert len(receiver.received) == 1
