"""Plans are read once and cached, within a limit for the memory of a process."""

from __future__ import annotations

from exports.file.plan import MAX_BLOCKS, PagePlan
from exports.request.columns import ALL_COLUMNS
from exports.request.spec import ExportSpec
from exports.steps.finalize.commit_file import commit_file
from exports.steps.pages.plan_cache import MAX_CACHED_STARTS, PlanCache
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.write_page import write_page
from exports.workflow.commands import PlanPages, WritePage
from exports.workflow.outcomes import Done, PagesPlanned
from tests.support.fakes import a_services
from tests.support.steps import a_planned_job, a_stored_job, some_clients, write_pages

SPEC = ExportSpec(columns=ALL_COLUMNS)


def a_plan(pages: int) -> PagePlan:
    return PagePlan(spec=SPEC, total_rows=pages, starts=("C",) * (pages - 1))


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


def test_the_least_recently_used_plan_is_dropped_first() -> None:
    services, plans = a_services(), PlanCache()
    fitting = MAX_CACHED_STARTS // (MAX_BLOCKS + 100)

    for number in range(fitting):
        plans.add((services, "t", f"{number}", 1), a_plan(MAX_BLOCKS))
    assert len(plans) == fitting
    assert plans.get((services, "t", "0", 1)) is not None
    plans.add((services, "t", "one more", 1), a_plan(MAX_BLOCKS))

    assert len(plans) == fitting
    assert plans.get((services, "t", "0", 1)) is not None
    assert plans.get((services, "t", "1", 1)) is None


def test_the_number_of_small_plans_is_bounded() -> None:
    services, plans = a_services(), PlanCache()
    plan = a_plan(1)

    for number in range(3_000):
        plans.add((services, "t", f"{number}", 1), plan)

    assert len(plans) == MAX_CACHED_STARTS // 100


def test_a_plan_that_is_added_again_counts_once() -> None:
    services, plans = a_services(), PlanCache()

    for _ in range(10):
        plans.add((services, "t", "same", 1), a_plan(MAX_BLOCKS))
    plans.add((services, "t", "other", 1), a_plan(MAX_BLOCKS))

    assert len(plans) == 2
