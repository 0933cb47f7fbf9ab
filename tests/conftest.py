"""What every test may ask for: real storage and a real database, started when first asked for and stopped for sure."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from devhost.local.azurite import Azurite
from devhost.local.checks import under_ci
from tests.support.mariadb import WHERE_TO_GET_IT, find_program, mariadb_server
from tests.support.postgres import postgres_server
from tests.support.system import start_storage


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Blob and Table Storage on free ports of this machine, with nothing but the keys of tests in it."""
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
