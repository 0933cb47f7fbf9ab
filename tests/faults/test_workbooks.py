"""A workbook is complete, and the same byte for byte, whichever process is killed while it is written."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from tests.faults.conftest import MANY_PAGES, StartSystem
from tests.faults.test_crashes import part_way, start_part_way
from tests.support.expected import records
from tests.support.system import System, download, running_system
from tests.support.workbooks import as_text, read_with_calamine

pytestmark = pytest.mark.thorough

BODY: dict[str, Any] = {"format": {"preset": "xlsx", "fileName": "clients"}}
"""The sheets have the name of the file, so the same name gives the same bytes."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> bytes:
    """The workbook of an export without any fault. It shows what the CSV file of the same clients shows."""
    with running_system(tmp_path_factory.mktemp("undisturbed"), database_url, MANY_PAGES) as system:
        book = system.export(BODY)
        expected = records(system.export({"format": {"formulaGuard": False}}))
    (sheet,) = read_with_calamine(book)
    assert len(expected) == 9_001
    assert [tuple(map(as_text, row)) for row in sheet] == expected
    return book


def assert_complete(system: System, location: str, undisturbed: bytes) -> None:
    job = system.wait(location)
    book = download(job)
    assert job["status"] == "Completed"
    assert job["processedItems"] == job["totalItems"] == 9_000
    assert zipfile.ZipFile(io.BytesIO(book)).testzip() is None
    assert book == undisturbed
    manifest = system.call("GET", f"{location}/manifest").json
    assert [frame["beforePage"] for frame in manifest["frames"]] == [0, len(manifest["pages"])]


def test_a_workbook_is_identical_after_workers_are_killed(start_system: StartSystem, undisturbed: bytes) -> None:
    system = start_system()
    location = start_part_way(system, BODY)
    killed = {system.kill_a_worker()}
    system.wait(location, lambda job: part_way(job) or job["completedDate"])
    killed.add(system.kill_a_worker())

    assert len(killed - {None}) == 2
    assert_complete(system, location, undisturbed)


def test_a_workbook_is_identical_after_the_host_is_killed(start_system: StartSystem, undisturbed: bytes) -> None:
    system = start_system()
    location = start_part_way(system, BODY)
    system.kill_host()
    system.start()

    assert_complete(system, location, undisturbed)
