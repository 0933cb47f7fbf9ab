"""A fixture for the tests of the storage emulator and its proxy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.storage import Storage


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    running = Storage(tmp_path_factory.mktemp("storage"))
    running.account.tables.create_table("things")
    running.account.blobs.create_container("things")
    yield running
    running.stop()
