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
from devhost.local.paths import ROOT
from exports.file.manifest import ManifestDto
from exports.jobs.cost import Cost, total
from exports.services import Services
from exports.settings import Settings, read_settings
from exports.steps.finalize.commit_file import commit_file
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.record_progress import record_progress
from exports.steps.pages.write_page import write_page
from exports.steps.small_jobs.plan_or_export import plan_or_export
from exports.triggers.activities import run_step
from exports.wiring import build_services
from exports.workflow.commands import CommitFile, PlanOrExport, PlanPages, RecordProgress, WritePage
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


@pytest.mark.parametrize("target_bytes", [6 * 2**20, 16 * 2**20])
def test_the_requests_of_a_million_clients_in_docs_costs_follow_from_its_formula(target_bytes: int) -> None:
    document = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
    row = re.search(rf"\| a million with blocks of {target_bytes >> 20} MiB, by the formula \|((?: \d+ \|)+)", document)
    assert row
    shown = [int(number) for number in re.findall(r"\d+", row[1])]

    pages = shown[0]
    assert pages == pytest.approx(1_000_000 * 768 / target_bytes, abs=1)
    waves = -(-pages // Settings.model_fields["wave_pages"].default)
    assert shown == [pages, pages + 2, 1, pages + 1 + waves, 2 * pages + 2 + waves + round(pages / 1_000)]


def test_the_manifest_in_docs_api_has_the_requests_of_a_job_of_one_page(services: Services) -> None:
    def export() -> ManifestDto:
        job = a_job(tenant=NORTHWIND)
        assert services.jobs.create(job)
        sent = json.loads(json.dumps(wrap_command(PlanOrExport(job=job.ref, target_bytes=16 * 2**20))))
        assert run_step(lambda: services, plan_or_export, PlanOrExport, sent)["ended"]
        return ManifestDto.model_validate_json(services.files.load_manifest(job.ref))

    export()  # creates the missing tables
    cost = export().cost
    document = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    example = re.search(r'"cost": \{"storageRequests": (\{[^}]*\}),', document)
    assert example
    assert cost is not None
    assert json.loads(example[1]) == cost.storage_requests.model_dump(by_alias=True)
