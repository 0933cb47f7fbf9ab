"""A step that reads only a part of what a source gives has released its connection when it ends."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from exports.adapters.clients_sql.engines import make_engine
from exports.adapters.clients_sql.source import SqlClientSource
from exports.adapters.clients_sql.sql.address import parse_url
from exports.errors import SourceMismatchError
from exports.jobs.job import Job
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.selection import renderer_for, select_clients
from exports.steps.pages.write_page import write_page
from exports.workflow.commands import PlanPages, WritePage
from tests.contract.sqlite_files import SqliteFile
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_planned_job, a_stored_job

CLIENTS = 400
UNREADABLE = b"\xff"
"""A BLOB, which no cell can show."""


@pytest.fixture
def collector_is_off() -> Iterator[None]:
    """The garbage collector would close what a step has left open."""
    gc.disable()
    yield
    gc.enable()


def plan(services: MemoryServices, job: Job) -> None:
    plan_pages(services, PlanPages(job=job.ref, target_bytes=65_536))


def write(services: MemoryServices, job: Job) -> None:
    write_page(services, WritePage(job=job.ref, page=0))


def render_samples(services: MemoryServices, job: Job) -> None:
    renderer = renderer_for(job.spec)
    selection = select_clients(job.tenant, job.spec, renderer)
    list(services.clients.render_samples(selection, ["C000", "C100"], 50, renderer))


@pytest.mark.usefixtures("collector_is_off")
@pytest.mark.parametrize(("act", "bad"), [(plan, 3), (write, 100), (render_samples, 3)])
def test_a_reading_that_fails_releases_its_connection_though_its_error_is_kept(
    tmp_path: Path, act: Callable[[MemoryServices, Job], None], bad: int
) -> None:
    file = SqliteFile(tmp_path / "clients.sqlite")
    names = [UNREADABLE if number == bad else f"Client {number}" for number in range(CLIENTS)]
    file.fill([{"code": f"C{number:03}", "name": name} for number, name in enumerate(names)], TENANT)
    engine = make_engine(parse_url(f"sqlite:///{file.path}"))
    opened: list[str] = []
    event.listen(engine, "connect", lambda *_: opened.append("opened"))
    event.listen(engine, "close", lambda *_: opened.remove("opened"))
    services = a_services()
    job = a_planned_job(services, starts=()) if act is write else a_stored_job(services)
    object.__setattr__(services, "clients", SqlClientSource(engine))

    with pytest.raises(SourceMismatchError) as kept:
        act(services, job)

    assert "name" in str(kept.value)
    assert opened == []
