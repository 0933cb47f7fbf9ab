"""Systems for breaking: 12,000 clients in pages of 500, so that there is always something in flight."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import dev
from tests.support.system import System, app_settings, sample_database

StartSystem = Callable[..., System]


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return sample_database(tmp_path_factory.mktemp("clients"), 12_000)


@pytest.fixture
def start_system(tmp_path: Path, azurite: dev.Azurite, database_url: str) -> Iterator[StartSystem]:
    """Start a system of one's own; app settings may be changed by name. All are stopped afterwards."""
    with ExitStack() as cleanup:

        def start(root: Path = dev.ROOT, *, healthy: bool = True, **changes: str) -> System:
            directory = tmp_path / f"system{len(list(tmp_path.iterdir()))}"
            directory.mkdir()
            many_pages = {"EXPORT_BLOCK_BYTES": "65536", "EXPORT_WAVE_PAGES": "6"}
            settings = app_settings(azurite.connection_string, database_url, **{**many_pages, **changes})
            system = System(directory, settings, root)
            cleanup.callback(system.stop)
            system.start_and_wait() if healthy else system.start()
            return system

        yield start


@pytest.fixture
def doubling_app(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A function app in which every activity runs twice; its folder, and the settings it needs."""
    root = tmp_path / "doubling"
    root.mkdir()
    shutil.copy(dev.ROOT / "host.json", root)
    shutil.copy(Path(__file__).with_name("app_of_doubled_steps.py"), root / "function_app.py")
    return root, {"PYTHONPATH": str(dev.ROOT), "REAL_FUNCTION_APP": str(dev.ROOT / "function_app.py")}
