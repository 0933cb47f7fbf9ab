"""A page counts once, even if it is written twice or at the same time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from random import Random

import pytest

from exports.errors import SourceMismatchError, SourceUnavailableError, StorageUnavailableError
from exports.file.block_buffer import BlockBuffer
from exports.file.block_ids import block_id, digest
from exports.file.page_record import MAX_CODE_CHARS, PageRecord
from exports.file.ranges import KeyRange
from exports.file.renderer import Row
from exports.jobs.job import Job
from exports.ports.clients import ClientSelection
from exports.request.formats import Compression, CsvFormat
from exports.steps.pages import write_page as write_page_module
from exports.steps.pages.write_page import write_page
from exports.workflow.commands import WritePage
from exports.workflow.outcomes import PageWritten, Stopped
from tests.support.builders import a_job
from tests.support.fake_clients import MemoryClients
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_planned_job, cancel, some_clients, take_over, two_columns

HEADER = b"Code,Name\r\n"
FIRST = HEADER + b"C0001,Client 1\r\nC0002,Client 2\r\n"
LAST = b"C0005,Client 5\r\n"


def _write(services: MemoryServices, job: Job, page: int = 0) -> PageWritten | Stopped:
    return write_page(services, WritePage(job=job.ref, page=page))


def test_a_page_is_staged_and_recorded_as_rendered() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    assert _write(services, job) == PageWritten(rows=2, bytes=len(FIRST))
    block = block_id(0, digest(FIRST))
    assert services.files.staged(job.file_path) == {block: len(FIRST)}
    assert services.pages.find(job.ref, 0) == PageRecord(
        0, 2, len(FIRST), digest(FIRST), block, zlib.crc32(FIRST), 1, first_code="C0001", last_code="C0002"
    )


def test_nul_is_left_out_of_cells_and_counted_in_the_record_of_the_page() -> None:
    client = {**some_clients(1)[0], "code": "C1", "name": "\0=1+1\0"}
    services = a_services([client])
    job = a_planned_job(services, starts=())
    _write(services, job)
    (staged,) = services.files.staged(job.file_path).values()
    record = services.pages.find(job.ref, 0)
    assert staged == len(HEADER + b"C1,'=1+1\r\n")
    assert record is not None
    assert record.removed_characters == 2


def test_a_file_without_headers_whose_first_code_begins_with_id_begins_with_a_quote() -> None:
    client = {**some_clients(1)[0], "code": "ID1", "name": "a"}
    services = a_services([client])
    job = a_planned_job(services, starts=(), spec=two_columns(include_headers=False))
    written = b'"ID1",a\r\n'
    assert _write(services, job) == PageWritten(rows=1, bytes=len(written))
    assert services.files.staged(job.file_path) == {block_id(0, digest(written)): len(written)}


def test_only_the_first_page_has_the_header() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    assert _write(services, job, 2) == PageWritten(rows=1, bytes=len(LAST))


def test_the_first_page_has_no_header_if_headers_are_off() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services, spec=two_columns(include_headers=False))
    assert _write(services, job) == PageWritten(rows=2, bytes=len(FIRST) - len(HEADER))


def test_a_page_read_in_several_lists_is_one_block() -> None:
    services = a_services(some_clients(5))
    services.clients.rows_per_list = 2
    job = a_planned_job(services, starts=())
    assert _write(services, job) == PageWritten(rows=5, bytes=len(FIRST) + 3 * len(LAST))
    assert len(services.files.staged(job.file_path)) == 1
    record = services.pages.find(job.ref, 0)
    assert record is not None
    assert (record.first_code, record.last_code) == ("C0001", "C0005")


@pytest.mark.parametrize("place", ["first", "last"])
def test_a_code_at_an_end_of_a_page_that_is_too_long_to_prove_is_refused(place: str) -> None:
    long = ("A" if place == "first" else "D") + "x" * MAX_CODE_CHARS
    services = a_services([{"tenant": TENANT, "code": long, "name": "Long"}, *some_clients(1)])
    job = a_planned_job(services, starts=())
    with pytest.raises(SourceMismatchError, match=r"The column code of .* more than 8,000"):
        _write(services, job)
    assert services.files.staged(job.file_path) == {}
    assert services.pages.find(job.ref, 0) is None


def test_a_page_without_clients_is_only_the_header() -> None:
    services = a_services()
    job = a_planned_job(services, starts=())
    assert _write(services, job) == PageWritten(rows=0, bytes=len(HEADER))


def test_a_page_without_bytes_is_recorded_without_a_block() -> None:
    services = a_services()
    job = a_planned_job(services, starts=(), spec=two_columns(include_headers=False))
    assert _write(services, job) == PageWritten(rows=0, bytes=0)
    assert services.files.staged(job.file_path) == {}
    assert services.pages.find(job.ref, 0) == PageRecord(0, 0, 0, digest(b""), "", 0, 1)


def _settle(services: MemoryServices, job: Job) -> Job:
    return services.jobs.change(job.tenant, job.code, lambda job: job.settle(1, 2))


def _try_again(services: MemoryServices, job: Job) -> Job:
    return services.jobs.change(job.tenant, job.code, lambda job: job.retry())


@pytest.mark.parametrize("happened", [_settle, _try_again])
def test_a_recorded_page_is_not_read_again_after_a_retry_or_a_loss(
    happened: Callable[[MemoryServices, Job], Job],
) -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    first = _write(services, job)
    job = happened(services, job)
    reads = services.clients.reads
    services.clients.clients.clear()
    assert _write(services, job) == first
    assert services.clients.reads == reads
    assert list(services.files.staged(job.file_path).values()) == [len(FIRST)]


def test_a_repeated_page_of_a_first_attempt_reports_the_recorded_page() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    first = _write(services, job)
    services.clients.clients.clear()
    assert _write(services, job) == first
    assert [record.rows for record in services.pages.records(job.ref)] == [2]


def test_two_runs_with_different_content_both_report_the_first_record() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    outcomes: list[PageWritten | Stopped] = []

    def run_another_first() -> None:
        services.clients.after_read = lambda: None
        services.clients.clients[0] = {**services.clients.clients[0], "name": "Renamed meanwhile"}
        outcomes.append(_write(services, job))

    services.clients.after_read = run_another_first
    outcomes.append(_write(services, job))
    renamed = FIRST.replace(b"Client 1", b"Renamed meanwhile")
    assert outcomes == [PageWritten(rows=2, bytes=len(renamed))] * 2
    assert set(services.files.staged(job.file_path).values()) == {len(FIRST), len(renamed)}


def test_two_runs_with_the_same_content_stage_one_block() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)

    def run_another_first() -> None:
        services.clients.after_read = lambda: None
        _write(services, job)

    services.clients.after_read = run_another_first
    _write(services, job)
    assert services.files.staged(job.file_path) == {block_id(0, digest(FIRST)): len(FIRST)}


def test_the_next_run_completes_one_that_failed_before_recording() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)

    def fail_once() -> None:
        services.pages.before_record = lambda: None
        raise StorageUnavailableError("No answer.")

    services.pages.before_record = fail_once
    with pytest.raises(StorageUnavailableError):
        _write(services, job)
    assert services.pages.find(job.ref, 0) is None
    assert _write(services, job) == PageWritten(rows=2, bytes=len(FIRST))
    assert len(services.files.staged(job.file_path)) == 1


def test_a_block_that_could_not_be_staged_is_not_recorded() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)

    def fail() -> None:
        raise StorageUnavailableError("No answer.")

    services.files.before_stage = fail
    with pytest.raises(StorageUnavailableError):
        _write(services, job)
    assert services.pages.find(job.ref, 0) is None


def test_a_failed_read_stages_and_records_nothing() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)

    def fail() -> None:
        raise SourceUnavailableError("No answer.")

    services.clients.after_read = fail
    with pytest.raises(SourceUnavailableError):
        _write(services, job)
    assert services.files.staged(job.file_path) == {}
    assert services.pages.find(job.ref, 0) is None


@pytest.mark.parametrize("interrupt", [cancel, take_over])
def test_a_job_that_no_longer_runs_is_not_read(interrupt: Callable[[MemoryServices, Job], None]) -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    reads = services.clients.reads
    interrupt(services, job)
    assert _write(services, job) == Stopped()
    assert services.clients.reads == reads


@pytest.mark.parametrize("interrupt", [cancel, take_over])
def test_nothing_is_staged_or_recorded_if_the_job_stops_during_the_read(
    interrupt: Callable[[MemoryServices, Job], None],
) -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    services.clients.after_read = lambda: interrupt(services, job)
    assert _write(services, job) == Stopped()
    assert services.files.staged(job.file_path) == {}
    assert services.pages.find(job.ref, 0) is None


def test_a_page_records_the_attempt_that_wrote_it() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    _write(services, job, 0)
    take_over(services, job)
    resumed = replace(job, attempt=2)
    for page in (0, 1):
        _write(services, resumed, page)
    assert [record.attempt for record in services.pages.records(job.ref)] == [1, 2]


def test_an_unknown_job_is_stopped() -> None:
    assert _write(a_services(), a_job()) == Stopped()


@pytest.mark.parametrize("rows_per_list", [1, 2, 100])
def test_a_code_that_occurs_twice_is_a_mismatch_and_nothing_is_staged(rows_per_list: int) -> None:
    services = a_services([*some_clients(5), {"tenant": "tenant", "code": "C0002", "name": "Twin"}])
    services.clients.rows_per_list = rows_per_list
    job = a_planned_job(services)
    with pytest.raises(SourceMismatchError, match="a client more than once") as caught:
        _write(services, job)
    assert caught.value.private == "It is C0002."
    assert services.files.staged(job.file_path) == {}


def test_clients_added_after_the_plan_join_the_page_their_code_belongs_to() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    services.clients.clients.append({"tenant": "tenant", "code": "C0001b", "name": "New"})
    written = [_write(services, job, page) for page in range(3)]
    assert [outcome.rows for outcome in written if isinstance(outcome, PageWritten)] == [3, 2, 1]


# --- clients larger than planned ---


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_large_page_buffered_in_a_file_is_the_same_block(monkeypatch: pytest.MonkeyPatch, compression: str) -> None:
    chance = Random(1)
    clients = [{**client, "name": chance.randbytes(3_000).hex()} for client in some_clients(60)]
    blocks = []
    for memory_bytes in (10_000_000, 20_000):
        services = a_services(clients)
        job = a_planned_job(
            services, starts=(), spec=two_columns(format=CsvFormat(compression=Compression(compression)))
        )
        monkeypatch.setattr(write_page_module, "BlockBuffer", partial(BlockBuffer, memory_bytes))
        _write(services, job)
        blocks.append((services.pages.find(job.ref, 0), services.files.staged(job.file_path)))
    assert blocks[0] == blocks[1]
    assert blocks[0][0] is not None
    assert blocks[0][0].bytes > 100_000


# --- slow reads ---


class SlowClients(MemoryClients):
    """Returns clients one by one. Before each, runs `before_list` and advances the services' clock."""

    def __init__(self, services: MemoryServices, seconds: float) -> None:
        super().__init__(services.clients.clients, rows_per_list=1)
        self.lists = 0
        self.before_list: Callable[[], None] = lambda: None
        self._services, self._seconds = services, seconds

    def read(self, selection: ClientSelection, key_range: KeyRange) -> Iterator[list[Row]]:
        for rows in super().read(selection, key_range):
            self.before_list()
            self._services.now.advance(seconds=self._seconds)
            self.lists += 1
            yield rows


