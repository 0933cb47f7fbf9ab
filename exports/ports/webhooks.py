"""Ports: the sender of webhooks and the log of deliveries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from exports.notifications.delivery import Delivery, SendResult

if TYPE_CHECKING:
    pass


class WebhookSender(Protocol):
    """Sends webhooks to URLs that callers have chosen, and to no place that is closed to strangers."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> SendResult:
        """Send once, in bounded time, and say what came of it; raises for nothing that a receiver can do."""


class DeliveryLog(Protocol):
    """Keeps what became of every try of a webhook. Raises `StorageUnavailableError` when trying again can help."""

    def append(self, delivery: Delivery) -> None:
        """Add a try. There is no way to change one; they go with their job."""

    def deliveries(self, tenant: str, code: str | None = None) -> Iterator[Delivery]:
        """Yield the tries for a tenant's jobs, newest job first, or for one; those of a job oldest first."""

    def purge(self, tenant: str, code: str) -> None:
        """Remove the tries for a job; when the job itself is no longer kept."""
