"""Starts the whole service on a database of each kind, whose view tests change as they like."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from tests.contract.client_stores import empty_database
from tests.sources.service import Service
from tests.support.system import running_system

SETTINGS = {"EXPORT_BLOCK_BYTES": "4096", "EXPORT_MAX_ACTIVE_JOBS": "1000", "EXPORT_MAX_JOBS_PER_DAY": "10000"}
"""Small blocks, so that a thousand clients are several pages."""


@pytest.fixture(scope="session", params=["postgresql", "mysql", "sqlite"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service on an empty database: PostgreSQL in the encoding LATIN1, MariaDB, SQLite."""
    directory = tmp_path_factory.mktemp(request.param)
    with _database(request, directory) as url, running_system(directory, url, SETTINGS, healthy=False) as system:
        opened = Service(request.param, system, url)
        yield opened
        opened.close()


@contextmanager
def _database(request: pytest.FixtureRequest, directory: Path) -> Iterator[str]:
    if request.param == "sqlite":
        path = directory / "clients.sqlite"
        path.touch()
        yield f"sqlite:///{path}"
    elif request.param == "mysql":
        with empty_database(request.getfixturevalue("mariadb_url")) as url:
            yield url.render_as_string(hide_password=False)
    else:
        with _in_latin1(request.getfixturevalue("postgres_url")) as text:
            yield text


@contextmanager
def _in_latin1(server: str) -> Iterator[str]:
    url = make_url(server).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS in_latin1 WITH (FORCE)")
        connection.exec_driver_sql(
            "CREATE DATABASE in_latin1 TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    try:
        yield url.set(database="in_latin1").render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql("DROP DATABASE IF EXISTS in_latin1 WITH (FORCE)")
        admin.dispose()
