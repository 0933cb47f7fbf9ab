"""Hosts for the tests: shared ones for what leaves no trace, fresh ones for what kills."""

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
    """The sample orchestrations, shared by tests that tolerate each other."""
    yield from _serve("durable", tmp_path_factory)


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The sample HTTP functions."""
    yield from _serve("web", tmp_path_factory)


@pytest.fixture
def start_host(tmp_path: Path) -> Iterator[StartHost]:
    """Start a host of one's own: `start_host("durable", workers=1)`."""
    hosts: list[Host] = []

    def start(app: str | Path, **options: object) -> Host:
        host = Host(APPS / app, tmp_path, **options)  # type: ignore[arg-type]
        hosts.append(host)
        return host.start()

    yield start
    for host in hosts:
        host.close()
