"""A step that reads only a part of what a source gives has released its connection when it ends."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import event

from exports.adapters.clients_sql.engines import make_engine
from exports.adapters.clients_sql.source import SqlClientSource
from exports.adapters.clients_sql.sql.address import parse_url
from exports.errors import SourceMismatchError, StorageUnavailableError
from exports.file.block_buffer import BlockBuffer
from exports.file.plan import PagePlan
from exports.jobs.job import Job
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.selection import renderer_for, select_clients
from exports.steps.pages.write_page import write_page
from exports.workflow.commands import PlanPages, WritePage
from tests.contract.sqlite_files import SqliteFile
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_stored_job

CLIENTS = 400
UNREADABLE = b"\xff"
"""A BLOB, which no cell can show."""


@pytest.fixture
def collector_is_off() -> Iterator[None]:
    """The garbage collector would close what a step has left open."""
    gc.disable()
    yield
    gc.enable()


def plan_job(services: MemoryServices, job: Job) -> None:
    plan_pages(services, PlanPages(job=job.ref, target_bytes=65_536))


def render_samples(services: MemoryServices, job: Job) -> None:
    renderer = renderer_for(job.spec)
    selection = select_clients(job.tenant, job.spec, renderer)
    list(services.clients.render_samples(selection, ["C000", "C100"], 50, renderer))


@dataclass
class OpenSource:
    """Services that read a SQLite file, and the connections that are open to it."""

    services: MemoryServices
    connections: list[object]


def opened(path: Path, names: Sequence[object]) -> OpenSource:
    """Open a file of clients with these names."""
    file = SqliteFile(path)
    file.fill([{"code": f"C{number:03}", "name": name} for number, name in enumerate(names)], TENANT)
    engine = make_engine(parse_url(f"sqlite:///{file.path}"))
    connections: list[object] = []
    event.listen(engine, "connect", lambda connection, _: connections.append(connection))
    event.listen(engine, "close", lambda connection, _: connections.remove(connection))
    services = a_services()
    object.__setattr__(services, "clients", SqlClientSource(engine))
    return OpenSource(services, connections)


@pytest.mark.usefixtures("collector_is_off")
@pytest.mark.parametrize(("act", "bad"), [(plan_job, 3), (render_samples, 3)])
def test_a_reading_that_fails_releases_its_connection_though_its_error_is_kept(
    tmp_path: Path, act: Callable[[MemoryServices, Job], None], bad: int
) -> None:
    source = opened(tmp_path / "clients.sqlite", [UNREADABLE if n == bad else f"Client {n}" for n in range(CLIENTS)])

    with pytest.raises(SourceMismatchError) as kept:
        act(source.services, a_stored_job(source.services))

    assert "name" in str(kept.value)
    assert source.connections == []


@pytest.mark.usefixtures("collector_is_off")
def test_a_page_that_fails_outside_its_source_releases_the_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = opened(tmp_path / "clients.sqlite", [f"Client {number}" for number in range(CLIENTS)])
    job = a_stored_job(source.services)
    plan = PagePlan(spec=job.spec, total_rows=CLIENTS, starts=())
    source.services.files.save_plan(job.ref, plan.model_dump_json(by_alias=True).encode())
    job = source.services.jobs.change(job.tenant, job.code, lambda job: job.begin(source.services.now()).plan(CLIENTS))

    def fail(*_: object) -> None:
        assert source.connections
        raise StorageUnavailableError("No room.")

    monkeypatch.setattr(BlockBuffer, "add", fail)
    with pytest.raises(StorageUnavailableError) as kept:
        write_page(source.services, WritePage(job=job.ref, page=0))

    assert str(kept.value) == "No room."
    assert source.connections == []
