"""A throttling source slows a job down; a page that cannot be written fails its job and no other job."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from exports import __main__ as commands
from tests.faults.conftest import StartSystem, app_variant
from tests.faults.test_crashes import assert_complete
from tests.support.system import HARBOUR, NORTHWIND, System, download

pytestmark = pytest.mark.thorough

StartWithFaults = Callable[..., System]
Tries = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def bad_pages(tmp_path: Path) -> Path:
    return tmp_path / "bad-pages.json"


@pytest.fixture
def start_with_faults(start_system: StartSystem, tmp_path: Path, bad_pages: Path) -> StartWithFaults:
    """Return a function that starts a system whose pages have the given faults."""

    def start(faults: dict[str, Any], **changes: str) -> System:
        bad_pages.write_text(json.dumps(faults), encoding="utf-8")
        root, settings = app_variant(tmp_path / "app", "app_with_bad_pages.py")
        return start_system(root, **settings, BAD_PAGES=str(bad_pages), **changes)

    return start


@pytest.fixture
def tries(bad_pages: Path) -> Tries:
    """Every try of a page so far, oldest first."""
    return lambda: [json.loads(line) for line in Path(f"{bad_pages}.tries").read_text().splitlines()]


def test_a_throttling_source_slows_the_job_without_using_up_tries(
    start_with_faults: StartWithFaults, tries: Tries, database_url: str
) -> None:
    system = start_with_faults({"throttle": 6 + 3}, EXPORT_RETRY_TRIES="2")

    job = system.wait(system.start_async())

    assert_complete(job, database_url)
    pages = [each["page"] for each in tries()]
    halved = [sorted(pages[:6]), sorted(pages[6:9]), pages[9:10]]
    grown = [sorted(pages[10:12]), sorted(pages[12:15])]
    assert halved == [[0, 1, 2, 3, 4, 5], [0, 1, 2], [0]]
    assert grown == [[1, 2], [3, 4, 5]]
    assert "source-throttled" in system.log


def test_a_page_that_kills_workers_fails_its_job_by_name_while_other_jobs_complete(
    start_with_faults: StartWithFaults, tries: Tries
) -> None:
    system = start_with_faults({"poison": [NORTHWIND, 3]}, EXPORT_RETRY_TRIES="2", DEVHOST_POISON_DEATHS="1")
    healthy = system.start_async({}, HARBOUR)
    poisoned = system.start_async({}, NORTHWIND)

    assert system.wait(healthy)["status"] == "Completed"
    job = system.wait(poisoned)
    assert job["status"] == "Failed"
    assert job["failure"]["code"] == "interrupted"
    assert job["failure"]["message"].startswith("Page 3 (clients from C")
    assert job["failure"]["resumable"]
    deaths = sum((each["tenant"], each["page"]) == (NORTHWIND, 3) for each in tries())
    assert deaths <= 2 * (1 + 1)
    assert system.wait(system.start_async({}, HARBOUR))["status"] == "Completed"


def test_an_invalid_client_fails_the_job_with_its_page_range_after_one_read(
    start_with_faults: StartWithFaults, tries: Tries, database_url: str, tmp_path: Path
) -> None:
    spoiled, code = tmp_path / "spoiled.sqlite", "C00002600"
    shutil.copy(database_url.removeprefix("sqlite:///"), spoiled)
    with closing(sqlite3.connect(spoiled)) as connection, connection:
        changed = connection.execute(
            "UPDATE client_records SET vat_reg_date = 'last year' WHERE tenant = ? AND code = ?", (NORTHWIND, code)
        )
        assert changed.rowcount == 1
    connection.close()
    system = start_with_faults({}, CLIENTS_DATABASE_URL=f"sqlite:///{spoiled}")

    failure = system.wait(system.start_async())["failure"]

    assert failure["code"] == "source-mismatch"
    assert failure["message"].startswith("Page 5 (clients from C00002501 up to, not including, C00003001; of ")
    assert "could not be written. The column vat_reg_date of the clients view holds" in failure["message"]
    assert not failure["retryable"]
    assert set(Counter(each["page"] for each in tries()).values()) == {1}
    assert code not in system.log


def test_a_resumed_job_completes_with_a_manifest_that_shows_the_attempt_of_each_page(
    start_with_faults: StartWithFaults, bad_pages: Path, tmp_path: Path, database_url: str
) -> None:
    system = start_with_faults({"poison": [NORTHWIND, 3]}, EXPORT_RETRY_TRIES="1", DEVHOST_POISON_DEATHS="1")
    location = system.start_async()
    assert system.wait(location)["status"] == "Failed"
    bad_pages.write_text("{}")

    assert system.call("POST", f"{location}/resume").status == 202
    job = system.wait(location)

    assert_complete(job, database_url)
    file, proof = tmp_path / "clients.csv", tmp_path / "manifest.json"
    file.write_bytes(download(job))
    proof.write_bytes(system.call("GET", f"{location}/manifest").body)
    manifest = json.loads(proof.read_text())
    attempts = {page["page"]: page["attempt"] for page in manifest["pages"]}
    assert attempts[3] == manifest["attempt"] == 2
    assert 1 in attempts.values()
    assert commands.main(["verify", str(file), str(proof)]) == 0
