"""Systems for breaking: 12,000 clients in pages of 500, so that there is always something in flight."""

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
    """Storage of a file's own: what is left of the systems that were broken on it goes on nowhere else."""
    emulator = start_storage(tmp_path_factory.mktemp("azurite"))
    yield emulator
    emulator.stop()


@pytest.fixture
def start_system(tmp_path: Path, azurite: Azurite, database_url: str) -> Iterator[StartSystem]:
    """Start a system of one's own; app settings may be changed by name. All are stopped afterwards."""
    with ExitStack() as cleanup:

        def start(root: Path = ROOT, *, healthy: bool = True, **changes: str) -> System:
            directory = tmp_path / f"system{len(list(tmp_path.iterdir()))}"
            directory.mkdir()
            settings = app_settings(azurite.connection_string, database_url, **{**MANY_PAGES, **changes})
            system = System(directory, settings, root)
            cleanup.callback(system.stop)
            system.start_and_wait() if healthy else system.start()
            return system

        yield start


StandIn = tuple[Path, dict[str, str]]
"""A function app that stands in the place of the real one: its folder, and the settings it needs."""


def app_in_place(root: Path, file: str) -> StandIn:
    """Set up a folder with a function app of `tests/faults`."""
    root.mkdir()
    shutil.copy(ROOT / "host.json", root)
    shutil.copy(Path(__file__).with_name(file), root / "function_app.py")
    return root, {"PYTHONPATH": str(ROOT), "REAL_FUNCTION_APP": str(ROOT / "function_app.py")}


@pytest.fixture
def doubling_app(tmp_path: Path) -> StandIn:
    """A function app in which every activity runs twice."""
    return app_in_place(tmp_path / "doubling", "app_of_doubled_steps.py")


@pytest.fixture
def watching_app(tmp_path: Path) -> StandIn:
    """A function app that notes when clients are read, in the file of its setting WATCHED_READS."""
    root, settings = app_in_place(tmp_path / "watching", "app_of_watched_reads.py")
    return root, settings | {"WATCHED_READS": str(tmp_path / "reads")}


@pytest.fixture
def holding_app(tmp_path: Path) -> StandIn:
    """A function app in which steps can be held, by files in the folder of its setting HELD_STEPS."""
    root, settings = app_in_place(tmp_path / "holding", "app_of_held_steps.py")
    folder = tmp_path / "held"
    folder.mkdir()
    return root, settings | {"HELD_STEPS": str(folder)}


@pytest.fixture
def slow_app(tmp_path: Path) -> StandIn:
    """A function app whose pages take their time; its setting PAGE_LOG names the file that tells of them."""
    root, settings = app_in_place(tmp_path / "slow", "app_of_slow_pages.py")
    return root, settings | {"PAGE_LOG": str(tmp_path / "pages"), "PAGE_SECONDS": "0.05"}


@pytest.fixture
def losing_app(tmp_path: Path) -> StandIn:
    """A function app in which the blocks of a job are lost once, just before it is to be published."""
    return app_in_place(tmp_path / "losing", "app_of_lost_blocks.py")
