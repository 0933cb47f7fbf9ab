"""The collaborators of the steps, built once per process from the settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from exports.ports import (
    AuditLog,
    ClientSource,
    DeliveryLog,
    FileStore,
    IdempotencyStore,
    JobStore,
    PageLedger,
    WebhookSender,
)
from exports.saved_ports import MappingStore, RunHistory, ScheduleStore
from exports.settings import Settings, read_settings
from exports.watching import WatchIndex
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


def build_services(settings: Settings) -> Services:
    """Connect the steps to SQL, tables and blobs. Opens no connection yet."""
    from exports.adapters.blob_files import BlobFileStore
    from exports.adapters.client_sources import open_clients
    from exports.adapters.http_webhooks import HttpWebhookSender
    from exports.adapters.table_audit import TableAuditLog
    from exports.adapters.table_deliveries import TableDeliveryLog
    from exports.adapters.table_idempotency import TableIdempotencyStore
    from exports.adapters.table_jobs import TableJobStore
    from exports.adapters.table_mappings import TableMappingStore
    from exports.adapters.table_pages import TablePageLedger
    from exports.adapters.table_runs import TableRunHistory
    from exports.adapters.table_schedules import TableScheduleStore
    from exports.adapters.table_watch import TableWatchIndex
    from shared.storage import StorageAccount
    from shared.table_keys import TableKeyStore

    account = StorageAccount(settings.storage.get_secret_value())
    return Services(
        settings=settings,
        clients=open_clients(settings.database_url.get_secret_value(), settings.storage.get_secret_value()),
        jobs=TableJobStore(account),
        pages=TablePageLedger(account),
        files=BlobFileStore(account),
        watch=TableWatchIndex(account),
        mappings=TableMappingStore(account),
        schedules=TableScheduleStore(account),
        runs=TableRunHistory(account),
        requests=TableIdempotencyStore(account),
        audit=TableAuditLog(account),
        deliveries=TableDeliveryLog(account),
        webhooks=HttpWebhookSender(allow_private=settings.webhook_allow_private),
        keys=KeyRing(TableKeyStore(account)),
    )


@cache
def services_from_environment() -> Services:
    """Build the services of this process, once.

    Raises:
        SettingsError: An app setting is missing or wrong.
    """
    return build_services(read_settings(os.environ))
