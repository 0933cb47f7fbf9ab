"""A mail server: a real SMTP server (aiosmtpd) on this machine that records messages and answers as a test sets it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from devhost.local.errors import DevError
from devhost.local.ports import on_a_free_port
from tests.support.waiting import wait_until

TIMEOUT_SECONDS = 200


@dataclass(frozen=True)
class ReceivedMail:
    """A message that the server has accepted. `helo`: the name that the client gave."""

    sender: str
    address: str
    helo: str
    message: EmailMessage

    @property
    def text(self) -> str:
        return str(self.message.get_content()).replace("\r\n", "\n")


@dataclass
class MailServer:
    """A running server: the messages it accepted, and the answers it gives.

    Attributes:
        answers: The answers to the next messages, one after the other; it accepts all after the last.
        refused: Addresses that it refuses for good.
        pause_seconds: How long it waits before it takes a message.
        login: User and password of the only login, which it then requires.
        farewell: Its answer to the end of a conversation.
    """

    port: int = 0
    answers: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    pause_seconds: float = 0
    login: tuple[str, str] | None = None
    farewell: str = "221 Bye"
    received: list[ReceivedMail] = field(default_factory=list)
    tries: int = 0

    async def handle_RCPT(  # noqa: N802 (named by aiosmtpd)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Sequence[str]
    ) -> str:
        if address in self.refused:
            return "550 5.1.1 no such address"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.tries += 1
        await asyncio.sleep(self.pause_seconds)
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("2"):
            content = envelope.content
            assert isinstance(content, bytes)
            message = message_from_bytes(content, policy=default)
            assert isinstance(message, EmailMessage)
            sender, (address,) = str(envelope.mail_from), envelope.rcpt_tos
            self.received.append(ReceivedMail(sender, address, str(session.host_name), message))
        return answer

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        return self.farewell

    def wait_for(self, count: int) -> Sequence[ReceivedMail]:
        """Wait until at least `count` messages have arrived; return all messages so far."""
        wait_until(lambda: len(self.received) >= count, TIMEOUT_SECONDS)
        return self.received

    def authenticate(self, *given: Any) -> AuthResult:
        """Check a login. aiosmtpd gives the name and the password last."""
        data = given[-1]
        known = isinstance(data, LoginPassword) and self.login == (data.login.decode(), data.password.decode())
        return AuthResult(success=known, handled=False)


@contextmanager
def a_mail_server(
    context: ssl.SSLContext | None = None,
    *,
    tls_at_once: bool = False,
    login: tuple[str, str] | None = None,
    takes_passwords: bool = True,
) -> Iterator[MailServer]:
    """Run a server on a free port.

    Args:
        context: Its certificate; with it, the server offers STARTTLS and takes no message without.
        tls_at_once: The connection is TLS from the first byte on.
        login: User and password that it requires after STARTTLS.
        takes_passwords: Whether it offers a login by password.
    """
    server = MailServer(login=login)

    def start(port: int) -> Controller:
        controller = Controller(
            server,
            hostname="127.0.0.1",
            port=port,
            server_hostname="mail.example",
            ssl_context=context if tls_at_once else None,
            tls_context=None if tls_at_once else context,
            require_starttls=context is not None and not tls_at_once,
            authenticator=server.authenticate if login else None,
            auth_required=login is not None,
            auth_exclude_mechanism=None if takes_passwords else ("LOGIN", "PLAIN"),
        )
        try:
            controller.start()
        except OSError as error:
            message = f"The mail server did not start on port {port}: {error}"
            raise DevError(message) from error
        return controller

    controller = on_a_free_port(start)
    try:
        server.port = controller.port
        yield server
    finally:
        controller.stop()
