"""What the suites of storage ports share: one storage account, and one that nobody listens on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import dev
from shared import storage
from shared.storage import StorageAccount


@pytest.fixture(scope="session")
def account(azurite: dev.Azurite) -> Iterator[StorageAccount]:
    """The emulator as a storage account."""
    account = StorageAccount(azurite.connection_string)
    yield account
    account.blobs.close()
    account.tables.close()


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> StorageAccount:
    """An account behind a closed port, asked once: the pauses of the SDK's own retries are not what is tested."""
    monkeypatch.setattr(storage, "_BLOB_OPTIONS", {"retry_total": 0})
    monkeypatch.setattr(storage, "_TABLE_OPTIONS", {"retry_total": 0})
    port = dev.free_port()
    return StorageAccount(dev.connection_string(port, port, port))
