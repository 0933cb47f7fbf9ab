"""The steps of a job count the requests that storage received: all of them, and no others."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from devhost.local.azurite import Azurite, start_azurite
from exports.file.manifest import ManifestDto
from exports.jobs.cost import Cost, total
from exports.services import Services
from exports.settings import read_settings
from exports.steps.finalize.commit_file import commit_file
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.record_progress import record_progress
from exports.steps.pages.write_page import write_page
from exports.triggers.activities import run_step
from exports.wiring import build_services
from exports.workflow.commands import CommitFile, PlanPages, RecordProgress, WritePage
from shared.models import Model
from shared.orchestration import wrap_command
from tests.support.builders import a_job
from tests.support.http_client import request
from tests.support.system import NORTHWIND, sample_database

_LOGGED = re.compile(r'"(?P<method>[A-Z]+) (?P<url>/devstoreaccount1\S*) HTTP/1\.1" \d{3}')
Run = Callable[[Callable[[Services, Any], Any], Model], Any]


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Azurite]:
    """An emulator of this test, which logs its requests."""
    azurite = start_azurite(tmp_path / "azurite", log_requests=True)
    yield azurite
    azurite.stop()


@pytest.fixture
def services(emulator: Azurite, tmp_path: Path) -> Services:
    database_url = sample_database(tmp_path, 4_000)
    settings = {"EXPORT_STORAGE": emulator.connection_string, "CLIENTS_DATABASE_URL": database_url}
    return build_services(read_settings(settings))


def _logged(emulator: Azurite) -> Counter[str]:
    """Count the requests in the emulator's log by the classes of Azure's prices.

    Sends a last request of its own to each service, and waits until the log shows it, so that the log is complete.
    """
    last, text = uuid4().hex, ""
    for port in (emulator.ports[0], emulator.ports[2]):
        request("GET", f"http://127.0.0.1:{port}/{last}")
    deadline = time.monotonic() + 60
    while text.count(last) < 2:
        assert time.monotonic() < deadline, text[-1_000:]
        text = emulator.process.log.read_text(encoding="utf-8")
        time.sleep(0.02)
    return Counter(_class_of(found["method"], found["url"]) for found in _LOGGED.finditer(text))


def _class_of(method: str, url: str) -> str:
    path, query = urlsplit(url).path.removeprefix("/devstoreaccount1/"), urlsplit(url).query
    if path.partition("/")[0] == "exports":
        if method == "DELETE":
            return "blobDelete"
        return "blobWrite" if method == "PUT" or query.endswith("comp=list") else "blobRead"
    return "tableRead" if method == "GET" else "tableWrite"


def test_the_steps_of_a_job_count_exactly_the_requests_that_storage_received(
    emulator: Azurite, services: Services
) -> None:
    def run(step: Callable[[Services, Any], Any], payload: Model) -> Any:
        result = run_step(lambda: services, step, type(payload), json.loads(json.dumps(wrap_command(payload))))
        costs.append(Cost.model_validate(result["cost"]))
        return result

    costs: list[Cost] = []
    job = a_job(tenant=NORTHWIND)
    assert services.jobs.create(job)
    before = _logged(emulator)

    planned = run(plan_pages, PlanPages(job=job.ref, target_bytes=65_536))
    pages = [run(write_page, WritePage(job=job.ref, page=page)) for page in range(planned["pages"])]
    run(record_progress, RecordProgress(job=job.ref, pages=1, rows=1))
    pages.append(run(write_page, WritePage(job=job.ref, page=0)))  # a step may run twice
    sums = {name: sum(page[name] for page in pages[:-1]) for name in ("rows", "bytes")}
    until_commit = total(*costs)
    run(commit_file, CommitFile(job=job.ref, pages=planned["pages"], cost=until_commit, **sums))

    counted = total(*costs)
    assert counted is not None
    received = _logged(emulator) - before
    assert planned["pages"] >= 5
    assert counted.storage_requests.model_dump(by_alias=True) == {
        name: received[name] for name in ("blobWrite", "blobRead", "blobDelete", "tableWrite", "tableRead")
    }
    assert sums["bytes"] < counted.bytes_sent < sums["bytes"] + 100_000
    assert counted.function_seconds > 0

    first, *others, repeated = (page["cost"]["storageRequests"] for page in pages)  # the first page creates the table
    once = {"blobWrite": 1, "blobRead": 0, "blobDelete": 0, "tableWrite": 1, "tableRead": 2}
    assert all(page == once for page in others), "docs/costs.md says otherwise"
    assert first["blobRead"] == 0
    assert repeated == {**once, "blobWrite": 0, "tableWrite": 0, "tableRead": 2}

    shown = ManifestDto.model_validate_json(services.files.load_manifest(job.ref)).cost
    assert shown is not None
    manifest_itself = 1
    assert shown.storage_requests.blob_write == counted.storage_requests.blob_write - manifest_itself
    assert shown.storage_requests.table_read == counted.storage_requests.table_read
