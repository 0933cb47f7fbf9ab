"""The outside world in memory. Each fake passes the same contract suite as the adapter it stands for."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import Any, BinaryIO

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from exports.errors import FileChangedError, JobNotFoundError
from exports.file.page_record import PageRecord
from exports.jobs.audit import AuditEntry
from exports.jobs.codes import first_code_before
from exports.jobs.job import Job, JobRef
from exports.jobs.states import ACTIVE, JobStatus
from exports.ports.files import FileState
from exports.ports.jobs import CountWindow
from exports.request.idempotency import IdempotencyRecord
from exports.services import Services
from exports.settings import Settings
from shared.key_ring import KeyRing
from tests.support.builders import NOON
from tests.support.fake_clients import Client, Hook, MemoryClients, do_nothing
from tests.support.fake_saved import MemoryMappingStore, MemoryRunHistory, MemoryScheduleStore
from tests.support.fake_watch import MemoryWatchIndex
from tests.support.fake_webhooks import MemoryDeliveryLog, MemoryWebhookSender
from tests.support.keys import MemoryKeyStore, a_key


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **span: float) -> datetime:
        """Move on by what `timedelta` takes."""
        self.moment += timedelta(**span)
        return self.moment


class MemoryJobStore:
    """`JobStore` with optimistic writes, as under an ETag. `before_write` runs between the reading and the writing."""

    def __init__(self) -> None:
        self.before_write: Hook = do_nothing
        self._jobs: dict[tuple[str, str], Job] = {}
        self._versions = itertools.count(1)
        self._lock = Lock()

    def create(self, job: Job) -> bool:
        with self._lock:
            return self._jobs.setdefault((job.tenant, job.code), kept := self._kept(job)) is kept

    def _kept(self, job: Job) -> Job:
        return replace(job, version=str(next(self._versions)))

    def get(self, tenant: str, code: str) -> Job | None:
        return self._jobs.get((tenant, code))

    def check(self) -> None:
        pass

    def purge(self, tenant: str, code: str) -> None:
        self._jobs.pop((tenant, code), None)

    def change(self, tenant: str, code: str, alter: Callable[[Job], Job], seen: Job | None = None) -> Job:
        before = seen if seen and seen.version else None
        while True:
            is_read = before is None
            before = before or self.get(tenant, code)
            if before is None:
                raise JobNotFoundError("There is no such job.")
            after = alter(before)
            self.before_write()
            if after == before and is_read:
                return after
            with self._lock:
                found = self._jobs.get((tenant, code))
                if after != before and found is not None and found.version == before.version:
                    self._jobs[tenant, code] = self._kept(after)
                    return self._jobs[tenant, code]
            before = None

    def list(
        self, tenant: str, limit: int, after: str | None = None, statuses: Collection[JobStatus] = ()
    ) -> builtins.list[Job]:
        found = sorted(job.code for job in self.all() if job.tenant == tenant and job.code > (after or ""))
        jobs = [self._jobs[tenant, code] for code in found]
        return [job for job in jobs if not statuses or job.status in statuses][:limit]

    def count(self, tenant: str, active: CountWindow, created: CountWindow) -> tuple[int, int]:
        jobs = self.list(tenant, len(self._jobs))
        actives = sum(job.status in ACTIVE and job.code <= first_code_before(active.since) for job in jobs)
        return actives, sum(job.code <= first_code_before(created.since) for job in jobs)

    def all(self) -> builtins.list[Job]:
        """Every job there is."""
        return list(self._jobs.values())


def _ref(tenant: str, code: str) -> JobRef:
    return JobRef(tenant=tenant, code=code, attempt=1)


class MemoryPageLedger:
    """`PageLedger`. `before_record` runs before a record is written: raise in it, or let another run come first."""

    def __init__(self) -> None:
        self.before_record: Hook = do_nothing
        self._records: dict[tuple[str, str], dict[int, PageRecord]] = {}
        self._lock = Lock()

    def record(self, job: JobRef, record: PageRecord) -> PageRecord:
        self.before_record()
        with self._lock:
            return self._of(job).setdefault(record.page, record)

    def find(self, job: JobRef, page: int) -> PageRecord | None:
        return self._of(job).get(page)

    def records(self, job: JobRef, first_page: int = 0) -> Iterator[PageRecord]:
        found = self._of(job)
        return iter([found[page] for page in sorted(found) if page >= first_page])

    def forget(self, job: JobRef, page: int) -> None:
        self._of(job).pop(page, None)

    def purge(self, job: JobRef) -> None:
        self._records.pop((job.tenant, job.code), None)

    def next_job(self, cursor: str) -> tuple[JobRef, str] | None:
        places = sorted("|".join(key) for key, records in self._records.items() if records)
        following = next((each for each in places if each > cursor), None)
        return (following and (_ref(*following.split("|")), following)) or None

    def _of(self, job: JobRef) -> dict[int, PageRecord]:
        return self._records.setdefault((job.tenant, job.code), {})


@dataclass
class _Blob:
    uncommitted: dict[str, bytes] = field(default_factory=dict)
    committed: list[tuple[str, bytes]] | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    version: str | None = None


class MemoryFileStore:
    """`FileStore` with the rules of block blobs: atomic commit, ids of one length, uncommitted blocks dropped by it.

    A link is a `memory:` URL; `open_link` follows it.
    """

    def __init__(self, clock: Callable[[], datetime] = Clock()) -> None:  # noqa: B008 - read only
        self.before_stage: Hook = do_nothing
        self.before_commit: Hook = do_nothing
        self.before_discard: Hook = do_nothing
        self.commits = 0
        self._versions = itertools.count(1)
        self._clock = clock
        self._plans: dict[tuple[str, str], bytes] = {}
        self.plan_loads = 0
        self._manifests: dict[tuple[str, str, int], bytes] = {}
        self._blobs: dict[str, _Blob] = {}
        self._lock = Lock()

    def save_plan(self, job: JobRef, document: bytes) -> bytes:
        with self._lock:
            return self._plans.setdefault((job.tenant, job.code), document)

    def load_plan(self, job: JobRef) -> bytes:
        self.plan_loads += 1
        return self._plans[job.tenant, job.code]

    def save_manifest(self, job: JobRef, document: bytes) -> None:
        self._manifests[job.tenant, job.code, job.attempt] = document

    def load_manifest(self, job: JobRef) -> bytes:
        try:
            return self._manifests[job.tenant, job.code, job.attempt]
        except KeyError:
            raise ResourceNotFoundError("BlobNotFound") from None

    def discard(self, path: str, version: str | None) -> None:
        self.before_discard()
        with self._lock:
            self._require(path, version)
            self._blobs.pop(path, None)
            tenant, code, _ = path.split("/", 2)
            self._manifests = {key: kept for key, kept in self._manifests.items() if key[:2] != (tenant, code)}

    def purge(self, job: JobRef) -> None:
        key = (job.tenant, job.code)
        self._plans.pop(key, None)
        self._manifests = {known: kept for known, kept in self._manifests.items() if known[:2] != key}
        self._blobs = {path: blob for path, blob in self._blobs.items() if not path.startswith("/".join((*key, "")))}

    def sweep(self, cursor: str, limit: int) -> tuple[list[JobRef], str]:
        blobs = [f"{key[0]}/{key[1]}/{number}" for number, key in enumerate((*self._plans, *self._manifests))]
        rest = sorted(each for each in [*self._blobs, *blobs] if each > cursor)
        jobs = dict.fromkeys(tuple(path.split("/")[:2]) for path in rest[:limit])
        return [_ref(*key) for key in jobs], rest[limit - 1] if len(rest) > limit else ""

    def stage(self, path: str, block: str, data: bytes | list[bytes] | BinaryIO, length: int | None = None) -> None:
        self.before_stage()
        if isinstance(data, list):
            data = b"".join(data)
        data = data if isinstance(data, bytes) else data.read(length or -1)
        with self._lock:
            blob = self._blobs.setdefault(path, _Blob())
            known = [*blob.uncommitted, *(name for name, _ in blob.committed or ())]
            if not data or len(block) > 64 or any(len(name) != len(block) for name in known):
                raise HttpResponseError("InvalidBlobOrBlock")
            blob.uncommitted[block] = data

    def staged(self, path: str) -> dict[str, int]:
        blob = self._blobs.get(path, _Blob())
        return {block: len(data) for block, data in blob.uncommitted.items()}

    def get_state(self, path: str) -> FileState:
        blob = self._blobs.get(path, _Blob())
        published = tuple((block, len(data)) for block, data in blob.committed or ())
        return FileState(blob.version, published, self.staged(path))

    def commit(
        self,
        path: str,
        blocks: Sequence[str],
        metadata: Mapping[str, str] | None = None,
        *,
        if_match: str | None = None,
    ) -> str:
        self.before_commit()
        with self._lock:
            self._require(path, if_match)
            blob = self._blobs.setdefault(path, _Blob())
            known = {**dict(blob.committed or ()), **blob.uncommitted}
            if not known.keys() >= set(blocks):
                raise FileChangedError("A block of the file is gone.")
            committed = [(block, known[block]) for block in blocks]
            version = str(next(self._versions))
            self._blobs[path] = _Blob(committed=committed, version=version, metadata=dict(metadata or {}))
            self.commits += 1
            return version

    def _require(self, path: str, version: str | None) -> None:
        if self._blobs.get(path, _Blob()).version != version:
            raise FileChangedError("The file was changed by another attempt meanwhile.")

    def size_bytes(self, path: str) -> int | None:
        data = self.read(path)
        return None if data is None else len(data)

    def read_range(self, path: str, start: int, stop: int) -> bytes:
        data = self.read(path)
        if data is None:
            raise ResourceNotFoundError("BlobNotFound")
        return data[start:stop]

    def metadata(self, path: str) -> dict[str, str]:
        """What was published with the file."""
        return dict(self._blobs.get(path, _Blob()).metadata)

    def check(self) -> None:
        pass

    def link(self, path: str, expires: datetime) -> str:
        return f"memory:{path}?expires={expires.isoformat()}"

    def open_link(self, url: str) -> bytes | None:
        """Follow a link; None when it is refused."""
        path, _, expires = url.removeprefix("memory:").partition("?expires=")
        return self.read(path) if self._clock() < datetime.fromisoformat(expires) else None

    def read(self, path: str) -> bytes | None:
        """What a reader sees: the published file, if there is one."""
        blob = self._blobs.get(path)
        return None if blob is None or blob.committed is None else b"".join(data for _, data in blob.committed)

    def lose_block(self, path: str, block: str) -> None:
        """Forget a staged block, as storage does after seven days."""
        del self._blobs[path].uncommitted[block]


class MemoryIdempotencyStore:
    """`IdempotencyStore` in a dictionary."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], IdempotencyRecord] = {}

    def find(self, tenant: str, key_hash: str) -> IdempotencyRecord | None:
        return self._records.get((tenant, key_hash))

    def forget(self, record: IdempotencyRecord) -> None:
        self._records.pop((record.tenant, record.key_hash), None)

    def sweep(self, cursor: str, limit: int) -> tuple[list[IdempotencyRecord], str]:
        rest = sorted(each for each in map("|".join, self._records) if each > cursor)
        found = [self._records[tenant, key] for tenant, key in (each.split("|") for each in rest[:limit])]
        return found, rest[limit - 1] if len(rest) > limit else ""

    def claim(self, record: IdempotencyRecord) -> IdempotencyRecord:
        return self._records.setdefault((record.tenant, record.key_hash), record)


