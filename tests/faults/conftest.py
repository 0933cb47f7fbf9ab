"""Fixtures for fault tests. Exports have 12,000 clients in pages of 500, so that faults always hit running work."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from devhost.local.azurite import Azurite
from devhost.local.paths import ROOT
from tests.support.system import System, app_settings, sample_database, start_storage

StartSystem = Callable[..., System]
MANY_PAGES = {"EXPORT_BLOCK_BYTES": "65536", "EXPORT_WAVE_PAGES": "6"}


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return sample_database(tmp_path_factory.mktemp("clients"), 12_000)


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """A storage emulator for one test file, so that unfinished work of its systems cannot disturb other files."""
    emulator = start_storage(tmp_path_factory.mktemp("azurite"))
    yield emulator
    emulator.stop()


@pytest.fixture
def start_system(tmp_path: Path, azurite: Azurite, database_url: str) -> Iterator[StartSystem]:
    """Return a function that starts a system; keyword arguments change app settings. All systems are stopped later."""
    with ExitStack() as cleanup:

        def start(root: Path = ROOT, *, healthy: bool = True, workers: int = 2, **changes: str) -> System:
            directory = tmp_path / f"system{len(list(tmp_path.iterdir()))}"
            directory.mkdir()
            settings = app_settings(azurite.connection_string, database_url, **{**MANY_PAGES, **changes})
            system = System(directory, settings, root, workers)
            cleanup.callback(system.discard)
            system.start_and_wait() if healthy else system.start()
            return system

        yield start


AppVariant = tuple[Path, dict[str, str]]
"""The folder of a function app that replaces the real one, and the settings that it needs."""


def app_variant(root: Path, file: str) -> AppVariant:
    """Create a folder with a function app of `tests/faults`."""
    root.mkdir()
    shutil.copy(ROOT / "host.json", root)
    shutil.copy(Path(__file__).with_name(file), root / "function_app.py")
    return root, {"PYTHONPATH": str(ROOT), "REAL_FUNCTION_APP": str(ROOT / "function_app.py")}


@pytest.fixture
def app_with_doubled_steps(tmp_path: Path) -> AppVariant:
    """A function app in which every activity runs twice."""
    return app_variant(tmp_path / "doubled", "app_with_doubled_steps.py")


@pytest.fixture
def app_with_logged_reads(tmp_path: Path) -> AppVariant:
    """A function app that records when it reads clients, in the file that its setting READ_LOG names."""
    root, settings = app_variant(tmp_path / "logged", "app_with_logged_reads.py")
    return root, settings | {"READ_LOG": str(tmp_path / "reads")}


@pytest.fixture
def app_with_held_steps(tmp_path: Path) -> AppVariant:
    """A function app in which tests can hold steps, with files in the folder that its setting HELD_STEPS names."""
    root, settings = app_variant(tmp_path / "holding", "app_with_held_steps.py")
    folder = tmp_path / "held"
    folder.mkdir()
    return root, settings | {"HELD_STEPS": str(folder)}


@pytest.fixture
def app_with_slow_pages(tmp_path: Path) -> AppVariant:
    """A function app whose pages are slow. It records them in the file that its setting PAGE_LOG names."""
    root, settings = app_variant(tmp_path / "slow", "app_with_slow_pages.py")
    return root, settings | {"PAGE_LOG": str(tmp_path / "pages"), "PAGE_SECONDS": "0.05"}


@pytest.fixture
def app_with_slow_snapshots(tmp_path: Path) -> AppVariant:
    """A function app in which each page of a snapshot takes longer, so that a snapshot is held for some seconds."""
    root, settings = app_variant(tmp_path / "snapshots", "app_with_slow_snapshots.py")
    return root, settings | {"PAGE_SECONDS": "1.2"}


@pytest.fixture
def app_with_lost_blocks(tmp_path: Path) -> AppVariant:
    """A function app in which a job loses its blocks once, just before they would be published."""
    return app_variant(tmp_path / "losing", "app_with_lost_blocks.py")