def _slow(seconds: float) -> tuple[MemoryServices, SlowClients, Job]:
    services = a_services(some_clients(20))
    clients = SlowClients(services, seconds)
    return replace(services, clients=clients), clients, a_planned_job(services, starts=())


@pytest.mark.parametrize("interrupt", [cancel, take_over])
@pytest.mark.parametrize(("seconds", "lists_read"), [(5, 3), (2, 3), (0.5, 6)])
def test_a_slow_read_stops_within_two_seconds_after_its_job(
    interrupt: Callable[[MemoryServices, Job], None], seconds: float, lists_read: int
) -> None:
    services, clients, job = _slow(seconds)

    def interrupt_before_the_third() -> None:
        if clients.lists == 2:
            interrupt(services, job)

    clients.before_list = interrupt_before_the_third
    assert _write(services, job) == Stopped()
    assert clients.lists <= lists_read
    assert services.files.staged(job.file_path) == {}
    assert services.pages.find(job.ref, 0) is None


def test_a_slow_read_stops_with_its_job_although_the_clock_is_set_back() -> None:
    services, clients, job = _slow(3)

    def set_back_and_cancel() -> None:
        if clients.lists == 2:
            services.now.set_forward(minutes=-10)
            cancel(services, job)

    clients.before_list = set_back_and_cancel
    assert _write(services, job) == Stopped()
    assert clients.lists == 3


def test_a_slow_read_is_complete_if_the_job_keeps_running() -> None:
    services, _, job = _slow(5)
    assert _write(services, job) == PageWritten(rows=20, bytes=len(HEADER) + 20 * len(LAST) + 11)


def test_a_slow_read_checks_its_job_at_most_every_two_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services, _, job = _slow(0.5)
    checks: list[datetime] = []
    get = services.jobs.get

    def counted(tenant: str, code: str) -> Job | None:
        checks.append(services.now())
        return get(tenant, code)

    monkeypatch.setattr(services.jobs, "get", counted)
    _write(services, job)
    assert len(checks) == 1 + 5 + 1
