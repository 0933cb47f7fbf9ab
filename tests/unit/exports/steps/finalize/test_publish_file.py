"""A file is published only if it is verified to be complete."""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from exports.errors import FileMismatchError, StorageUnavailableError
from exports.file.manifest import ManifestDto
from exports.file.plan import PagePlan
from exports.jobs.cost import Cost, StorageRequests
from exports.jobs.job import Job
from exports.ports.files import FileState
from exports.request.formats import Compression, CsvFormat
from exports.steps.finalize.publish_file import publish_file
from exports.steps.pages.write_page import write_page
from exports.workflow.commands import CommitFile, WritePage
from exports.workflow.outcomes import PagesLost, Stopped
from shared.metering import metering
from tests.support.builders import a_job
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import a_planned_job, cancel, some_clients, take_over, two_columns, write_pages

HEADER = b"Code,Name\r\n"
RECORDS = b"".join(b"C000%d,Client %d\r\n" % (number, number) for number in range(1, 6))


def _ready() -> tuple[MemoryServices, Job, CommitFile]:
    """Make a job whose five clients are written in three pages."""
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    return services, job, write_pages(services, job)


def _refuse(services: MemoryServices, job: Job, command: CommitFile) -> None:
    with pytest.raises(FileMismatchError):
        publish_file(services, command)
    assert services.files.read(job.file_path) is None
    assert services.files.commits == 0


def test_the_file_holds_all_pages_in_order() -> None:
    services, job, command = _ready()
    assert isinstance(publish_file(services, command), Job)
    assert services.files.read(job.file_path) == HEADER + RECORDS


def test_pages_written_in_another_order_make_the_same_file() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    for page in (2, 0, 1):
        write_page(services, WritePage(job=job.ref, page=page))
    assert isinstance(publish_file(services, write_pages(services, job)), Job)
    assert services.files.read(job.file_path) == HEADER + RECORDS


@pytest.mark.parametrize(("include_headers", "expected"), [(True, HEADER), (False, b"")])
def test_an_export_of_no_clients_is_a_file_of_the_header_or_an_empty_file(
    include_headers: bool, expected: bytes
) -> None:
    services = a_services()
    job = a_planned_job(services, starts=(), spec=two_columns(include_headers=include_headers))
    assert isinstance(publish_file(services, write_pages(services, job, pages=1)), Job)
    assert services.files.read(job.file_path) == expected


def test_a_page_whose_clients_were_deleted_adds_nothing_to_the_file() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    del services.clients.clients[2:4]
    assert isinstance(publish_file(services, write_pages(services, job)), Job)
    records = RECORDS.splitlines(keepends=True)
    assert services.files.read(job.file_path) == HEADER + b"".join([*records[:2], records[4]])


@pytest.mark.parametrize("compression", Compression)
@pytest.mark.parametrize("pages_lost", [0, 1, 2])
def test_a_file_begins_with_a_quote_before_id_whichever_page_comes_first(
    pages_lost: int, compression: Compression
) -> None:
    file = _file_of_codes_with_id(pages_lost, CsvFormat(compression=compression), include_headers=False)
    assert file.startswith(b'"ID')
    assert [*csv.reader(file.decode().splitlines())] == [[code, "x"] for code in ID_CODES[pages_lost:]]


@pytest.mark.parametrize(("mark", "header"), [(True, False), (False, True), (True, True)])
def test_a_file_that_begins_with_something_else_has_no_quote_before_id(*, mark: bool, header: bool) -> None:
    file = _file_of_codes_with_id(1, CsvFormat(byte_order_mark=mark), include_headers=header)
    opening = b"\xef\xbb\xbf" * mark + HEADER * header
    assert file == opening + b"".join(b"%b,x\r\n" % code.encode() for code in ID_CODES[1:])


ID_CODES = ("ID1", "ID2", "ID3")


