"""Two hosts on one task hub, on the real Durable extension: they share the work, and one survives the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from devhost.local.azurite import Azurite
from tests.faults.conftest import MANY_PAGES
from tests.support.expected import client_records, records
from tests.support.system import NORTHWIND, System, app_settings, download

pytestmark = pytest.mark.thorough

WROTE_A_PAGE = "activity write_page ended"


@pytest.fixture
def hosts(tmp_path: Path, azurite: Azurite, database_url: str, engine_program: Path) -> Iterator[tuple[System, System]]:
    with ExitStack() as cleanup:
        systems = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            settings = app_settings(azurite.connection_string, database_url, **MANY_PAGES)
            system = System(tmp_path / name, settings, workers=1, engine=engine_program)
            cleanup.callback(system.discard)
            system.start_and_wait()
            systems.append(system)
        yield systems[0], systems[1]


def test_two_hosts_share_the_jobs_and_one_ends_them_all_when_the_other_is_killed(
    hosts: tuple[System, System], database_url: str
) -> None:
    one, two = hosts
    jobs = [one.start_async() for _ in range(4)]
    one.wait_until(lambda: WROTE_A_PAGE in one.log and WROTE_A_PAGE in two.log)
    two.kill_host()

    ended = [one.wait(job, seconds=240) for job in jobs]

    assert [job["status"] for job in ended] == ["Completed"] * 4
    expected = client_records(database_url, NORTHWIND)
    for job in ended:
        rows = records(download(job))[1:]
        assert job["processedItems"] == job["totalItems"] == len(rows) == 9_000
        assert rows == expected
