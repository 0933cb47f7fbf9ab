"""Pages are shorter if the source is slow, and only then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import pytest

from exports.file.plan import MIN_PAGE_ROWS, PAGE_SECONDS, PagePlan
from exports.file.ranges import KeyRange
from exports.file.renderer import Row
from exports.ports.clients import ClientSelection
from exports.steps.pages.plan_pages import plan_pages
from exports.workflow.commands import PlanPages
from exports.workflow.outcomes import PagesPlanned
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import a_stored_job, some_clients

CLIENTS = some_clients(9_900)
TARGET_BYTES = 100_000
"""A client has some 17 bytes. So a block holds five thousand clients, and there are two pages."""


def plan(services: MemoryServices) -> PagePlan:
    job = a_stored_job(services)
    planned = plan_pages(services, PlanPages(job=job.ref, target_bytes=TARGET_BYTES))
    assert isinstance(planned, PagesPlanned)
    return PagePlan.model_validate_json(services.files.load_plan(job.ref))


def plan_from(seconds: Callable[[int], float]) -> PagePlan:
    """Return the plan for a source whose reads take `seconds`, by the number of clients."""
    services = a_services(CLIENTS)
    services.clients.take_time = lambda rows: services.now.advance(seconds=seconds(rows))
    return plan(services)


def plan_with_clock_set_by(seconds_set: float, client_seconds: float) -> PagePlan:
    services = a_services(CLIENTS)

    def read(rows: int) -> None:
        services.now.advance(seconds=client_seconds * rows)
        services.now.set_forward(seconds=seconds_set)

    services.clients.take_time = read
    return plan(services)


def rows_of_pages(plan: PagePlan) -> list[int]:
    codes = [client["code"] for client in CLIENTS]
    edges = [0, *(codes.index(start) for start in plan.starts), len(codes)]
    return [stop - start for start, stop in pairwise(edges)]


FAST_PLAN = plan(a_services(CLIENTS))


def test_pages_are_sized_by_bytes_if_the_source_is_fast() -> None:
    assert FAST_PLAN.pages == 2


@pytest.mark.parametrize("client_seconds", [0.0, 0.000_01, 0.001, 0.001_9])
@pytest.mark.parametrize("fixed_seconds", [0.0, 0.003, 0.05, 0.4])
def test_usual_sources_get_the_same_plan_as_the_fastest_source(client_seconds: float, fixed_seconds: float) -> None:
    """The fixed cost of a statement, to connect, to plan or to sort, does not matter."""
    assert plan_from(lambda rows: fixed_seconds + client_seconds * rows) == FAST_PLAN


@pytest.mark.parametrize("client_seconds", [0.0, 0.001_9])
def test_slow_statements_with_fast_clients_cause_no_more_pages(client_seconds: float) -> None:
    assert plan_from(lambda rows: 3.0 + client_seconds * rows).pages == FAST_PLAN.pages


def test_a_usual_source_is_sampled_only_once() -> None:
    services = a_services(CLIENTS)
    services.clients.take_time = lambda rows: services.now.advance(seconds=0.03)
    plan(services)
    assert services.clients.reads == 9


@pytest.mark.parametrize("client_seconds", [0.006, 0.01, 0.02])
@pytest.mark.parametrize("fixed_seconds", [0.0, 0.3, 2.0])
def test_a_page_of_slow_clients_stays_near_the_time_limit(client_seconds: float, fixed_seconds: float) -> None:
    pages = rows_of_pages(plan_from(lambda rows: fixed_seconds + client_seconds * rows))
    assert max(pages) * client_seconds <= 1.25 * PAGE_SECONDS
    assert len(pages) <= 1.7 * len(CLIENTS) * client_seconds / PAGE_SECONDS


def test_pages_of_very_slow_clients_have_the_minimum_number_of_rows() -> None:
    assert min(rows_of_pages(plan_from(lambda rows: rows * 5.0))) >= MIN_PAGE_ROWS


def test_a_few_slow_samples_do_not_change_the_plan() -> None:
    seconds = [9.0, 0.01, 0.01, 9.0, 0.01, 0.01, 9.0, 0.01]
    took = iter([0.01, *seconds, *seconds])  # together they take so long that each sample is timed
    assert plan_from(lambda _rows: next(took)) == FAST_PLAN


def test_the_time_to_connect_does_not_change_the_plan() -> None:
    took = iter([5.0, *[0.01] * 8])
    assert plan_from(lambda _rows: next(took)).pages == FAST_PLAN.pages


def test_few_clients_are_sampled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    services = a_services(some_clients(90))
    samples: list[list[KeyRange]] = []
    sample = services.clients.sample

    def noted(selection: ClientSelection, key_ranges: Iterable[KeyRange], rows_of_each: int) -> Iterator[list[Row]]:
        samples.append(list(key_ranges))
        return sample(selection, samples[-1], rows_of_each)

    monkeypatch.setattr(services.clients, "sample", noted)
    plan(services)
    assert samples == [[KeyRange()]]


def test_few_clients_get_one_page_even_if_they_are_slow() -> None:
    services = a_services(some_clients(300))
    services.clients.take_time = lambda rows: services.now.advance(seconds=rows * 1.0)
    assert plan(services).pages == 1


def test_pages_are_sized_by_bytes_if_that_makes_them_shorter() -> None:
    """At three milliseconds a client a page could hold 8,000 clients, but its block is full before."""
    assert plan_from(lambda rows: 0.003 * rows) == FAST_PLAN


@pytest.mark.parametrize("client_seconds", [0.000_01, 0.01])
def test_a_clock_that_is_set_does_not_change_the_plan(client_seconds: float) -> None:
    expected = plan_from(lambda rows: client_seconds * rows)
    for seconds_set in (600, -600):
        assert plan_with_clock_set_by(seconds_set, client_seconds) == expected
