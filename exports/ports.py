"""What the steps need from the outside world, as structural types. Adapters and fakes pass the same contract suites."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from exports.audit import AuditEntry
from exports.idempotency import IdempotencyRecord
from exports.jobs import Job, JobRef
from exports.requests import ClientFilter
from exports.states import JobStatus
from exports.webhooks import Delivery, Sent

if TYPE_CHECKING:
    from exports.csv.rendering import Records
    from exports.csv.rows import CsvRows

Row = Sequence[Any]
"""Values of one client in the order of `ClientSelection.columns`, as the database driver gives them."""


@dataclass(frozen=True, slots=True)
class ClientSelection:
    """Which clients of one tenant, and which columns of the view. There is no selection without a tenant."""

    tenant: str
    columns: tuple[str, ...]
    filter: ClientFilter = field(default_factory=ClientFilter)


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Clients with `start <= code < stop`, in the order of the source. `None` leaves an end open."""

    start: str | None = None
    stop: str | None = None


@dataclass(frozen=True, slots=True)
class Boundaries:
    """The outcome of one pass over the keys of a selection.

    Attributes:
        total_rows: Clients found.
        starts: Code of the first client of every page but the first, in key order. So `len(starts) + 1` ranges tile
            the whole key space: `[None, starts[0])`, `[starts[0], starts[1])`, …, `[starts[-1], None)`.
    """

    total_rows: int
    starts: tuple[str, ...]


