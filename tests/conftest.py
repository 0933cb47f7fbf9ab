"""What every test may ask for: a real storage emulator, started once and stopped for sure."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import dev


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dev.Azurite]:
    """Blob and Table Storage on free ports of this machine, empty at the start of the session."""
    emulator = dev.start_azurite(tmp_path_factory.mktemp("azurite"))
    yield emulator
    emulator.stop()
