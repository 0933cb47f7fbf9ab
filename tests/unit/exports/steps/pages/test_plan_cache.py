"""Plans are read once and cached, within a limit for the memory of a process."""

from __future__ import annotations

import tracemalloc

from exports.file.plan import MAX_BLOCKS, PagePlan
from exports.request.columns import ALL_COLUMNS
from exports.request.spec import ExportSpec
from exports.steps.finalize.commit_file import commit_file
from exports.steps.pages.plan_cache import MAX_CACHED_BYTES, PlanCache, load_plan
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.write_page import write_page
from exports.workflow.commands import PlanPages, WritePage
from exports.workflow.outcomes import Done, PagesPlanned
from tests.support.fakes import a_services
from tests.support.steps import a_planned_job, a_stored_job, some_clients, write_pages

SPEC = ExportSpec(columns=ALL_COLUMNS)


PLAN = PagePlan(spec=SPEC, total_rows=1, starts=())


def test_a_plan_is_read_once_for_all_pages() -> None:
    services = a_services(some_clients(20))
    job = a_planned_job(services, tuple(f"C{number:04d}" for number in range(3, 20, 2)))
    loads = services.files.plan_loads

    for page in range(10):
        write_page(services, WritePage(job=job.ref, page=page))

    assert services.files.plan_loads == loads + 1


def test_the_process_that_planned_a_job_does_not_read_its_plan() -> None:
    services = a_services(some_clients(5))
    job = a_stored_job(services)
    planned = plan_pages(services, PlanPages(job=job.ref, target_bytes=1_000))
    assert isinstance(planned, PagesPlanned)
    assert commit_file(services, write_pages(services, job, planned.pages)) == Done(ended=True)
    assert services.files.plan_loads == 0


def test_the_plan_of_an_ended_job_is_dropped() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services, ("C0003",))
    commit_file(services, write_pages(services, job, 2))
    loads = services.files.plan_loads

    load_plan(services, job.ref)

    assert services.files.plan_loads == loads + 1


def test_the_least_recently_used_plan_is_dropped_first() -> None:
    services, plans = a_services(), PlanCache()
    keys = [(services, "t", f"{number}", 1) for number in range(5)]

    for key in keys[:4]:
        plans.add(key, PLAN, MAX_CACHED_BYTES // 4)
    assert plans.get(keys[0]) is PLAN
    plans.add(keys[4], PLAN, MAX_CACHED_BYTES // 4)

    assert [plans.get(key) is PLAN for key in keys] == [True, False, True, True, True]


def test_a_plan_larger_than_the_cache_is_kept_alone() -> None:
    services, plans = a_services(), PlanCache()
    small, large = (services, "t", "small", 1), (services, "t", "large", 1)

    plans.add(small, PLAN, 1)
    plans.add(large, PLAN, MAX_CACHED_BYTES * 3)

    assert (plans.get(small), plans.get(large), len(plans)) == (None, PLAN, 1)


def test_a_plan_weighs_no_less_than_it_takes_in_memory() -> None:
    for pages in (1, MAX_BLOCKS):
        plan = PagePlan(spec=SPEC, total_rows=pages, starts=tuple(f"C{n:08d}" for n in range(pages - 1)))
        document = plan.model_dump_json().encode()
        tracemalloc.start()
        parsed = PagePlan.model_validate_json(document)
        bytes_in_memory = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert parsed == plan
        assert bytes_in_memory <= len(document) * 8 <= 3 * bytes_in_memory
