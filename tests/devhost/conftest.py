"""Hosts for the tests: shared ones for tests that change nothing, new ones for tests that kill or configure a host."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devhost.local.azurite import start_azurite
from tests.devhost.harness import APPS, Host

StartHost = Callable[..., Host]


def _serve(app: str, factory: pytest.TempPathFactory) -> Iterator[Host]:
    host = Host(APPS / app, factory.mktemp(app)).start()
    yield host
    host.close()


@pytest.fixture
def extension(tmp_path: Path, engine_program: Path) -> Iterator[dict[str, Any]]:
    """Options with which `start_host` starts hosts on the real extension. They share one storage account."""
    storage = start_azurite(tmp_path / "azurite")
    yield {"durable": engine_program, "env": {"AzureWebJobsStorage": storage.connection_string}}
    storage.stop()


@pytest.fixture(scope="module")
def idle_extension(tmp_path_factory: pytest.TempPathFactory, engine_program: Path) -> Iterator[dict[str, Any]]:
    """As `extension`, for hosts that run no orchestration: all of a file share one storage account."""
    storage = start_azurite(tmp_path_factory.mktemp("azurite"))
    yield {"durable": engine_program, "env": {"AzureWebJobsStorage": storage.connection_string}, "workers": 1}
    storage.stop()


@pytest.fixture(scope="session")
def devhosts_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A shared host that runs the sample orchestrations on the engine of devhost."""
    yield from _serve("durable", tmp_path_factory)


@pytest.fixture(scope="session")
def the_real_one(tmp_path_factory: pytest.TempPathFactory, engine_program: Path) -> Iterator[Host]:
    """A shared host that runs the sample orchestrations on the real Durable extension."""
    storage = start_azurite(tmp_path_factory.mktemp("azurite"))
    env = {"AzureWebJobsStorage": storage.connection_string}
    host = Host(APPS / "durable", tmp_path_factory.mktemp("durable"), durable=engine_program, env=env).start()
    yield host
    host.close()
    storage.stop()


@pytest.fixture(scope="session", params=["devhosts_own", pytest.param("the_real_one", marks=pytest.mark.thorough)])
def durable(request: pytest.FixtureRequest) -> Host:
    """The shared hosts one after another: a test that uses this runs on both engines.

    A change here can only break devhost's own: the real one is a finished program, so its cases are for thorough runs.
    """
    host = request.getfixturevalue(request.param)
    assert isinstance(host, Host)
    return host


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
