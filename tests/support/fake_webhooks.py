"""Webhooks and e-mail in memory: a log of deliveries, and senders with receivers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from exports.notifications.delivery import Delivery, MailFault, SendResult
from exports.notifications.mail_message import MailMessage
from exports.request.email_address import domain_of
from tests.support.hooks import Hook, do_nothing


class MemoryDeliveryLog:
    """Implements `DeliveryLog` in a list. `before_append` runs before a try is added: a test raises in it."""

    def __init__(self) -> None:
        self.before_append: Hook = do_nothing
        self._rows: list[Delivery] = []

    def append(self, delivery: Delivery) -> None:
        self.before_append()
        self._rows.append(Delivery.model_validate_json(delivery.model_dump_json(by_alias=True)))

    def deliveries(self, tenant: str, code: str | None = None) -> Iterator[Delivery]:
        found = (row for row in self._rows if row.tenant == tenant and code in (None, row.code))
        yield from sorted(found, key=lambda row: (row.code, row.attempt, row.moment))

    def purge(self, tenant: str, code: str) -> None:
        self._rows = [row for row in self._rows if (row.tenant, row.code) != (tenant, code)]


@dataclass(frozen=True)
class Posted:
    """A request that the receiver got."""

    url: str
    body: bytes
    headers: Mapping[str, str]


class MemoryWebhookSender:
    """Implements `WebhookSender`. Its receiver gives `answers` in order, and accepts everything after the last."""

    def __init__(self) -> None:
        self.answers: list[SendResult] = []
        self.posted: list[Posted] = []

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> SendResult:
        self.posted.append(Posted(url, body, headers))
        return self.answers.pop(0) if self.answers else SendResult(status=204)


class MemoryMailSender:
    """Implements `MailSender`. Its server gives `answers` in order, and accepts everything after the last."""

    origin = "smtp://mail.example:587"

    def __init__(self, *domains: str) -> None:
        self.domains = domains or ("example.com",)
        self.answers: list[SendResult] = []
        self.sent: list[tuple[str, MailMessage]] = []

    def allows(self, address: str) -> bool:
        return domain_of(address) in self.domains

    def send(self, address: str, message: MailMessage) -> SendResult:
        if not self.allows(address):
            return SendResult(fault=MailFault.DOMAIN_REFUSED)
        self.sent.append((address, message))
        return self.answers.pop(0) if self.answers else SendResult(status=250)
