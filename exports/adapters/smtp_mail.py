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
from typing import Any, Self

from exports.notifications.delivery import MailFault, SendResult
from exports.notifications.mail_message import MailMessage
from exports.notifications.mail_settings import MailSecurity, MailServer
from exports.request.email_address import domain_of
from shared.outbound import PostFault

_STEP_SECONDS, _TOTAL_SECONDS = 5.0, 15.0
"""Time limits for each answer of the mail server, and for the whole conversation with its greeting and encryption."""

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
        if status is None and fault in _FAULTS_OF_A_CUT and seconds >= _TOTAL_SECONDS:
            fault = PostFault.TIMEOUT
        return SendResult(status=status, fault=fault, milliseconds=round(seconds * 1000))

    def _try(self, address: str, message: MailMessage) -> tuple[int | None, str | None]:
        """Return the reply of the server, and why the message was not accepted, if there is a word for it."""
        if not self.allows(address):
            return None, MailFault.DOMAIN_REFUSED
        try:
            with _TimeLimit() as limit, _quitting(_Smtp(self._server, self._tls, limit)) as smtp:
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


class _TimeLimit:
    """Cuts the connection if the conversation takes too long, however fast each single answer is."""

    def __init__(self) -> None:
        self._connection: socket.socket | None = None
        self._is_over = False
        self._lock = threading.Lock()
        self._timer = threading.Timer(_TOTAL_SECONDS, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def watch(self, connection: socket.socket) -> None:
        """Watch a new connection. A duplicate stays open when TLS takes over the socket itself."""
        with self._lock:
            self._connection = connection.dup()
        if self._is_over:
            self._cut()

    def _cut(self) -> None:
        with self._lock:
            self._is_over = True
            if self._connection is not None:
                with contextlib.suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)


class _Smtp(smtplib.SMTP):
    """A conversation with the mail server whose connection a time limit watches from the first byte on.

    The name that the client gives is the domain of the sender. Without it, `smtplib` would look up the name of this
    machine, which may take long.
    """

    def __init__(self, server: MailServer, tls: ssl.SSLContext, limit: _TimeLimit) -> None:
        self._tls = tls if server.security is MailSecurity.TLS else None
        self._limit = limit
        super().__init__(server.host, server.port, domain_of(server.sender), timeout=_STEP_SECONDS)

    def connect(self, host: str = "localhost", port: int = 0, source_address: Any = None) -> tuple[int, bytes]:
        """Connect, and return the greeting. `LMTP` of the standard library overrides this in the same way."""
        connection = socket.create_connection((host, port), _STEP_SECONDS, source_address)
        self._limit.watch(connection)
        self.sock = self._tls.wrap_socket(connection, server_hostname=host) if self._tls else connection
        self.file = None
        return self.getreply()


@contextlib.contextmanager
def _quitting(smtp: smtplib.SMTP) -> Iterator[smtplib.SMTP]:
    """End the conversation after the block. The answer to that does not count: the message is accepted or refused."""
    try:
        yield smtp
    finally:
        with contextlib.suppress(OSError):
            smtp.quit()
        smtp.close()


_FAULTS_OF_A_CUT = frozenset({PostFault.NO_ANSWER, PostFault.TLS, PostFault.NOT_CONNECTED})
"""How a connection that was cut looks: the end of the answer, or of the TLS handshake, or a broken connection."""


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
