"""Fixtures for all tests: storage, database servers and a whole system, started on first use and always stopped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from devhost.local.azurite import Azurite
from devhost.local.checks import under_ci
from devhost.local.engine_program import HOW_TO_GET, executable, find
from exports.adapters.clients_sql.dialects.mssql_driver import why_not_loaded
from tests.support.bytecode import discard_temporary_bytecode, keep_bytecode
from tests.support.case_counts import case_outcomes, describe_cases
from tests.support.leaks import dropped_records, leaks_in_log, secrets_of
from tests.support.mariadb import HOW_TO_INSTALL, find_program, mariadb_server
from tests.support.postgres import postgres_server
from tests.support.system import System, running_system, sample_database, start_storage
from tests.support.tds_process import TdsProcess

CLIENTS = 6_000

keep_bytecode()  # before pytest imports other tests, and starts the processes of a parallel run


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the first process of a parallel run ends last
        discard_temporary_bytecode()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many test functions and cases ran. `dev.py test` repeats this line at its end."""
    if outcomes := case_outcomes(terminalreporter.stats):
        terminalreporter.write_line(describe_cases(outcomes))


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """A storage emulator for tests that give their tables and containers unique names. No system uses it."""
    emulator = start_storage(tmp_path_factory.mktemp("azurite"))
    yield emulator
    emulator.stop()


@pytest.fixture(scope="session")
def engine_program() -> Path:
    """The program with the real Durable extension. Without it the test is skipped, which under CI is a failure."""
    found = find()
    if found is None:
        pytest.skip(HOW_TO_GET)
    return executable(found)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL server: the one in `TEST_POSTGRES_URL`, or else one that this session starts."""
    if given := os.environ.get("TEST_POSTGRES_URL"):
        yield given
        return
    with postgres_server() as server:
        yield server.url()


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """The URL of a MariaDB server: the one in `TEST_MARIADB_URL`, or else one that this session starts.

    Skips the test if MariaDB is not installed; under CI the test fails instead.
    """
    if given := os.environ.get("TEST_MARIADB_URL"):
        yield given
        return
    if find_program("mariadbd") is None and not under_ci():
        pytest.skip(HOW_TO_INSTALL)
    with mariadb_server() as url:
        yield url


@pytest.fixture(scope="session")
def tds() -> Iterator[TdsProcess]:
    """The process that stands for servers of Azure SQL.

    Skips the test if the driver cannot be loaded on this machine; under CI the test fails instead.
    """
    if reason := why_not_loaded():
        (pytest.fail if under_ci() else pytest.skip)(reason)
    process = TdsProcess()
    yield process
    process.stop()


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database of sample clients: three quarters belong to `northwind`, one quarter to `harbour`."""
    return sample_database(tmp_path_factory.mktemp("clients"), CLIENTS)


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[System]:
    """A running, healthy system. At the end of the session its log must contain no secret and no client data, and all
    records that the service has made.

    All tests of one process share it, in any order, so its quotas are high enough for all of them together.
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
        running.stop()  # so that the log ends as that of a deployment does
    leaks = leaks_in_log(running.log, secrets_of(running.settings), database_url)
    assert not leaks, f"the log of the session contains {leaks[:5]}"
    assert dropped_records(running.log) == []
