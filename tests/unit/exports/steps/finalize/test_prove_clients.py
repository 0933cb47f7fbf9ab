"""The proof of a file compares its pages with the order and the count of the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from exports.errors import ExportError, KeyOrderError, PermanentError, RowCountError, SourceUnavailableError
from exports.file.manifest import KeyOrder, ManifestDto
from exports.file.ranges import Boundaries, KeyRange
from exports.file.renderer import Row
from exports.jobs.failures import failure_of
from exports.jobs.job import Job
from exports.ports.clients import ClientSelection
from exports.steps.finalize.publish_file import publish_file
from exports.steps.pages.write_page import write_page
from exports.workflow.commands import CommitFile, WritePage
from tests.support.fake_clients import Client, MemoryClients
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_planned_job, some_clients, two_columns, write_pages


class HidingClients(MemoryClients):
    """Counts all clients, but never gives the very last ones."""

    hidden = 1

    def read(self, selection: ClientSelection, key_range: KeyRange) -> Iterator[list[Row]]:
        for rows in super().read(selection, key_range):
            yield rows if key_range.stop is not None else rows[: -self.hidden]


class VanishingClients(MemoryClients):
    """Counts clients that it does not give any longer."""

    have_vanished = False

    def read(self, selection: ClientSelection, key_range: KeyRange) -> Iterator[list[Row]]:
        if not self.have_vanished:
            yield from super().read(selection, key_range)
        self.take_time(0)


class LeavingClients(MemoryClients):
    """Loses its last client after each count."""

    def find_boundaries(self, selection: ClientSelection, rows_per_page: int) -> Boundaries:
        counted = super().find_boundaries(selection, rows_per_page)
        del self.clients[-1]
        return counted


MIXED_CODES = [f"{'aBcDeF'[number % 6]}{number:03d}" for number in range(60)]


def _clients(codes: list[str]) -> list[Client]:
    return [{"tenant": TENANT, "code": code, "name": "x"} for code in codes]


def _ready(services: MemoryServices, rows_per_page: int) -> tuple[Job, CommitFile]:
    """Plan a job from the order of the source, and write its pages by the key ranges of the source."""
    codes = sorted((client["code"] for client in services.clients.clients), key=services.clients.order_of)
    starts = tuple(codes[rows_per_page::rows_per_page])
    job = a_planned_job(services, starts)
    return job, write_pages(services, job, len(starts) + 1)


def _manifest(services: MemoryServices, job: Job) -> ManifestDto:
    return ManifestDto.model_validate_json(services.files.load_manifest(job.ref))


def _published(services: MemoryServices, rows_per_page: int = 2) -> ManifestDto:
    job, command = _ready(services, rows_per_page)
    assert isinstance(publish_file(services, command), Job)
    return _manifest(services, job)


def _refused(services: MemoryServices, command: CommitFile, kind: type[ExportError]) -> ExportError:
    with pytest.raises(kind) as refused:
        publish_file(services, command)
    assert services.files.commits == 0
    return refused.value


def test_a_source_whose_ranges_compare_otherwise_than_it_orders_gets_no_file() -> None:
    services = a_services(_clients(MIXED_CODES))
    services.clients.order_of = str.lower
    _, command = _ready(services, rows_per_page=7)
    error = _refused(services, command, KeyOrderError)
    failure = failure_of(error)
    assert (failure.code, failure.retryable, failure.resumable) == ("key-order", False, False)


@pytest.mark.parametrize("rows_per_page", [1, 2, 7, 20, 31, 59])
def test_wherever_its_pages_begin_a_wrong_source_never_gets_a_wrong_file(rows_per_page: int) -> None:
    services = a_services(_clients(MIXED_CODES))
    services.clients.order_of = str.lower
    job, command = _ready(services, rows_per_page)
    try:
        publish_file(services, command)
    except KeyOrderError:
        assert services.files.commits == 0
        return
    file = services.files.read(job.file_path)
    assert file is not None
    assert sorted(line.split(b",")[0].decode() for line in file.splitlines()[1:]) == sorted(MIXED_CODES)


def test_codes_of_clients_are_told_to_the_user_but_never_logged() -> None:
    services = a_services(_clients(["a1", "B2", "c3", "D4"]))
    services.clients.order_of = str.lower
    _, command = _ready(services, rows_per_page=2)
    error = _refused(services, command, KeyOrderError)
    assert "Page 1 (clients from c3" in error.private
    assert not any(code in str(error) for code in ("a1", "B2", "c3", "D4"))


def test_a_proved_file_says_how_its_order_was_checked_and_where_its_pages_end() -> None:
    services = a_services(some_clients(5))
    manifest = _published(services)
    assert manifest.key_order is KeyOrder.RANKED_BY_SOURCE
    ends = [(page.first_code, page.last_code) for page in manifest.pages]
    assert ends == [("C0001", "C0002"), ("C0003", "C0004"), ("C0005", "C0005")]
    assert services.clients.rankings == 1


def test_a_file_of_one_page_asks_the_source_nothing() -> None:
    services = a_services(some_clients(5))
    job, command = _ready(services, rows_per_page=5)
    services.clients.before_ask = _fail
    publish_file(services, command)
    manifest = _manifest(services, job)
    assert (manifest.key_order, manifest.counted_rows, manifest.recounted_rows) == (KeyOrder.ONE_PAGE, 5, None)


def test_pages_without_clients_do_not_break_the_proof() -> None:
    services = a_services(some_clients(6))
    job = a_planned_job(services, ("C0003", "C0005"))
    services.clients.clients[2:4] = []
    assert isinstance(publish_file(services, write_pages(services, job)), Job)
    manifest = _manifest(services, job)
    assert manifest.key_order is KeyOrder.RANKED_BY_SOURCE
    assert [page.first_code for page in manifest.pages] == ["C0001", None, "C0005"]


def test_a_page_of_an_older_version_leaves_the_order_unchecked() -> None:
    services = a_services(some_clients(5))
    job, command = _ready(services, rows_per_page=2)
    record = services.pages.find(job.ref, 1)
    assert record is not None
    services.pages.forget(job.ref, 1)
    services.pages.record(job.ref, replace(record, first_code=None, last_code=None))
    publish_file(services, command)
    manifest = _manifest(services, job)
    assert manifest.key_order is None
    assert not manifest.order_is_checked


def test_many_pages_are_ranked_in_calls_of_bounded_size() -> None:
    services = a_services(some_clients(500))
    assert _published(services, rows_per_page=1).key_order is KeyOrder.RANKED_BY_SOURCE
    assert services.clients.rankings == 4


def test_a_source_that_does_not_answer_the_proof_is_asked_again() -> None:
    services = a_services(some_clients(5))
    _, command = _ready(services, rows_per_page=2)
    services.clients.before_ask = _fail
    _refused(services, command, SourceUnavailableError)
    services.clients.before_ask = lambda: None
    assert isinstance(publish_file(services, command), Job)


def test_clients_that_came_or_went_during_the_export_are_counted_again() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    services.clients.clients += _clients(["C0002a", "C0004a"])
    publish_file(services, write_pages(services, job))
    manifest = _manifest(services, job)
    assert (manifest.rows, manifest.counted_rows, manifest.recounted_rows) == (7, 5, 7)


def test_a_count_that_is_the_old_one_again_by_chance_does_not_fail_the_job() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    write_page(services, WritePage(job=job.ref, page=0))
    services.clients.clients[2:3] = _clients(["C0001a"])
    assert isinstance(publish_file(services, write_pages(services, job)), Job)
    manifest = _manifest(services, job)
    assert (manifest.rows, manifest.counted_rows, manifest.recounted_rows) == (4, 5, 5)


@pytest.mark.parametrize("starts", [(), ("C0003",)], ids=["one page", "two pages"])
def test_a_source_that_counts_clients_which_it_does_not_give_gets_no_file(starts: tuple[str, ...]) -> None:
    services = replace(a_services(), clients=HidingClients(some_clients(5)))
    job = a_planned_job(services, starts)
    error = _refused(services, write_pages(services, job, len(starts) + 1), RowCountError)
    assert (failure_of(error).code, failure_of(error).resumable) == ("row-count", False)
    assert "counts 5 clients, but gives 4" in str(error)


@pytest.mark.parametrize("starts", [(), ("C0003",)], ids=["one page", "two pages"])
def test_a_source_at_fault_gets_no_file_although_clients_came_meanwhile(starts: tuple[str, ...]) -> None:
    services = replace(a_services(), clients=HidingClients(some_clients(5)))
    job = a_planned_job(services, starts)
    services.clients.clients += _clients(["C0002a", "C0002b"])
    error = _refused(services, write_pages(services, job, len(starts) + 1), RowCountError)
    assert "counts 7 clients, but gives 6" in str(error)


def test_clients_that_come_before_and_after_their_page_was_read_do_not_fail_the_job() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    services.clients.clients += _clients(["C0002a"])
    command = write_pages(services, job)
    services.clients.clients += _clients(["C0004a"])
    publish_file(services, command)
    manifest = _manifest(services, job)
    assert (manifest.rows, manifest.counted_rows, manifest.recounted_rows) == (6, 5, 7)


@pytest.mark.parametrize(("came", "recounted"), [(True, 7), (False, 5)], ids=["another count", "the planned count"])
def test_a_client_that_is_there_only_while_clients_are_counted_does_not_fail_the_job(
    came: bool, recounted: int
) -> None:
    services = replace(a_services(), clients=LeavingClients(some_clients(5)))
    job = a_planned_job(services)
    if came:
        services.clients.clients += _clients(["C0002a"])
    else:
        del services.clients.clients[1]
    command = write_pages(services, job)
    services.clients.clients += _clients(["C0009"])
    publish_file(services, command)
    manifest = _manifest(services, job)
    assert (manifest.counted_rows, manifest.recounted_rows) == (5, recounted)


def test_a_count_that_clients_have_changed_is_accepted_when_the_time_is_over() -> None:
    services = replace(a_services(), clients=HidingClients(some_clients(6)))
    _, command = _ready(services, rows_per_page=1)
    services.clients.clients += _clients(["C0009"])
    services.clients.take_time = lambda _rows: services.now.advance(seconds=300)
    assert isinstance(publish_file(services, command), Job)


def test_one_client_that_came_does_not_explain_several_missing_ones() -> None:
    hiding = HidingClients(some_clients(9))
    hiding.hidden = 2
    services = replace(a_services(), clients=hiding)
    _, command = _ready(services, rows_per_page=3)
    services.clients.clients += _clients(["C0009a"])
    error = _refused(services, command, RowCountError)
    assert "counts 10 clients, but gives 7" in str(error)


def test_a_client_that_went_does_not_explain_a_missing_one() -> None:
    hiding = HidingClients(some_clients(9))
    hiding.hidden = 2
    services = replace(a_services(), clients=hiding)
    _, command = _ready(services, rows_per_page=3)
    del services.clients.clients[1]
    error = _refused(services, command, RowCountError)
    assert "counts 8 clients, but gives 7" in str(error)


def test_clients_that_come_and_go_while_the_pages_are_counted_do_not_fail_the_job() -> None:
    services = a_services(some_clients(9))
    job = a_planned_job(services, ("C0004", "C0007"))
    services.clients.clients += _clients(["C0001a"])
    command = write_pages(services, job, 3)
    services.clients.clients += _clients(["C0002a", "C0005a"])
    before = services.clients.reads

    def come_and_go() -> None:
        codes = {client["code"] for client in services.clients.clients}
        if services.clients.reads > before and "C0005a" in codes:
            services.clients.clients[:] = [each for each in services.clients.clients if each["code"] != "C0005a"]
            services.clients.clients += _clients(["C0009a"])

    services.clients.before_ask = come_and_go
    assert isinstance(publish_file(services, command), Job)
    assert _manifest(services, job).recounted_rows == 12


def test_as_many_clients_that_came_as_the_counts_differ_by_do_not_fail_the_job() -> None:
    services = a_services(some_clients(9))
    job = a_planned_job(services, ("C0004", "C0007"))
    services.clients.clients += _clients(["C0001a"])
    command = write_pages(services, job, 3)
    services.clients.clients += _clients(["C0002a", "C0005a", "C0008a"])
    assert isinstance(publish_file(services, command), Job)
    assert _manifest(services, job).recounted_rows == 13


@pytest.mark.parametrize(("since", "longest"), [(None, 480), ("an-earlier-export", 340)])
@pytest.mark.parametrize("statement", [1, 30, 70, 99, 119, 239])
def test_no_statement_begins_so_late_that_the_host_would_stop_the_activity(
    since: str | None, longest: int, statement: int
) -> None:
    """`find_changes`, which may take 240 seconds, follows in an export since another one."""
    services = replace(a_services(), clients=HidingClients(some_clients(40)))
    starts = tuple(client["code"] for client in services.clients.clients[1:])
    job = a_planned_job(services, starts, spec=two_columns(since=since))
    command = write_pages(services, job, len(starts) + 1)
    services.clients.take_time = lambda _rows: services.now.advance(seconds=statement)
    began = services.now()
    _refused(services, command, PermanentError if statement == 1 else SourceUnavailableError)
    assert services.now() - began <= timedelta(seconds=longest)


@pytest.mark.parametrize("minutes_set", [60, -60], ids=["set forward", "set back"])
def test_a_clock_that_is_set_does_not_change_how_long_clients_are_counted(minutes_set: float) -> None:
    for seconds, expected in ((1, RowCountError), (100, SourceUnavailableError)):
        services = replace(a_services(), clients=HidingClients(some_clients(6)))
        _, command = _ready(services, rows_per_page=1)
        _set_at_each_read(services, seconds, minutes_set)
        _refused(services, command, expected)


def _set_at_each_read(services: MemoryServices, seconds: float, minutes_set: float) -> None:
    def set_clock(_rows: int) -> None:
        services.now.advance(seconds=seconds)
        services.now.set_forward(minutes=minutes_set)

    services.clients.take_time = set_clock


@pytest.mark.parametrize(("since", "seconds"), [(None, 241), ("an-earlier-export", 101)])
def test_after_a_slow_count_no_page_is_read_again(since: str | None, seconds: int) -> None:
    services = replace(a_services(), clients=HidingClients(some_clients(6)))
    job = a_planned_job(services, (), spec=two_columns(since=since))
    command = write_pages(services, job, 1)

    def answer_slowly() -> None:
        services.now.advance(seconds=seconds)

    services.clients.before_ask = answer_slowly
    reads = services.clients.reads
    _refused(services, command, SourceUnavailableError)
    assert services.clients.reads == reads


def test_a_comparison_whose_last_statement_ends_too_late_decides_nothing() -> None:
    vanishing = VanishingClients(some_clients(2))
    services = replace(a_services(), clients=vanishing)
    job = a_planned_job(services, ())
    vanishing.clients += _clients(["C0003"])
    command = write_pages(services, job, 1)
    vanishing.clients += _clients(["C0004"])
    vanishing.have_vanished = True
    vanishing.take_time = lambda _rows: services.now.advance(seconds=241)
    assert isinstance(publish_file(services, command), Job)


def test_counting_again_ends_in_time_and_refuses_a_count_like_the_planned_one() -> None:
    services = replace(a_services(), clients=HidingClients(some_clients(6)))
    _, command = _ready(services, rows_per_page=1)
    services.clients.take_time = lambda _rows: services.now.advance(seconds=100)
    reads, began = services.clients.reads, services.now()
    _refused(services, command, SourceUnavailableError)
    assert (services.clients.reads - reads, services.now() - began) == (3, timedelta(seconds=300))


def _fail() -> None:
    raise SourceUnavailableError("The client database did not answer.")