def _file_of_codes_with_id(pages_lost: int, wanted: CsvFormat, *, include_headers: bool) -> bytes:
    """Export three clients in three pages. The first pages lose theirs after they are planned."""
    services = a_services(
        [{**client, "code": code, "name": "x"} for client, code in zip(some_clients(3), ID_CODES, strict=True)]
    )
    job = a_planned_job(services, ID_CODES[1:], spec=two_columns(include_headers=include_headers, format=wanted))
    del services.clients.clients[:pages_lost]
    assert isinstance(publish_file(services, write_pages(services, job)), Job)
    file = services.files.read(job.file_path)
    assert file is not None
    return gzip.decompress(file) if wanted.compression is Compression.GZIP else file


def test_committing_again_does_not_publish_again() -> None:
    services, job, command = _ready()
    publish_file(services, command)
    assert isinstance(publish_file(services, command), Job)
    assert services.files.commits == 1
    assert services.files.read(job.file_path) == HEADER + RECORDS


def test_of_two_versions_of_a_page_the_file_has_the_recorded_one() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)

    def write_page_first() -> None:
        services.clients.after_read = lambda: None
        services.clients.clients[0] = {**services.clients.clients[0], "name": "Renamed meanwhile"}
        write_page(services, WritePage(job=job.ref, page=0))

    services.clients.after_read = write_page_first
    command = write_pages(services, job)
    assert len(services.files.staged(job.file_path)) == 4
    assert isinstance(publish_file(services, command), Job)
    file = services.files.read(job.file_path)
    assert file == HEADER + RECORDS.replace(b"Client 1", b"Renamed meanwhile")
    assert command.bytes == len(file) == sum(record.bytes for record in services.pages.records(job.ref))


def test_the_work_of_an_earlier_attempt_counts() -> None:
    services, job, _ = _ready()
    take_over(services, job)
    resumed = replace(job, attempt=2)
    assert isinstance(publish_file(services, write_pages(services, resumed)), Job)
    assert services.files.read(job.file_path) == HEADER + RECORDS


@pytest.mark.parametrize("interrupt", [cancel, take_over])
def test_a_job_that_no_longer_runs_gets_no_file(interrupt: Callable[[MemoryServices, Job], None]) -> None:
    services, job, command = _ready()
    interrupt(services, job)
    assert publish_file(services, command) == Stopped()
    assert services.files.read(job.file_path) is None


def test_an_earlier_attempts_file_of_equal_size_and_other_content_is_replaced() -> None:
    services, job, command = _ready()
    publish_file(services, command)
    take_over(services, job)
    services.clients.clients[0] = {**services.clients.clients[0], "name": "Client X"}
    for page in range(command.pages):
        services.pages.forget(job.ref, page)
    assert isinstance(publish_file(services, write_pages(services, replace(job, attempt=2))), Job)
    file = services.files.read(job.file_path)
    assert file == HEADER + RECORDS.replace(b"Client 1", b"Client X")
    assert services.files.metadata(job.file_path)["crc32"] == f"{zlib.crc32(file):08x}"


def test_an_unknown_job_is_stopped() -> None:
    assert publish_file(a_services(), CommitFile(job=a_job().ref, pages=0, rows=0, bytes=0)) == Stopped()


def test_the_metadata_of_the_file_names_its_job_rows_and_crc() -> None:
    services, job, command = _ready()
    publish_file(services, command)
    crc32 = f"{zlib.crc32(HEADER + RECORDS):08x}"
    assert services.files.metadata(job.file_path) == {"job": job.code, "rows": "5", "crc32": crc32}
    assert json.loads(services.files.load_manifest(job.ref))["crc32"] == crc32


def test_the_manifest_shows_the_cost_until_the_file_was_published() -> None:
    services, job, command = _ready()
    before = Cost(storage_requests=StorageRequests(blob_write=3, table_read=7), bytes_sent=400, function_seconds=1.5)
    with metering() as meter:
        meter.add("blob_write", 50)
        publish_file(services, command.model_copy(update={"cost": before}))
        meter.add("blob_write", 1)
    cost = ManifestDto.model_validate_json(services.files.load_manifest(job.ref)).cost
    assert cost is not None
    assert cost.storage_requests == StorageRequests(blob_write=4, table_read=7)
    assert (cost.bytes_sent, cost.function_seconds >= 1.5) == (450, True)