class MemoryAuditLog:
    """`AuditLog` in a list. An entry is kept as its JSON would be, and ordered by the moment it was added with."""

    def __init__(self) -> None:
        self.before_append: Hook = do_nothing
        self._rows: list[tuple[datetime, AuditEntry]] = []

    @property
    def all(self) -> builtins.list[AuditEntry]:
        """Every entry, in the order of appending."""
        return [entry for _, entry in self._rows]

    def append(self, entry: AuditEntry) -> None:
        self.before_append()
        kept = AuditEntry.model_validate_json(entry.model_dump_json(by_alias=True))
        self._rows.append((entry.moment.astimezone(UTC), kept))

    def entries(self, tenant: str, day: date) -> Iterator[AuditEntry]:
        found = (row for row in self._rows if row[1].tenant == tenant and row[0].date() == day)
        yield from (entry for _, entry in sorted(found, key=lambda row: row[0]))


class RecordingStarter:
    """Takes orchestrations as Durable Functions would; `before_start` may raise."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str | None, Any]] = []
        self.before_start: Hook = do_nothing

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any = None
    ) -> str:
        self.before_start()
        self.started.append((orchestration_function_name, instance_id, client_input))
        return instance_id or ""

    async def get_status(self, instance_id: str) -> bool:
        """The real one gives an object that is true if there is such an instance."""
        return any(instance == instance_id for _, instance, _ in self.started)


@dataclass(frozen=True, slots=True, eq=False)
class MemoryServices(Services):
    """Services of which nothing leaves the process."""

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


def a_services(clients: Sequence[Client] = (), **settings: Any) -> MemoryServices:
    """Services over these clients, with a clock that shows noon.

    Args:
        settings: App settings by name, beside those that must be there.
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
        keys=KeyRing(MemoryKeyStore(a_key()[0]), clock, run_in_background=lambda task: task()),
        now=clock,
    )
