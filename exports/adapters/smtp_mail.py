"""Sends e-mail by SMTP (RFC 5321) through the operator's mail server, with the standard library."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

from exports.notifications.delivery import MailFault, SendResult
from exports.notifications.mail_message import MailMessage
from exports.notifications.mail_settings import MailSecurity, MailServer
from exports.request.email_address import domain_of
from shared.outbound import PostFault

_STEP_SECONDS, _TOTAL_SECONDS = 5.0, 15.0
"""Time limits for each answer of the mail server, and for the whole conversation after connecting."""

_ACCEPTED = 250
_LOWEST_PERMANENT = 500


class SmtpMailSender:
    """Implements `exports.ports.mail.MailSender`."""

    def __init__(self, server: MailServer, *, tls: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._tls = tls or ssl.create_default_context()

    @property
    def origin(self) -> str:
        """See `MailSender.origin`."""
        return self._server.origin

    def allows(self, address: str) -> bool:
        """See `MailSender.allows`."""
        return self._server.allows(domain_of(address))

    def send(self, address: str, message: MailMessage) -> SendResult:
        """See `MailSender.send`. The whole takes at most about 20 seconds."""
        begun = time.monotonic()
        status, fault = self._try(address, message)
        seconds = time.monotonic() - begun
        if fault == PostFault.NO_ANSWER and seconds >= _TOTAL_SECONDS:
            fault = PostFault.TIMEOUT
        return SendResult(status=status, fault=fault, milliseconds=round(seconds * 1000))

    def _try(self, address: str, message: MailMessage) -> tuple[int | None, str | None]:
        """Return the reply of the server, and why the message was not accepted, if there is a word for it."""
        if not self.allows(address):
            return None, MailFault.DOMAIN_REFUSED
        try:
            smtp = self._connect()
            with _cut_off(smtp), _quitting(smtp):
                if self._server.security is MailSecurity.STARTTLS:
                    smtp.starttls(context=self._tls)
                self._log_in(smtp)
                smtp.sendmail(self._server.sender, [address], self._render(address, message))
        except smtplib.SMTPRecipientsRefused as error:
            return _refusal(error.recipients[address][0], is_final=True)
        except smtplib.SMTPSenderRefused as error:
            return _refusal(error.smtp_code, is_final=False)
        except smtplib.SMTPDataError as error:
            return _refusal(error.smtp_code, is_final=True)
        except (OSError, _NoLoginError) as error:
            return None, _fault_of(error)
        return _ACCEPTED, None

    def _connect(self) -> smtplib.SMTP:
        """Connect, with `tls` over a protected connection.

        The name that the client gives is the domain of the sender. Without it, `smtplib` would look up the name of this
        machine, which may take long.
        """
        name = domain_of(self._server.sender)
        if self._server.security is MailSecurity.TLS:
            return smtplib.SMTP_SSL(
                self._server.host, self._server.port, name, timeout=_STEP_SECONDS, context=self._tls
            )
        return smtplib.SMTP(self._server.host, self._server.port, name, timeout=_STEP_SECONDS)

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        if not self._server.user:
            return
        try:
            smtp.login(self._server.user, self._server.password)
        except smtplib.SMTPException as error:
            if type(error) in (smtplib.SMTPNotSupportedError, smtplib.SMTPException):  # no login, or none by password
                raise _NoLoginError from None
            raise

    def _render(self, address: str, message: MailMessage) -> bytes:
        """Render the message. The headers hold no text of a caller but the address, which can have no line break."""
        mail = EmailMessage(SMTP_POLICY)
        mail["From"] = self._server.sender
        mail["To"] = address
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(message.moment)
        mail["Message-ID"] = f"<{message.event_id}@{domain_of(self._server.sender)}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic reply is wanted
        mail.set_content(message.text)
        return mail.as_bytes()


@contextlib.contextmanager
def _cut_off(smtp: smtplib.SMTP) -> Iterator[None]:
    """Cut the connection if the conversation takes too long, however fast each single answer is."""
    timer = threading.Timer(_TOTAL_SECONDS, _shut_down, [smtp])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def _quitting(smtp: smtplib.SMTP) -> Iterator[None]:
    """End the conversation after the block. The answer to that does not count: the message is accepted or refused."""
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            smtp.quit()
        smtp.close()


def _shut_down(smtp: smtplib.SMTP) -> None:
    connection = smtp.sock
    if connection is not None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _fault_of(error: Exception) -> str:
    """Return the word for an error. `smtplib` hides a time-out behind a broken connection."""
    if isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(error.__context__, TimeoutError):
        return PostFault.TIMEOUT
    return next(fault for kind, fault in _FAULTS if isinstance(error, kind))


class _NoLoginError(Exception):
    """The server offers no login by password."""


def _refusal(status: int, *, is_final: bool) -> tuple[int, str | None]:
    return status, MailFault.REFUSED if is_final and status >= _LOWEST_PERMANENT else None


_FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (smtplib.SMTPAuthenticationError, MailFault.LOGIN_REFUSED),
    (_NoLoginError, MailFault.LOGIN_REFUSED),
    (ssl.SSLError, PostFault.TLS),
    (smtplib.SMTPNotSupportedError, PostFault.TLS),  # the server does not offer STARTTLS
    (TimeoutError, PostFault.TIMEOUT),
    (socket.gaierror, PostFault.NAME_UNKNOWN),
    (smtplib.SMTPException, PostFault.NO_ANSWER),
    (OSError, PostFault.NOT_CONNECTED),
)
"""The word for each error of a conversation. The first one that fits counts; all but one are kinds of `OSError`."""
