"""The settings for sending e-mail: how to reach the mail server, and what is wrong with them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from exports.request.email_address import is_email_address

ANY_DOMAIN = "*"
"""The entry of `EXPORT_EMAIL_DOMAINS` that allows every domain."""

_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")


def _require_domain(text: str) -> str:
    if text != ANY_DOMAIN and not _DOMAIN.fullmatch(text.lower()):
        raise PydanticCustomError(
            "domain", "give domains such as example.com, separated by spaces, or * for any domain"
        )
    return text.lower()


def _require_sender(text: str) -> str:
    if text and not is_email_address(text):
        raise PydanticCustomError("sender", "give one plain address such as exports@example.com, without a name")
    return text


Domain = Annotated[str, AfterValidator(_require_domain)]
"""A domain in lower case, or `ANY_DOMAIN`."""

Sender = Annotated[str, AfterValidator(_require_sender)]
"""An e-mail address; empty: none."""


class MailSecurity(StrEnum):
    """How the connection to the mail server is protected. In both protected forms its certificate is verified."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server, and how to send through it.

    Attributes:
        sender: The address from which the messages come.
        domains: The domains to which messages may go, in lower case; `ANY_DOMAIN` allows all.
    """

    host: str
    port: int
    user: str
    password: str
    sender: str
    security: MailSecurity
    domains: frozenset[str]

    @property
    def origin(self) -> str:
        """The server as scheme, host and port."""
        return f"smtp://{self.host}:{self.port}"

    def allows(self, domain: str) -> bool:
        """Return whether messages may go to a domain, given in lower case."""
        return ANY_DOMAIN in self.domains or domain in self.domains


def explain_mail_settings(server: MailServer) -> str | None:
    """Return which settings for e-mail do not fit together; None if they do, or if there is no server."""
    if not server.host:
        return None
    if not _HOST.fullmatch(server.host):
        return "EXPORT_SMTP_HOST: give the name or the address of the mail server, without scheme and port"
    if not server.sender:
        return "EXPORT_SMTP_FROM: set it as well, to the address from which the e-mails come"
    if not server.domains:
        return (
            "EXPORT_EMAIL_DOMAINS: set it as well, to the domains to which e-mails may go, such as example.com, or to *"
        )
    if bool(server.user) != bool(server.password):
        return "EXPORT_SMTP_USER and EXPORT_SMTP_PASSWORD: set both, or neither"
    login = server.user + server.password
    if not (login.isascii() and login.isprintable()):  # `smtplib` can encode no other
        return "EXPORT_SMTP_USER and EXPORT_SMTP_PASSWORD: use printable ASCII only, and no line break at the end"
    if server.user and server.security is MailSecurity.NONE:
        return "EXPORT_SMTP_TLS: use starttls or tls, because none would send the password in clear text"
    return None
