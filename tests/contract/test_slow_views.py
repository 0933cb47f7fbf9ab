"""Pages are short if a view is slow for every client, but not if only its statements are slow to start."""

from __future__ import annotations

import time
from dataclasses import fields

import pytest

from exports.file import plan as page_plan
from exports.file.plan import PagePlan
from exports.request.fields import VIEW_COLUMNS
from exports.services import Services
from exports.steps.pages.plan_pages import plan_pages
from exports.workflow.commands import PlanPages
from exports.workflow.outcomes import PagesPlanned
from tests.contract.client_stores import TENANT, SqlStore, client
from tests.support.fakes import a_services
from tests.support.steps import a_stored_job

CLIENTS = 3_000


def plan(store: SqlStore) -> PagePlan:
    memory = a_services()
    job = a_stored_job(memory, tenant=TENANT)
    members = {field.name: getattr(memory, field.name) for field in fields(memory)}
    services = Services(**{**members, "clients": store.source, "clock": time.monotonic})
    assert isinstance(plan_pages(services, PlanPages(job=job.ref, target_bytes=10**6)), PagesPlanned)
    return PagePlan.model_validate_json(services.files.load_plan(job.ref))


def replace_name(store: SqlStore, name: str) -> None:
    others = ", ".join(column for column in VIEW_COLUMNS if column != "name")
    store.replace_view(f"SELECT {others}, {name} AS name FROM client_records")


@pytest.fixture
def store(postgres_store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> SqlStore:
    """A store whose view can be slowed down, for each client or once for all. Three seconds of reading make a page."""
    monkeypatch.setattr(page_plan, "PAGE_SECONDS", 3.0)
    postgres_store.put(*(client(f"C{number:05d}") for number in range(CLIENTS)))
    postgres_store.execute("ANALYZE client_records")
    postgres_store.execute(
        "CREATE FUNCTION slowly(value text, seconds float8) RETURNS text STABLE LANGUAGE plpgsql"
        " AS 'BEGIN PERFORM pg_sleep(seconds); RETURN value; END'"
    )
    return postgres_store


def test_a_view_that_is_slow_for_every_client_gets_short_pages(store: SqlStore) -> None:
    replace_name(store, "slowly(code, 0.004)")
    planned = plan(store)
    assert planned.total_rows == CLIENTS
    assert planned.pages >= 3


def test_a_view_that_is_slow_only_at_the_start_gets_pages_of_usual_length(store: SqlStore) -> None:
    replace_name(store, "(SELECT slowly('x', 0.3))")
    assert plan(store).pages == 1
