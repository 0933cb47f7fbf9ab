"""What every test may ask for: real storage, databases, a system; started when first asked for, stopped for sure."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from devhost.local.azurite import Azurite
from devhost.local.checks import under_ci
from tests.support.leaks import leaks_in_log, secrets_of
from tests.support.mariadb import WHERE_TO_GET_IT, find_program, mariadb_server
from tests.support.postgres import postgres_server
from tests.support.system import System, running_system, sample_database, start_storage

CLIENTS = 6_000


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Blob and Table Storage for tests whose tables and containers have names of their own; no system runs on it."""
    emulator = start_storage(tmp_path_factory.mktemp("azurite"))
    yield emulator
    emulator.stop()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server: the one `TEST_POSTGRES_URL` names, else one of this session's own."""
    if given := os.environ.get("TEST_POSTGRES_URL"):
        yield given
        return
    with postgres_server() as server:
        yield server.url()


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """A MariaDB server: the one `TEST_MARIADB_URL` names, else one of this session's own, if this machine has it."""
    if given := os.environ.get("TEST_MARIADB_URL"):
        yield given
        return
    if find_program("mariadbd") is None and not under_ci():
        pytest.skip(WHERE_TO_GET_IT)
    with mariadb_server() as url:
        yield url


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Sample clients: three quarters belong to `northwind`, one to `harbour`."""
    return sample_database(tmp_path_factory.mktemp("clients"), CLIENTS)


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[System]:
    """The system, running and healthy; in the end its log must hold no secret and nothing of clients.

    All tests of one process share it, in any order, so there is no limit to what they start.
    """
    directory = tmp_path_factory.mktemp("system")
    with running_system(
        directory,
        database_url,
        {
            "EXPORT_BLOCK_BYTES": "65536",
            "EXPORT_WAVE_PAGES": "4",
            "EXPORT_MAX_ACTIVE_JOBS": "1000",
            "EXPORT_MAX_JOBS_PER_DAY": "100000",
            "EXPORT_WEBHOOK_SECRET": "a-secret-of-tests-of-32-characters-or-more",
        },
    ) as running:
        yield running
    leaks = leaks_in_log(running.log, secrets_of(running.settings), database_url)
    assert not leaks, f"the log of the whole session shows {leaks[:5]}"
