"""One running system for all end-to-end tests: 6,000 clients, pages of 500, waves of 4 pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devhost.local.azurite import Azurite
from tests.support.leaks import leaks_in_log, secrets_of
from tests.support.system import System, app_settings, sample_database

CLIENTS = 6_000


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Sample clients: three quarters belong to `northwind`, one to `harbour`."""
    return sample_database(tmp_path_factory.mktemp("clients"), CLIENTS)


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory, azurite: Azurite, database_url: str) -> Iterator[System]:
    """The system, running and healthy; in the end its log must hold no secret and nothing of clients."""
    settings = app_settings(
        azurite.connection_string,
        database_url,
        EXPORT_BLOCK_BYTES="65536",
        EXPORT_WAVE_PAGES="4",
        EXPORT_WEBHOOK_SECRET="a-secret-of-tests-of-32-characters-or-more",
    )
    running = System(tmp_path_factory.mktemp("system"), settings)
    try:
        running.start_and_wait()
        yield running
    finally:
        running.stop()
    leaks = leaks_in_log(running.log, secrets_of(settings), database_url)
    assert not leaks, f"the log of the whole session shows {leaks[:5]}"
