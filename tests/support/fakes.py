"""Services in memory. Each fake passes the same contract suite as the adapter it replaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from exports.services import Services
from exports.settings import Settings
from shared.key_ring import KeyRing
from tests.support.clock import Clock, MonotonicClock
from tests.support.fake_audit import MemoryAuditLog
from tests.support.fake_clients import Client, MemoryClients
from tests.support.fake_files import MemoryFileStore
from tests.support.fake_idempotency import MemoryIdempotencyStore
from tests.support.fake_jobs import MemoryJobStore
from tests.support.fake_named_resources import MemoryMappingStore
from tests.support.fake_pages import MemoryPageLedger
from tests.support.fake_schedules import MemoryRunHistory, MemoryScheduleStore
from tests.support.fake_watch import MemoryWatchIndex
from tests.support.fake_webhooks import MemoryDeliveryLog, MemoryWebhookSender
from tests.support.keys import MemoryKeyStore, a_key


@dataclass(frozen=True, slots=True, eq=False)
class MemoryServices(Services):
    """Services that use no network and no storage."""

    clients: MemoryClients
    jobs: MemoryJobStore
    pages: MemoryPageLedger
    files: MemoryFileStore
    watch: MemoryWatchIndex
    mappings: MemoryMappingStore
    schedules: MemoryScheduleStore
    runs: MemoryRunHistory
    requests: MemoryIdempotencyStore
    audit: MemoryAuditLog
    deliveries: MemoryDeliveryLog
    webhooks: MemoryWebhookSender
    keys: KeyRing
    now: Clock = field(default_factory=Clock)
    clock: MonotonicClock = field(default_factory=MonotonicClock)


def a_services(clients: Sequence[Client] = (), **settings: Any) -> MemoryServices:
    """Build services over these clients, with clocks that stand still; it is noon.

    Args:
        clients: Rows of the clients view, by column.
        settings: App settings by name, added to the required ones.
    """
    required = {"EXPORT_STORAGE": "memory", "CLIENTS_DATABASE_URL": "memory"}
    clock = Clock()
    return MemoryServices(
        settings=Settings.model_validate(required | settings),
        clients=MemoryClients(clients),
        jobs=MemoryJobStore(),
        pages=MemoryPageLedger(),
        files=MemoryFileStore(clock),
        watch=MemoryWatchIndex(),
        mappings=MemoryMappingStore(),
        schedules=MemoryScheduleStore(),
        runs=MemoryRunHistory(),
        requests=MemoryIdempotencyStore(),
        audit=MemoryAuditLog(),
        deliveries=MemoryDeliveryLog(),
        webhooks=MemoryWebhookSender(),
        keys=KeyRing(MemoryKeyStore(a_key()[0]), clock, run_in_background=lambda task: task(), clock=clock.monotonic),
        now=clock,
        clock=clock.monotonic,
    )
