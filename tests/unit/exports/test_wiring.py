"""The services are built once for each process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Semaphore

import pytest

from exports import wiring
from exports.services import Services
from tests.support.fakes import a_services


def test_threads_that_ask_at_the_same_time_get_the_same_services(monkeypatch: pytest.MonkeyPatch) -> None:
    start, asked, built = Barrier(8), Semaphore(0), []

    def build(_: object) -> Services:
        built.append(1)
        for _thread in range(8):
            asked.acquire(timeout=60)  # until all threads are about to ask
        return a_services()

    def ask(_: int) -> Services:
        start.wait()
        asked.release()
        return wiring.services_from_environment()

    monkeypatch.setattr(wiring, "build_services", build)
    monkeypatch.setattr(wiring, "read_settings", lambda _: None)
    monkeypatch.setattr(wiring, "start_telemetry", lambda _: None)
    wiring._services_of_process.cache_clear()
    try:
        with ThreadPoolExecutor(8) as pool:
            assert len({id(services) for services in pool.map(ask, range(8))}) == 1
    finally:
        wiring._services_of_process.cache_clear()
    assert len(built) == 1
