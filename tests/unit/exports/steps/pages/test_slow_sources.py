"""Pages are shorter where the source is slow, and only there."""

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
"""Some 17 bytes each: five thousand clients to a block, two pages."""


def plan(services: MemoryServices) -> PagePlan:
    job = a_stored_job(services)
    planned = plan_pages(services, PlanPages(job=job.ref, target_bytes=TARGET_BYTES))
    assert isinstance(planned, PagesPlanned)
    return PagePlan.model_validate_json(services.files.load_plan(job.ref))


def plan_from(seconds: Callable[[int], float]) -> PagePlan:
    """Plan where a read of so many clients takes so long."""
    services = a_services(CLIENTS)
    services.clients.take_time = lambda rows: services.now.advance(seconds=seconds(rows))
    return plan(services)


def rows_of_pages(plan: PagePlan) -> list[int]:
    codes = [client["code"] for client in CLIENTS]
    edges = [0, *(codes.index(start) for start in plan.starts), len(codes)]
    return [stop - start for start, stop in pairwise(edges)]


AT_ONCE = plan(a_services(CLIENTS))


def test_pages_are_sized_by_bytes_where_nothing_is_slow() -> None:
    assert AT_ONCE.pages == 2


@pytest.mark.parametrize("client_seconds", [0.0, 0.000_01, 0.001, 0.001_9])
@pytest.mark.parametrize("fixed_seconds", [0.0, 0.003, 0.05, 0.4])
def test_plans_of_usual_sources_are_those_of_the_fastest(client_seconds: float, fixed_seconds: float) -> None:
    """However long every statement takes: to connect, to plan, to sort."""
    assert plan_from(lambda rows: fixed_seconds + client_seconds * rows) == AT_ONCE


@pytest.mark.parametrize("client_seconds", [0.0, 0.001_9])
def test_a_source_that_is_slow_to_begin_gets_no_more_pages(client_seconds: float) -> None:
    assert plan_from(lambda rows: 3.0 + client_seconds * rows).pages == AT_ONCE.pages


def test_a_usual_source_is_asked_for_no_more_samples() -> None:
    services = a_services(CLIENTS)
    services.clients.take_time = lambda rows: services.now.advance(seconds=0.03)
    plan(services)
    assert services.clients.reads == 9


@pytest.mark.parametrize("client_seconds", [0.006, 0.01, 0.02])
@pytest.mark.parametrize("fixed_seconds", [0.0, 0.3, 2.0])
def test_a_page_of_slow_clients_takes_no_longer_than_it_may(client_seconds: float, fixed_seconds: float) -> None:
    pages = rows_of_pages(plan_from(lambda rows: fixed_seconds + client_seconds * rows))
    assert max(pages) * client_seconds <= 1.25 * PAGE_SECONDS
    assert len(pages) <= 1.7 * len(CLIENTS) * client_seconds / PAGE_SECONDS


def test_pages_of_the_slowest_clients_still_have_some() -> None:
    assert min(rows_of_pages(plan_from(lambda rows: rows * 5.0))) >= MIN_PAGE_ROWS


def test_a_few_slow_places_do_not_decide() -> None:
    places = [9.0, 0.01, 0.01, 9.0, 0.01, 0.01, 9.0, 0.01]
    took = iter([0.01, *places, *places])  # altogether they take so long that each is timed
    assert plan_from(lambda _rows: next(took)) == AT_ONCE


def test_the_first_sample_may_have_to_connect() -> None:
    took = iter([5.0, *[0.01] * 8])
    assert plan_from(lambda _rows: next(took)).pages == AT_ONCE.pages


def test_of_few_clients_there_is_one_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    services = a_services(some_clients(90))
    samples: list[list[KeyRange]] = []
    sample = services.clients.sample

    def noted(selection: ClientSelection, key_ranges: Iterable[KeyRange], rows_of_each: int) -> Iterator[list[Row]]:
        samples.append(list(key_ranges))
        return sample(selection, samples[-1], rows_of_each)

    monkeypatch.setattr(services.clients, "sample", noted)
    plan(services)
    assert samples == [[KeyRange()]]


def test_few_clients_are_one_page_however_slow() -> None:
    services = a_services(some_clients(300))
    services.clients.take_time = lambda rows: services.now.advance(seconds=rows * 1.0)
    assert plan(services).pages == 1


def test_pages_by_bytes_stay_where_those_are_the_shorter_ones() -> None:
    """At three milliseconds a client some 8,000 might be in a page; the block is full before."""
    assert plan_from(lambda rows: 0.003 * rows) == AT_ONCE
