"""Hosts for the tests: shared ones for tests that change nothing, new ones for tests that kill or configure a host."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devhost.local.azurite import start_azurite
from devhost.local.engine_program import HOW_TO_GET, executable, find
from tests.devhost.harness import APPS, Host

StartHost = Callable[..., Host]

_STORAGE_PROVIDER = "AzureWebJobs__extensions__durableTask__storageProvider__"
FAST_EXTENSION = {
    f"{_STORAGE_PROVIDER}maxQueuePollingInterval": "00:00:01",
    f"{_STORAGE_PROVIDER}controlQueueVisibilityTimeout": "00:01:00",
    f"{_STORAGE_PROVIDER}workItemQueueVisibilityTimeout": "00:01:00",
}
"""Settings of the real extension for apps whose host.json names none, so that tests wait less."""


def _serve(app: str, factory: pytest.TempPathFactory) -> Iterator[Host]:
    host = Host(APPS / app, factory.mktemp(app)).start()
    yield host
    host.close()


@pytest.fixture(scope="session")
def engine_program() -> Path:
    """The program with the real Durable extension. Without it the test is skipped, which under CI is a failure."""
    found = find()
    if found is None:
        pytest.skip(HOW_TO_GET)
    return executable(found)


@pytest.fixture
def extension(tmp_path: Path, engine_program: Path) -> Iterator[dict[str, Any]]:
    """Options with which `start_host` starts hosts on the real extension. They share one storage account."""
    storage = start_azurite(tmp_path / "azurite")
    yield {"durable": engine_program, "env": {"AzureWebJobsStorage": storage.connection_string, **FAST_EXTENSION}}
    storage.stop()


@pytest.fixture(scope="session")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A shared host that runs the sample orchestrations."""
    yield from _serve("durable", tmp_path_factory)


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A shared host that runs the sample HTTP functions."""
    yield from _serve("web", tmp_path_factory)


@pytest.fixture
def start_host(tmp_path: Path) -> Iterator[StartHost]:
    """A function that starts a new host for one test: `start_host("durable", workers=1)`."""
    hosts: list[Host] = []

    def start(app: str | Path, **options: object) -> Host:
        host = Host(APPS / app, tmp_path, **options)  # type: ignore[arg-type]
        hosts.append(host)
        return host.start()

    yield start
    for host in hosts:
        host.close()
