"""Ports: the sender of webhooks, and the log of deliveries of webhooks and e-mails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from exports.notifications.delivery import Delivery, SendResult


class WebhookSender(Protocol):
    """Sends webhooks to URLs that callers chose. Refuses addresses that are not open to the public."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> SendResult:
        """Send once, in bounded time, and return the result. Nothing that a receiver does raises an error."""


class DeliveryLog(Protocol):
    """Records every try to deliver a notification. Its methods raise `StorageUnavailableError` if a retry can help."""

    def append(self, delivery: Delivery) -> None:
        """Add a try. It cannot be changed, and is removed only with its job."""

    def deliveries(self, tenant: str, code: str | None = None) -> Iterator[Delivery]:
        """Yield the tries for a tenant's jobs, newest job first, or for one job. Those of a job come oldest first."""

    def purge(self, tenant: str, code: str) -> None:
        """Remove the tries for a job. Call it when the job itself is removed."""
