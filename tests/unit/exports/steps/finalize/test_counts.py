"""Whatever a source counts, a file is refused only if two counts agree and its pages, read again, explain neither."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from exports.errors import RowCountError, SourceUnavailableError
from exports.file.manifest import ManifestDto
from exports.file.ranges import Boundaries, KeyRange
from exports.file.renderer import Row
from exports.jobs.job import Job
from exports.ports.clients import ClientSelection
from exports.steps.finalize.publish_file import publish_file
from tests.support.fake_clients import MemoryClients
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import a_planned_job, some_clients, write_pages

FILE = 4
"""The clients of the file, which has one page."""

LONG_SECONDS = 241
"""No page is read so long after the second count."""

COUNTS = [FILE - 1, FILE, FILE + 1]


class ToldClients(MemoryClients):
    """Counts and gives as many clients as it was told, one number after the other."""

    told_counts: Iterator[int] = iter(())
    told_reads: Iterator[int] = iter(())

    def find_boundaries(self, selection: ClientSelection, rows_per_page: int) -> Boundaries:
        return replace(super().find_boundaries(selection, rows_per_page), total_rows=next(self.told_counts))

    def read(self, selection: ClientSelection, key_range: KeyRange) -> Iterator[list[Row]]:
        self.clients = some_clients(next(self.told_reads))
        return super().read(selection, key_range)


def _outcome(planned: int, counts: tuple[int, ...], reads: tuple[int, ...], slow_read: int | None = None) -> str:
    """Try to publish a file of `FILE` clients. Return what became of it.

    Args:
        counts: What the source counts before the file is published.
        reads: How many clients the page has whenever it is read for that.
        slow_read: The index in `reads` of the one that ends after the time is over.
    """
    clients = ToldClients(some_clients(planned))
    clients.told_counts, clients.told_reads = iter(counts), iter((FILE, *reads))
    services = replace(a_services(), clients=clients)
    job = a_planned_job(services, starts=())
    command = write_pages(services, job, pages=1)
    before = clients.reads

    def take_time(_rows: int) -> None:
        if clients.reads - before - 1 == slow_read:
            services.now.advance(seconds=LONG_SECONDS)

    clients.take_time = take_time
    try:
        publish_file(services, command)
    except RowCountError:
        return "refused"
    except SourceUnavailableError:
        return "tried again"
    return f"published, counted {_recounted(services, job)}"


def _recounted(services: MemoryServices, job: Job) -> int | None:
    return ManifestDto.model_validate_json(services.files.load_manifest(job.ref)).recounted_rows


def _explains(read: int, counted: int) -> bool:
    """Say whether the page has changed by as many clients as the count differs from the file, in the same direction."""
    return read >= counted if counted > FILE else read <= counted


@pytest.mark.parametrize("planned", COUNTS)
@pytest.mark.parametrize("second", COUNTS)
def test_only_a_count_that_comes_again_and_that_no_page_explains_is_refused(planned: int, second: int) -> None:
    for third, *reads in product(COUNTS, COUNTS, COUNTS):
        is_refused = FILE not in (planned, second) and third == second and not any(_explains(n, second) for n in reads)
        published = f"published, counted {None if planned == FILE else second}"
        found = _outcome(planned, (second, third), tuple(reads))
        assert found == ("refused" if is_refused else published), (planned, second, third, reads)


@pytest.mark.parametrize(
    ("planned", "counts", "reads", "slow_read", "outcome"),
    [
        (5, (5,), (4,), 0, "tried again"),
        (5, (6,), (4,), 0, "published, counted 6"),
        (5, (5, 5), (4, 4), 1, "tried again"),
        (5, (6, 6), (4, 4), 1, "tried again"),
        (5, (5, 4), (4,), 1, "published, counted 5"),
    ],
    ids=["planned count", "another count", "planned count twice", "another count twice", "third count differs"],
)
def test_a_count_that_may_be_wrong_publishes_nothing_when_the_time_is_over(
    planned: int, counts: tuple[int, ...], reads: tuple[int, ...], slow_read: int, outcome: str
) -> None:
    assert _outcome(planned, counts, reads, slow_read) == outcome
