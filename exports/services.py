"""The collaborators of the steps, built once per process from the settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from exports.ports.audit import AuditLog
from exports.ports.clients import ClientSource
from exports.ports.files import FileStore
from exports.ports.idempotency import IdempotencyStore
from exports.ports.jobs import JobStore
from exports.ports.mappings import MappingStore
from exports.ports.pages import PageLedger
from exports.ports.schedules import RunHistory, ScheduleStore
from exports.ports.watch import WatchIndex
from exports.ports.webhooks import DeliveryLog, WebhookSender
from exports.settings import Settings
from shared.key_ring import KeyRing


@dataclass(frozen=True, slots=True, eq=False)
class Services:
    """What steps act on; every member may be replaced in a test by what passes the same contract suite."""

    settings: Settings
    clients: ClientSource
    jobs: JobStore
    pages: PageLedger
    files: FileStore
    watch: WatchIndex
    mappings: MappingStore
    schedules: ScheduleStore
    runs: RunHistory
    requests: IdempotencyStore
    audit: AuditLog
    deliveries: DeliveryLog
    webhooks: WebhookSender
    keys: KeyRing
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


ServiceProvider = Callable[[], Services]
"""Gives the services when they are first needed, so that importing the app connects to nothing."""
