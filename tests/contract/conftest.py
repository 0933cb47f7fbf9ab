"""Shared fixtures: a storage account, one that does not respond, and empty stores of clients and of files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine

from devhost.local.azurite import Azurite, connection_string
from exports.adapters.clients_sql import view_report
from exports.adapters.clients_sql.dialects import postgresql_plans
from exports.adapters.clients_sql.inspection.time_limit import TimeLimit
from exports.adapters.storage.files import BlobFileStore
from exports.ports.files import FileStore
from shared import storage
from shared.storage import StorageAccount
from tests.contract import client_stores, file_stores
from tests.contract.client_stores import MemoryStore, SqlStore, TableStore
from tests.contract.file_stores import Harness
from tests.support.closed_port import closed_port


@pytest.fixture(scope="session")
def account(azurite: Azurite) -> Iterator[StorageAccount]:
    """Provide the storage emulator as a storage account."""
    account = StorageAccount(azurite.connection_string)
    yield account
    account.blobs.close()
    account.tables.close()


@pytest.fixture
def unreachable_storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The connection string of an account behind a closed port.

    The SDK's retries are off, because their pauses would only slow the tests down.
    """
    monkeypatch.setattr(storage, "_BLOB_OPTIONS", {"retry_total": 0})
    monkeypatch.setattr(storage, "_TABLE_OPTIONS", {"retry_total": 0})
    with closed_port() as port:
        yield connection_string(port, port, port)


@pytest.fixture
def unreachable(unreachable_storage: str) -> StorageAccount:
    """Return the account of `unreachable_storage`."""
    return StorageAccount(unreachable_storage)


@pytest.fixture
def blob_files(account: StorageAccount) -> BlobFileStore:
    """Return an empty file store in the emulator."""
    return file_stores.empty_container(account)


@pytest.fixture(params=["memory", "azurite"])
def harness(request: pytest.FixtureRequest) -> Harness:
    """Return an empty file store with two views of it from outside: first the fake, then a store in the emulator."""
    if request.param == "memory":
        return file_stores.memory_harness()
    return file_stores.blob_harness(request.getfixturevalue("blob_files"), request.getfixturevalue("account"))


@pytest.fixture
def files(harness: Harness) -> FileStore:
    return harness.files


@pytest.fixture(scope="session")
def postgres_engine(postgres_url: str) -> Iterator[Engine]:
    engine = client_stores.server_engine(postgres_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def mariadb_engine(mariadb_url: str) -> Iterator[Engine]:
    engine = client_stores.server_engine(mariadb_url)
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_schema(postgres_url: str, postgres_engine: Engine) -> Iterator[URL]:
    """Create an empty schema in a PostgreSQL database."""
    with client_stores.empty_schema(postgres_url, postgres_engine) as schema:
        yield schema


@pytest.fixture
def postgres_store(postgres_schema: URL) -> Iterator[SqlStore]:
    with client_stores.postgres_store(postgres_schema) as store:
        yield store


@pytest.fixture
def skip_scan_postgres_store(postgres_schema: URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlStore]:
    monkeypatch.setattr(postgresql_plans, "MIN_SKIP_SCAN_ROWS", 0)
    with client_stores.skip_scan_postgres_store(postgres_schema) as store:
        yield store


@pytest.fixture
def mariadb_database(mariadb_url: str, mariadb_engine: Engine) -> Iterator[URL]:
    """Create an empty database on a MariaDB server."""
    with client_stores.empty_database(mariadb_url, mariadb_engine) as database:
        yield database


@pytest.fixture
def mariadb_store(mariadb_database: URL) -> Iterator[SqlStore]:
    with client_stores.mariadb_store(mariadb_database) as store:
        yield store


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[SqlStore]:
    with client_stores.sqlite_store(tmp_path) as store:
        yield store


@pytest.fixture
def memory_store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def table_store(azurite: Azurite, unreachable_storage: str) -> Iterator[TableStore]:
    with closing(TableStore(azurite.connection_string, unreachable_storage)) as store:
        yield store


class UnhurriedLimit(TimeLimit):
    """Gives a busy machine twenty times as long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(20 * seconds)

    @contextmanager
    def part(self, seconds: float) -> Iterator[None]:
        with super().part(20 * seconds):
            yield


@pytest.fixture
def unhurried_view_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `view check` find out all that it looks for, however busy the machine is."""
    monkeypatch.setattr(view_report, "TimeLimit", UnhurriedLimit)
