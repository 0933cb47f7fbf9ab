"""Starts the whole service on a database of each kind, whose view tests change as they like."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url

from tests.contract.client_stores import empty_database
from tests.sources.service import Service
from tests.support.system import running_system

SETTINGS = {"EXPORT_BLOCK_BYTES": "4096", "EXPORT_MAX_ACTIVE_JOBS": "1000", "EXPORT_MAX_JOBS_PER_DAY": "10000"}
"""Small blocks, so that a thousand clients are several pages."""


@pytest.fixture(scope="session")
def on_postgresql(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Service]:
    with _in_latin1(postgres_url) as url, _running("postgresql", url, tmp_path_factory) as service:
        yield service


@pytest.fixture(scope="session")
def on_mysql(tmp_path_factory: pytest.TempPathFactory, mariadb_url: str) -> Iterator[Service]:
    with (
        empty_database(mariadb_url) as url,
        _running("mysql", url.render_as_string(hide_password=False), tmp_path_factory) as service,
    ):
        yield service


@pytest.fixture(scope="session")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    path = tmp_path_factory.mktemp("clients") / "clients.sqlite"
    path.touch()
    with _running("sqlite", f"sqlite:///{path}", tmp_path_factory) as service:
        yield service


@pytest.fixture(params=["postgresql", "mysql", "sqlite"])
def service(request: pytest.FixtureRequest) -> Service:
    """The service on PostgreSQL in the encoding LATIN1, on MariaDB and on SQLite, with an empty database at first."""
    opened: Service = request.getfixturevalue(f"on_{request.param}")
    return opened


@contextmanager
def _running(dialect: str, url: str, folders: pytest.TempPathFactory) -> Iterator[Service]:
    with running_system(folders.mktemp(dialect), url, SETTINGS, healthy=False, workers=1) as system:
        service = Service(dialect, system, url)
        yield service
        service.close()


@contextmanager
def _in_latin1(server: str) -> Iterator[str]:
    url = make_url(server).set(drivername="postgresql+psycopg")
    name = f"test_{uuid4().hex}"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        admin.dispose()
