"""Port: the sender of e-mail."""

from __future__ import annotations

from typing import Protocol

from exports.notifications.delivery import SendResult
from exports.notifications.mail_message import MailMessage


class MailSender(Protocol):
    """Sends e-mail through the operator's mail server, and only to domains that the operator allows."""

    @property
    def origin(self) -> str:
        """The mail server as scheme, host and port."""

    def allows(self, address: str) -> bool:
        """Return whether messages may go to an address."""

    def send(self, address: str, message: MailMessage) -> SendResult:
        """Send a message to one address, in bounded time, and return the result. Nothing that a server does raises.

        The status of the result is the reply of the mail server (RFC 5321): 250 if it has accepted the message.
        """