def test_the_manifest_shows_no_cost_if_an_older_version_did_not_count_it() -> None:
    services, job, command = _ready()
    with metering():
        publish_file(services, command)
    assert ManifestDto.model_validate_json(services.files.load_manifest(job.ref)).cost is None


@pytest.mark.parametrize("starts", [("C0003",), ("C0002", "C0003", "C0005"), ("C0003", "C0003")])
def test_a_plan_with_other_pages_or_pages_that_do_not_tile_is_a_mismatch(
    monkeypatch: pytest.MonkeyPatch, starts: tuple[str, ...]
) -> None:
    services, job, command = _ready()
    other = PagePlan(spec=job.spec, total_rows=5, starts=starts)
    monkeypatch.setattr("exports.steps.finalize.publish_file.load_plan", lambda *_: other)
    _refuse(services, job, command)


@pytest.mark.parametrize("change", [{"pages": 2}, {"pages": 4}, {"rows": 4}, {"rows": 6}, {"bytes": 1}])
def test_sums_that_differ_from_the_counted_ones_are_a_mismatch(change: dict[str, int]) -> None:
    services, job, command = _ready()
    _refuse(services, job, command.model_copy(update=change))


def test_a_file_published_without_all_its_blocks_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    services, job, command = _ready()
    commit = services.files.commit
    monkeypatch.setattr(
        services.files,
        "commit",
        lambda path, blocks, metadata, if_match: commit(path, blocks[1:], metadata, if_match=if_match),
    )
    assert publish_file(services, command) == PagesLost(next_page=0, rows=0, bytes=0)
    assert services.files.read(job.file_path) is None


def test_a_file_that_replaced_another_without_all_its_blocks_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    services, job, command = _ready()
    publish_file(services, command)
    take_over(services, job)
    services.clients.clients[0] = {**services.clients.clients[0], "name": "Client X"}
    services.pages.forget(job.ref, 0)
    command = write_pages(services, replace(job, attempt=2))
    commit = services.files.commit
    monkeypatch.setattr(
        services.files,
        "commit",
        lambda path, blocks, metadata, if_match: commit(path, blocks[1:], metadata, if_match=if_match),
    )
    with pytest.raises(FileMismatchError, match="was removed"):
        publish_file(services, command)
    assert services.files.read(job.file_path) is None


def test_publishing_normally_does_not_read_the_file_state_before_the_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services, job, command = _ready()
    commits: list[int] = []
    get_state = services.files.get_state

    def record_commits(path: str) -> FileState:
        commits.append(services.files.commits)
        return get_state(path)

    monkeypatch.setattr(services.files, "get_state", record_commits)
    assert isinstance(publish_file(services, command), Job)
    assert commits == [1]
    assert services.files.read(job.file_path) == HEADER + RECORDS


def test_a_commit_whose_response_was_lost_is_recognized_by_the_next_try(monkeypatch: pytest.MonkeyPatch) -> None:
    services, job, command = _ready()
    commit = services.files.commit

    def commit_without_response(
        path: str, blocks: list[str], metadata: dict[str, str], *, if_match: str | None
    ) -> None:
        commit(path, blocks, metadata, if_match=if_match)
        raise StorageUnavailableError("No answer.")

    monkeypatch.setattr(services.files, "commit", commit_without_response)
    with pytest.raises(StorageUnavailableError):
        publish_file(services, command)
    assert isinstance(publish_file(services, command), Job)
    assert services.files.read(job.file_path) == HEADER + RECORDS


def test_a_block_lost_just_before_the_commit_publishes_nothing() -> None:
    services, job, command = _ready()
    block = next(iter(services.files.staged(job.file_path)))
    services.files.before_commit = lambda: services.files.lose_block(job.file_path, block)
    assert publish_file(services, command) == PagesLost(next_page=0, rows=0, bytes=0)
    assert services.files.read(job.file_path) is None
