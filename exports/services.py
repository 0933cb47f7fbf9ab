"""The services that steps use: settings, ports to the outside world, the clocks, and what they remember."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from exports.jobs.kept_items import KeptItemsCache
from exports.jobs.snapshot import SnapshotRoom
from exports.jobs.wait_history import WaitHistory
from exports.jobs.waiting_room import WaitingRoom
from exports.notifications.sending_room import SendingRoom
from exports.notifications.sends_by_hand import SendsByHand
from exports.ports.audit import AuditLog
from exports.ports.clients import ClientSource
from exports.ports.files import FileStore
from exports.ports.idempotency import IdempotencyStore
from exports.ports.jobs import JobStore
from exports.ports.mail import MailSender
from exports.ports.mappings import MappingStore
from exports.ports.pages import PageLedger
from exports.ports.schedules import RunHistory, ScheduleStore
from exports.ports.watch import WatchIndex
from exports.ports.webhooks import DeliveryLog, WebhookSender
from exports.request.lookups import ESTIMATES_OF_A_PROCESS, CountCache, FilterValueCache, LookupRoom
from exports.request.token_access import TokenAuthenticator
from exports.settings import Settings
from shared.guess_limit import GuessLimit
from shared.key_ring import KeyRing


@dataclass(frozen=True, slots=True, eq=False)
class Services:
    """The services that a step gets as its first argument.

    A test may replace any of them by a fake that passes the contract suite of the real one.

    Attributes:
        now: Returns the present moment, for what is stored or shown. The clock of a host may be set forward or back at
            any time, so the difference of two moments is not how long something took.
        clock: Returns seconds since some moment, for durations within this process. It is never set.
    """

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
    tokens: TokenAuthenticator | None = None
    mail: MailSender | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    clock: Callable[[], float] = time.monotonic
    waits: WaitHistory = field(default_factory=WaitHistory)
    waiting: WaitingRoom = field(default_factory=WaitingRoom)
    sending: SendingRoom = field(default_factory=SendingRoom)
    snapshots: SnapshotRoom = field(default_factory=SnapshotRoom)
    lookups: LookupRoom = field(default_factory=LookupRoom)
    estimates: LookupRoom = field(default_factory=lambda: LookupRoom(ESTIMATES_OF_A_PROCESS, things="estimates"))
    filter_values: FilterValueCache = field(default_factory=FilterValueCache)
    counts: CountCache = field(default_factory=CountCache)
    kept_items: KeptItemsCache = field(default_factory=KeptItemsCache)
    guesses: GuessLimit = field(default_factory=GuessLimit)
    by_hand: SendsByHand = field(default_factory=SendsByHand)


ServiceProvider = Callable[[], Services]
"""Returns the services, which are built at the first call. So importing the app opens no connection."""
