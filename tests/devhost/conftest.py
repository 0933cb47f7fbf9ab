"""Hosts for the tests: shared ones for tests that change nothing, new ones for tests that kill or configure a host."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.devhost.harness import APPS, Host

StartHost = Callable[..., Host]


def _serve(app: str, factory: pytest.TempPathFactory) -> Iterator[Host]:
    host = Host(APPS / app, factory.mktemp(app)).start()
    yield host
    host.close()


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
