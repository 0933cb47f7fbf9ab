"""The contract of `MailSender`, tested on the fake and over SMTP; and the network below it, on a real mail server."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
import trustme

from exports.adapters import smtp_mail
from exports.adapters.smtp_mail import SmtpMailSender
from exports.notifications.delivery import MailFault, SendResult
from exports.notifications.mail_message import MailMessage, trial_message
from exports.notifications.mail_settings import MailSecurity
from exports.notifications.mail_settings import MailServer as ServerSettings
from exports.ports.mail import MailSender
from tests.support.fake_webhooks import MemoryMailSender
from tests.support.mail_server import MailServer, ReceivedMail, a_mail_server

NOW = datetime(2026, 11, 23, 21, 34, 56, tzinfo=UTC)
MESSAGE = MailMessage("msg_1", NOW, "Client export completed", "Ärger: 1\n.\nEnd\n")
ADDRESS = "a@example.com"
HOST = "127.0.0.1"
OPEN = ServerSettings(HOST, 0, "", "", "exports@sender.example", MailSecurity.NONE, frozenset({"example.com"}))


@dataclass(frozen=True)
class Line:
    """A sender and its server.

    Attributes:
        answer: Sets the next answer of the server.
        received: Returns the address and text of each message that the server has accepted.
    """

    sender: MailSender
    answer: Callable[[SendResult], None]
    received: Callable[[], Sequence[tuple[str, str]]]


def _in_memory() -> Iterator[Line]:
    sender = MemoryMailSender("example.com")
    answers: list[SendResult] = sender.answers

    def received() -> list[tuple[str, str]]:
        return [(address, message.text) for address, message in sender.sent]

    yield Line(sender, answers.append, received)


def _over_smtp() -> Iterator[Line]:
    with a_mail_server() as server:

        def answer(result: SendResult) -> None:
            server.answers.append(f"{result.status} as the test says")

        def received() -> list[tuple[str, str]]:
            return [(mail.address, mail.text) for mail in server.received]

        yield Line(SmtpMailSender(replace(OPEN, port=server.port)), answer, received)


@pytest.fixture(params=[_in_memory, _over_smtp], ids=["memory", "smtp"])
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    yield from request.param()


def outcome(result: SendResult) -> tuple[int | None, str | None]:
    return result.status, result.fault


def test_a_message_arrives_as_it_was_written(line: Line) -> None:
    result = line.sender.send(ADDRESS, MESSAGE)

    assert outcome(result) == (250, None)
    assert result.is_delivered
    assert line.received() == [(ADDRESS, MESSAGE.text)]


def test_a_server_that_is_busy_or_refuses_says_whether_another_try_can_help(line: Line) -> None:
    for answer in (SendResult(status=451), SendResult(status=554, fault=MailFault.REFUSED)):
        line.answer(answer)
        result = line.sender.send(ADDRESS, MESSAGE)
        assert outcome(result) == outcome(answer)
        assert result.is_final is (answer.status == 554)


def test_nothing_is_sent_to_a_domain_that_is_not_allowed(line: Line) -> None:
    for address in ("a@other.example", "a@sub.example.com", "a@example.com.other.example"):
        assert not line.sender.allows(address)
        result = line.sender.send(address, MESSAGE)
        assert (outcome(result), result.is_final) == ((None, MailFault.DOMAIN_REFUSED), True)
    assert line.sender.allows("A@Example.COM")
    assert line.received() == []


# --- over SMTP


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA) -> ssl.SSLContext:
    """A context of the client that trusts the authority of these tests."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def certificate(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def send(
    server: MailServer, tls: ssl.SSLContext | None = None, security: MailSecurity = MailSecurity.STARTTLS, **more: Any
) -> SendResult:
    settings = replace(OPEN, port=server.port, security=security, **more)
    return SmtpMailSender(settings, tls=tls).send(ADDRESS, MESSAGE)


def test_the_headers_say_who_sends_what_to_whom_and_that_no_answer_is_wanted() -> None:
    with a_mail_server() as server:
        send(server, security=MailSecurity.NONE)
    (mail,) = server.received

    assert isinstance(mail, ReceivedMail)
    assert (mail.sender, mail.helo) == ("exports@sender.example", "sender.example")
    names = ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted")
    assert {name: str(mail.message[name]) for name in names} == {
        "From": "exports@sender.example",
        "To": ADDRESS,
        "Subject": "Client export completed",
        "Date": "Mon, 23 Nov 2026 21:34:56 +0000",
        "Message-ID": "<msg_1@sender.example>",
        "Auto-Submitted": "auto-generated",
    }


def test_a_tenant_with_line_breaks_changes_no_header_and_adds_no_receiver() -> None:
    message = trial_message("x\r\n.\r\nRCPT TO:<b@example.com>\r\nBcc: b@example.com", "msg_1", NOW, "")
    with a_mail_server() as server:
        SmtpMailSender(replace(OPEN, port=server.port)).send(ADDRESS, message)
    (mail,) = server.received

    assert (mail.address, mail.message["Bcc"]) == (ADDRESS, None)


def test_an_address_that_the_server_refuses_is_given_up() -> None:
    with a_mail_server() as server:
        server.refused.add(ADDRESS)
        result = send(server, security=MailSecurity.NONE)

    assert (outcome(result), result.is_final) == ((550, MailFault.REFUSED), True)


