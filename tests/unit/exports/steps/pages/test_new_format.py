"""A new format needs a renderer and nothing else: a toy format is estimated, planned, written and committed."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from exports.file.plan import MIN_PAGE_ROWS
from exports.file.renderer import Row
from exports.request.estimate import EstimateWarning, WarningCode
from exports.request.fields import source_columns
from exports.request.formats import Compression
from exports.request.spec import ExportSpec
from exports.steps.finalize.commit_file import commit_file
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.selection import RENDERERS
from exports.steps.requests.estimate_export import estimate_export
from exports.workflow.commands import PlanPages
from exports.workflow.outcomes import Done, PagesPlanned
from tests.support.fakes import a_services
from tests.support.steps import TENANT, a_stored_job, some_clients, two_columns, write_pages

CLIENTS = some_clients(2 * MIN_PAGE_ROWS + 1)
WARNING = EstimateWarning(code=WarningCode.EXCEL_ROW_LIMIT, message="No spreadsheet opens this file.")


class JsonLines:
    """Renders each client as a JSON object on a line of its own."""

    compression = Compression.NONE

    def __init__(self, spec: ExportSpec) -> None:
        self._fields = [mapping.target_field for mapping in spec.columns]
        names = (name for field in self._fields for name in source_columns(field))
        self.source_columns = tuple(dict.fromkeys(("code", *names)))

    def opening(self, *, with_header: bool) -> bytes:
        return b""

    def render(self, rows: Sequence[Row]) -> bytes:
        clients = (dict(zip(self.source_columns, row, strict=True)) for row in rows)
        return b"".join(json.dumps(client).encode() + b"\n" for client in clients)

    def warnings(self, sample: Sequence[Row], records: int) -> list[EstimateWarning]:
        return [WARNING]


@pytest.fixture(autouse=True)
def json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RENDERERS, None, JsonLines)


def test_a_new_format_is_planned_written_and_committed_like_any_other() -> None:
    services = a_services(CLIENTS)
    job = a_stored_job(services)

    planned = plan_pages(services, PlanPages(job=job.ref, target_bytes=1))
    assert planned == PagesPlanned(pages=2, rows=len(CLIENTS), wave_pages=64)
    assert commit_file(services, write_pages(services, job, 2)) == Done(ended=True)

    file = services.files.read(job.file_path)
    assert file is not None
    expected = [{"code": client["code"], "name": client["name"]} for client in CLIENTS]
    assert [json.loads(line) for line in file.splitlines()] == expected


def test_an_estimate_of_a_new_format_is_that_of_its_renderer() -> None:
    services = a_services(CLIENTS[:700])
    job = a_stored_job(services)
    plan_pages(services, PlanPages(job=job.ref, target_bytes=10**6))
    written = write_pages(services, job, 1)

    estimate = estimate_export(services, TENANT, two_columns())

    assert (estimate.rows, estimate.bytes, estimate.warnings) == (written.rows, written.bytes, (WARNING,))
