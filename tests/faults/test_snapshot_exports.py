"""An export of a snapshot shows one moment, at 1,000 changes a second and whatever is killed meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from exports.commands.sample.database import create_sample_database
from tests.contract.client_stores import empty_schema
from tests.faults.conftest import AppVariant, StartSystem
from tests.support.expected import records
from tests.support.moving_amounts import MovingAmounts
from tests.support.postgres import PostgresServer, postgres_server
from tests.support.system import NORTHWIND, System, download

pytestmark = pytest.mark.thorough

CLIENTS = 6_000
SMALL_PAGES = {"EXPORT_BLOCK_BYTES": "1024", "EXPORT_WAVE_PAGES": "2"}
COLUMNS = [{"csvHeader": name, "targetField": name} for name in ("Code", "InternalReference")]
ORDINARY = {"columnMappings": COLUMNS}
SNAPSHOT = {**ORDINARY, "consistency": "snapshot"}


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    path = tmp_path / "changing.sqlite"
    create_sample_database(f"sqlite:///{path}", CLIENTS, (NORTHWIND,), seed=1)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgres_url: str) -> Iterator[str]:
    with empty_schema(postgres_url) as schema:
        create_sample_database(_plain(schema.render_as_string(hide_password=False)), CLIENTS, (NORTHWIND,), seed=1)
        yield schema.render_as_string(hide_password=False)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with postgres_server() as started:
        yield started


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def moving(url: str) -> Iterator[MovingAmounts]:
    with engine_of(url) as engine:
        with engine.connect() as connection:
            codes = [code for (code,) in connection.execute(text("SELECT code FROM client_records"))]
        with MovingAmounts(engine, NORTHWIND, codes) as writer:
            yield writer


def sum_of(job: Any) -> int:
    assert job["status"] == "Completed", job
    rows = records(download(job))[1:]
    assert len({code for code, _ in rows}) == len(rows) == job["totalItems"] == CLIENTS
    return sum(int(amount) for _, amount in rows)


def part_way(job: Any) -> bool:
    return bool(0 < job["processedItems"] < CLIENTS)


both = pytest.mark.parametrize("database", ["sqlite_url", "postgresql_url"])


@both
def test_an_export_of_a_snapshot_shows_one_moment_and_an_ordinary_one_does_not(
    start_system: StartSystem, database: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(database)
    system = start_system(CLIENTS_DATABASE_URL=url, **SMALL_PAGES)
    with moving(url) as writer:
        for _ in range(3):
            before = writer.changes
            location = system.start_async(SNAPSHOT)
            job = system.wait(location)
            assert sum_of(job) == writer.total
            assert writer.changes > before
        ordinary = {sum_of(system.wait(system.start_async(ORDINARY))) for _ in range(3)}
    assert ordinary != {writer.total}, "the writer breaks no ordinary export"
    assert "at one moment" in job["consistency"]
    manifest = system.call("GET", f"{location}/manifest").json
    assert len(manifest["pages"]) > 5
    assert manifest["request"]["consistency"] == "snapshot"
    assert manifest["snapshot"]["moment"] == job["snapshotDate"]
    assert ("token" in manifest["snapshot"]) == (database == "postgresql_url")


def restart_host(system: System) -> None:
    system.kill_host()
    system.start()


KILLS: dict[str, Callable[[System], object]] = {
    "workers": System.kill_all_workers,
    "host": restart_host,
}


@both
@pytest.mark.parametrize("killed", KILLS)
def test_an_export_whose_holder_is_killed_shows_one_later_moment(
    start_system: StartSystem,
    app_with_slow_snapshots: AppVariant,
    database: str,
    killed: str,
    request: pytest.FixtureRequest,
) -> None:
    url = request.getfixturevalue(database)
    root, settings = app_with_slow_snapshots
    system = start_system(root, CLIENTS_DATABASE_URL=url, **SMALL_PAGES, **settings)
    with moving(url) as writer:
        location = system.start_async(SNAPSHOT)
        first = system.wait(location, part_way)
        KILLS[killed](system)
        job = system.wait(location)
        assert sum_of(job) == writer.total
    assert job["snapshotDate"] > first["snapshotDate"]
    manifest = system.call("GET", f"{location}/manifest").json
    assert {page["attempt"] for page in manifest["pages"]} == {manifest["attempt"]} != {1}
    assert system.log.count("event=snapshot.lost") >= 1


def test_an_export_whose_database_is_restarted_shows_one_later_moment(
    start_system: StartSystem, app_with_slow_snapshots: AppVariant, server: PostgresServer
) -> None:
    url = server.url()
    create_sample_database(_plain(url), CLIENTS, (NORTHWIND,), seed=1)
    root, settings = app_with_slow_snapshots
    system = start_system(root, CLIENTS_DATABASE_URL=url, **SMALL_PAGES, **settings)
    with moving(url) as writer:
        location = system.start_async(SNAPSHOT)
        first = system.wait(location, part_way)
    server.kill()
    server.restart()
    with engine_of(url) as engine, engine.connect() as connection:
        found = connection.execute(text("SELECT sum(internal_reference::int) FROM client_records")).scalar()
    assert found == writer.total

    job = system.wait(location)
    assert sum_of(job) == writer.total
    assert job["snapshotDate"] > first["snapshotDate"]


def test_a_cancelled_export_of_a_snapshot_lets_go_of_the_database(
    start_system: StartSystem, app_with_slow_snapshots: AppVariant, postgresql_url: str
) -> None:
    root, settings = app_with_slow_snapshots
    system = start_system(root, CLIENTS_DATABASE_URL=postgresql_url, **SMALL_PAGES, **settings)
    location = system.start_async(SNAPSHOT)
    system.wait(location, part_way)
    holders = text("SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()")
    with engine_of(postgresql_url) as engine, engine.connect() as connection:

        def held() -> int:
            connection.rollback()
            return int(connection.execute(holders).scalar_one())

        assert held() > 0
        system.call("DELETE", location)
        system.wait_until(lambda: held() == 0)
    assert system.job(location)["status"] == "Cancelled"


def test_a_snapshot_of_a_database_that_has_none_is_refused(start_system: StartSystem) -> None:
    system = start_system(healthy=False, CLIENTS_DATABASE_URL="azure-tables:///clients")
    system.wait_for_any_response()
    response = system.start_export(SNAPSHOT)
    assert response.status == 400
    (error,) = response.json["errors"]
    assert error["pointer"] == "/consistency"
    assert "Table Storage" in error["detail"]