def test_a_message_keeps_its_answer_however_the_server_ends_the_conversation() -> None:
    with a_mail_server() as server:
        server.farewell = "421 4.4.2 too late"
        assert outcome(send(server, security=MailSecurity.NONE)) == (250, None)
        server.refused.add(ADDRESS)
        assert outcome(send(server, security=MailSecurity.NONE)) == (550, MailFault.REFUSED)


@pytest.mark.parametrize("security", [MailSecurity.STARTTLS, MailSecurity.TLS])
def test_the_connection_is_encrypted(authority: trustme.CA, trusted: ssl.SSLContext, security: MailSecurity) -> None:
    with a_mail_server(certificate(authority, HOST), tls_at_once=security is MailSecurity.TLS) as server:
        assert outcome(send(server, trusted, security)) == (250, None)
    assert len(server.received) == 1


def test_a_login_is_made_after_encryption_and_a_wrong_one_is_named(
    authority: trustme.CA, trusted: ssl.SSLContext
) -> None:
    with a_mail_server(certificate(authority, HOST), login=("exports", "s3cret")) as server:
        assert outcome(send(server, trusted, user="exports", password="s3cret")) == (250, None)
        refused = send(server, trusted, user="exports", password="wrong")
        assert outcome(refused) == (None, MailFault.LOGIN_REFUSED)
    with a_mail_server() as server:
        refused = send(server, security=MailSecurity.NONE, user="exports", password="s3cret")
        assert outcome(refused) == (None, MailFault.LOGIN_REFUSED)
    with a_mail_server(certificate(authority, HOST), login=("exports", "s3cret"), takes_passwords=False) as server:
        refused = send(server, trusted, user="exports", password="s3cret")
        assert outcome(refused) == (None, MailFault.LOGIN_REFUSED)
    assert server.tries == 0


@pytest.mark.parametrize("security", [MailSecurity.STARTTLS, MailSecurity.TLS])
@pytest.mark.parametrize("fault", ["another name", "an authority that is not trusted"])
def test_nothing_is_sent_to_a_server_whose_certificate_is_not_valid(
    authority: trustme.CA, trusted: ssl.SSLContext, security: MailSecurity, fault: str
) -> None:
    name = "other.example" if fault == "another name" else HOST
    tls = trusted if fault == "another name" else ssl.create_default_context()
    with a_mail_server(certificate(authority, name), tls_at_once=security is MailSecurity.TLS) as server:
        assert outcome(send(server, tls, security)) == (None, "tls")
    assert server.tries == 0


def test_nothing_is_sent_to_a_server_that_does_not_offer_encryption(trusted: ssl.SSLContext) -> None:
    with a_mail_server() as server:
        assert outcome(send(server, trusted)) == (None, "tls")
    assert server.tries == 0


def test_a_server_that_is_not_there_is_named_as_such() -> None:
    with a_mail_server() as server:
        pass
    assert outcome(send(server, security=MailSecurity.NONE)) == (None, "not-connected")
    nowhere = replace(OPEN, host="no-such-host.invalid", port=25)
    assert outcome(SmtpMailSender(nowhere).send(ADDRESS, MESSAGE)) == (None, "name-unknown")


def test_a_server_that_does_not_answer_is_left_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    usual_seconds = smtp_mail._STEP_SECONDS
    monkeypatch.setattr(smtp_mail, "_STEP_SECONDS", 0.3)
    with socket.create_server((HOST, 0)) as silent:
        begun = time.monotonic()
        result = SmtpMailSender(replace(OPEN, port=silent.getsockname()[1])).send(ADDRESS, MESSAGE)
    assert outcome(result) == (None, "timeout")
    assert time.monotonic() - begun < usual_seconds


def test_a_conversation_that_takes_too_long_in_all_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    usual_seconds = smtp_mail._TOTAL_SECONDS
    monkeypatch.setattr(smtp_mail, "_TOTAL_SECONDS", 0.3)
    with a_mail_server() as server:
        server.pause_seconds = 2
        begun = time.monotonic()
        result = send(server, security=MailSecurity.NONE)
    assert outcome(result) == (None, "timeout")
    assert time.monotonic() - begun < usual_seconds


@contextmanager
def a_slow_talker(first: bytes, again: bytes) -> Iterator[int]:
    """A server that greets with `first`, and then sends `again` every tenth of a second. Yields its port."""

    def talk(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.sendall(first)
                while True:
                    connection.sendall(again)
                    time.sleep(0.1)

    with socket.create_server((HOST, 0)) as listener:
        talker = threading.Thread(target=talk, args=[listener])
        talker.start()
        yield listener.getsockname()[1]
        talker.join(60)
        assert not talker.is_alive(), "the connection is still open"


@pytest.mark.parametrize(
    ("security", "first", "again"),
    [
        (MailSecurity.NONE, b"", b"220-wait\r\n"),
        (MailSecurity.TLS, b"\x16\x03\x03\x3f\xff", b"\0"),  # the head of a long TLS record, then bytes of it
    ],
    ids=["greeting", "handshake"],
)
def test_a_server_that_begins_too_slowly_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, security: MailSecurity, first: bytes, again: bytes
) -> None:
    monkeypatch.setattr(smtp_mail, "_TOTAL_SECONDS", 0.5)
    with a_slow_talker(first, again) as port:
        result = SmtpMailSender(replace(OPEN, port=port, security=security)).send(ADDRESS, MESSAGE)
    assert outcome(result) == (None, "timeout")