class ClientSource(Protocol):
    """Reads clients. Every method raises `SourceUnavailableError` when trying again can help, `SourceThrottledError`
    when asking less at once can, and a `PermanentError`
    (`SourceMismatchError`, `SourceRefusedError`) when it cannot. Safe to call from several threads."""

    def missing_columns(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Name those of `columns` that the `clients` view lacks. A missing view is a `SourceMismatchError`."""

    def find_boundaries(self, selection: ClientSelection, rows_per_page: int) -> Boundaries:
        """Pass once over the keys in key order; memory is bounded by the number of pages.

        Raises:
            SourceMismatchError: A client has no code.
        """

    def sample(
        self, selection: ClientSelection, key_ranges: Iterable[KeyRange], rows_of_each: int
    ) -> Iterator[list[Row]]:
        """Yield one list for each key range: its first clients, in key order, at most so many.

        Each range is read when it is asked for. The iterator owns a connection until it is exhausted or closed.
        """

    def render_samples(
        self, selection: ClientSelection, starts: Sequence[str], rows_of_each: int, csv_rows: CsvRows
    ) -> Iterator[Records]:
        """Yield the records of the first clients from each code on, at most so many; all of them may be read at once.

        Byte for byte what `csv_rows` makes of what `sample` yields.

        Raises:
            SourceMismatchError: A value does not fit its column.
        """

    def read(self, selection: ClientSelection, key_range: KeyRange) -> Iterator[list[Row]]:
        """Yield the clients of a key range in key order, in lists of bounded length, without holding the whole range.

        The iterator owns a connection until it is exhausted or closed.
        """

    def render(self, selection: ClientSelection, key_range: KeyRange, csv_rows: CsvRows) -> Iterator[Records]:
        """Yield the records of a key range in key order, some at a time, without holding the whole range.

        Byte for byte what `exports.csv.rendering.render_lists` makes of what `read` yields, however it is done.

        Args:
            selection: Its columns are those `csv_rows` expects.

        Raises:
            SourceMismatchError: A value does not fit its column, or a client comes twice.
        """


@dataclass(frozen=True, slots=True)
class Span:
    """Jobs created since a moment, as far as they are to be counted."""

    since: datetime
    at_most: int


class JobStore(Protocol):
    """Keeps jobs. Every method raises `StorageUnavailableError` when trying again can help."""

    def create(self, job: Job) -> bool:
        """Add a job; False, and nothing changed, if its code is taken."""

    def get(self, tenant: str, code: str) -> Job | None:
        """Look a job up by tenant and code."""

    def list(
        self, tenant: str, limit: int, after: str | None = None, statuses: Collection[JobStatus] = ()
    ) -> builtins.list[Job]:
        """Give at most `limit` jobs of a tenant, newest first, that come after the code `after` and have one of the
        statuses (any, if none is given). What is kept of a job and cannot be read is left out and logged."""

    def count(self, tenant: str, active: Span, created: Span) -> tuple[int, int]:
        """Count a tenant's jobs that are active, of those created since a moment, and all created since another; stop
        when there are as many of either as it says."""

    def check(self) -> None:
        """Ask for something harmless, to see that the store answers."""

    def purge(self, tenant: str, code: str) -> None:
        """Remove a job, if there is one; only when nothing can change it any more."""

    def change(self, tenant: str, code: str, alter: Callable[[Job], Job], seen: Job | None = None) -> Job:
        """Write `alter(job)` if the job is still the one that was read, else read and alter again.

        `alter` may run several times; what it raises passes through and nothing is written.

        Args:
            seen: The job as this store has given it before: if it is still so, it need not be read.

        Raises:
            JobNotFoundError: There is no such job.
        """


@dataclass(frozen=True, slots=True)
class PageRecord:
    """What a staged page holds; the proof of a file is the sum of these.

    Attributes:
        page: Counted from 0.
        sha256: Hex digest of the bytes staged.
        block: Id of the block; empty when the page has no bytes, for there are no empty blocks.
        crc32: CRC-32 of the bytes staged (`exports.checksums`); None in records of older versions.
        attempt: The attempt of the job that wrote the page; None in records of older versions.
    """

    page: int
    rows: int
    bytes: int
    sha256: str
    block: str
    crc32: int | None = None
    attempt: int | None = None


class PageLedger(Protocol):
    """Keeps one record per page of a job: the first one written stays, so a page counts once however often it runs.

    Every method raises `StorageUnavailableError` when trying again can help.
    """

    def record(self, job: JobRef, record: PageRecord) -> PageRecord:
        """Add a page's record and return it; if the page has one, return that and change nothing."""

    def find(self, job: JobRef, page: int) -> PageRecord | None:
        """Look a page's record up."""

    def forget(self, job: JobRef, page: int) -> None:
        """Remove a page's record, if there is one: the page counts no longer, and will be read again."""

    def records(self, job: JobRef, first_page: int = 0) -> Iterator[PageRecord]:
        """Yield the records of all pages from `first_page`, by page."""

    def purge(self, job: JobRef) -> None:
        """Remove the records of all pages of a job."""

    def next_job(self, place: str) -> tuple[JobRef, str] | None:
        """Find the job that has records and comes next after a place, and its own place; None after the last."""


@dataclass(frozen=True, slots=True)
class FileState:
    """What there is of a file.

    Attributes:
        version: Names what is published: it changes with whatever publishes or removes the file. None: nothing is.
        published: Ids and sizes in bytes of the blocks it consists of, in order.
        staged: Sizes of the blocks that are staged and not part of it, by id.
    """

    version: str | None = None
    published: tuple[tuple[str, int], ...] = ()
    staged: Mapping[str, int] = field(default_factory=dict)

    @property
    def blocks(self) -> dict[str, int]:
        """Sizes of all blocks that a commit may name, by id."""
        return {**dict(self.published), **self.staged}


class FileStore(Protocol):
    """Keeps a job's plan and file. Every method raises `StorageUnavailableError` when trying again can help.

    Whoever changes what is published looks first, and names the version seen: so nobody who was held up in between,
    such as a step of an attempt that another one has taken over from, undoes what was done meanwhile.
    """

    def save_plan(self, job: JobRef, document: bytes) -> bytes:
        """Store a job's plan and return it; if there is one, return that and change nothing."""

    def load_plan(self, job: JobRef) -> bytes:
        """Read a job's plan."""

    def stage(self, path: str, block: str, data: bytes | list[bytes] | BinaryIO, length: int | None = None) -> None:
        """Stage a block of a file. Staging the same block again does no harm; nothing becomes readable.

        Args:
            data: The bytes, in one piece or in several, or a file.
            length: Of the data in bytes; must be given of a file, which is read from where it is.
        """

    def staged(self, path: str) -> dict[str, int]:
        """Sizes in bytes of the blocks staged and not yet committed, by block id."""

    def look(self, path: str) -> FileState:
        """See what there is of a file."""

    def commit(
        self, path: str, blocks: Sequence[str], facts: Mapping[str, str] | None = None, *, over: str | None = None
    ) -> str:
        """Publish the file as exactly these blocks, staged or published before, in one atomic act; its version.

        Args:
            facts: Go with the file.
            over: The version whose place it takes; None: nothing may be published yet.

        Raises:
            FileChangedError: Something else is published, or nothing more, or a block is gone; nothing was changed.
        """

    def size_bytes(self, path: str) -> int | None:
        """Size of the published file; None if there is none."""

    def read_range(self, path: str, start: int, stop: int) -> bytes:
        """Read the bytes `[start, stop)` of the published file, within its size."""

    def save_manifest(self, job: JobRef, document: bytes) -> None:
        """Store the proof of what this attempt published, in place of one that may be there."""

    def load_manifest(self, job: JobRef) -> bytes:
        """Read the proof of what this attempt published."""

    def discard(self, path: str, version: str | None) -> None:
        """Remove the published file of this version, the proofs and every block that is staged, if there are any.

        Raises:
            FileChangedError: Another version is published; nothing was removed.
        """

    def purge(self, job: JobRef) -> None:
        """Remove everything there is of a job, plan and staged blocks too."""

    def sweep(self, place: str, limit: int) -> tuple[builtins.list[JobRef], str]:
        """List jobs of which there is anything, going on at a place, over at most `limit` blobs; and the next place."""

    def check(self) -> None:
        """Ask for something harmless, to see that the store answers."""

    def link(self, path: str, expires: datetime) -> str:
        """Mint a URL that reads this one file until `expires`."""


class IdempotencyStore(Protocol):
    """Keeps what idempotency keys stand for. Raises `StorageUnavailableError` when trying again can help."""

    def find(self, tenant: str, key_hash: str) -> IdempotencyRecord | None:
        """Look a record up by tenant and hash of the key."""

    def forget(self, record: IdempotencyRecord) -> None:
        """Remove a record, if there is one; the key is free again."""

    def sweep(self, place: str, limit: int) -> tuple[builtins.list[IdempotencyRecord], str]:
        """List at most `limit` records of all tenants, going on at a place; and the next place."""

    def claim(self, record: IdempotencyRecord) -> IdempotencyRecord:
        """Add a record and return it; if the tenant's key has one, return that and change nothing."""


class AuditLog(Protocol):
    """Keeps audit entries for ever. Raises `StorageUnavailableError` when trying again can help."""

    def append(self, entry: AuditEntry) -> None:
        """Add an entry. There is no way to change or remove one."""

    def entries(self, tenant: str, day: date) -> Iterator[AuditEntry]:
        """Yield the entries of a tenant's day (UTC), oldest first."""


class WebhookSender(Protocol):
    """Sends webhooks to URLs that callers have chosen, and to no place that is closed to strangers."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Sent:
        """Send once, in bounded time, and say what came of it; raises for nothing that a receiver can do."""


class DeliveryLog(Protocol):
    """Keeps what became of every try of a webhook. Raises `StorageUnavailableError` when trying again can help."""

    def append(self, delivery: Delivery) -> None:
        """Add a try. There is no way to change one; they go with their job."""

    def deliveries(self, tenant: str, code: str | None = None) -> Iterator[Delivery]:
        """Yield the tries for a tenant's jobs, newest job first, or for one; those of a job oldest first."""

    def purge(self, tenant: str, code: str) -> None:
        """Remove the tries for a job; when the job itself is no longer kept."""
