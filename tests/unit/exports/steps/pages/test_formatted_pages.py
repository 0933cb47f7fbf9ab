"""Pages in other formats than the default: the byte order mark, and compression."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from exports.request.formats import FormatDto
from exports.request.spec import ExportSpec
from exports.steps.finalize.commit_file import commit_file
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.write_page import write_page
from exports.steps.requests.make_job import make_job
from exports.workflow.commands import PlanPages, WritePage
from exports.workflow.outcomes import PageWritten
from tests.support.builders import NOON
from tests.support.fakes import a_services
from tests.support.steps import a_planned_job, a_stored_job, some_clients, two_columns, write_pages

MARK = b"\xef\xbb\xbf"


def _spec(include_headers: bool = True, **given: Any) -> ExportSpec:
    return two_columns(include_headers=include_headers, format=FormatDto.model_validate(given).resolve())


def _file(clients: int, spec: ExportSpec, starts: tuple[str, ...]) -> bytes:
    services = a_services(some_clients(clients))
    job = a_planned_job(services, starts=starts, spec=spec)
    command = write_pages(services, job, len(starts) + 1)
    commit_file(services, command)
    file = services.files.read(job.file_path)
    assert file is not None
    assert len(file) == command.bytes
    return file


def test_the_byte_order_mark_occurs_once_before_the_header() -> None:
    file = _file(5, _spec(preset="excelEu", lineEnding="lf"), ("C0003", "C0005"))
    assert file.startswith(MARK + b"Code;Name\nC0001;Client 1\n")
    assert file.count(MARK) == 1


@pytest.mark.parametrize("include_headers", [True, False])
def test_decompressed_pages_equal_uncompressed_pages(include_headers: bool) -> None:
    starts = ("C0003", "C0005")
    plain = _file(5, _spec(include_headers, preset="excel"), starts)
    assert gzip.decompress(_file(5, _spec(include_headers, preset="excel", compression="gzip"), starts)) == plain


@pytest.mark.parametrize("include_headers", [True, False])
def test_an_empty_compressed_export_is_still_a_gzip_file(include_headers: bool) -> None:
    file = _file(0, _spec(include_headers, compression="gzip"), ())
    assert gzip.decompress(file) == (b"Code,Name\r\n" if include_headers else b"")
    assert file.startswith(b"\x1f\x8b")


def test_a_later_page_without_clients_has_no_member() -> None:
    services = a_services(some_clients(2))
    job = a_planned_job(services, starts=("C0003",), spec=_spec(compression="gzip"))
    assert write_page(services, WritePage(job=job.ref, page=1)) == PageWritten(rows=0, bytes=0)


def test_a_compressed_page_written_again_stages_the_same_block() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services, spec=_spec(compression="gzip"))
    write_page(services, WritePage(job=job.ref, page=0))
    services.pages.forget(job.ref, 0)
    write_page(services, WritePage(job=job.ref, page=0))
    assert len(services.files.staged(job.file_path)) == 1


def test_pages_hold_more_clients_if_clients_compress_well() -> None:
    outcomes = []
    for compression in ("none", "gzip"):
        services = a_services(some_clients(4_000))
        job = a_stored_job(services, spec=_spec(compression=compression))
        outcomes.append(plan_pages(services, PlanPages(job=job.ref, target_bytes=15_000)))
    plain, packed = outcomes
    assert plain.pages > packed.pages > 0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "clients-tenant-20260131-120000.csv"),
        ({"preset": "tsv"}, "clients-tenant-20260131-120000.tsv"),
        ({"compression": "gzip"}, "clients-tenant-20260131-120000.csv.gz"),
        ({"preset": "xlsx"}, "clients-tenant-20260131-120000.xlsx"),
        ({"preset": "xlsx", "fileName": "All clients.csv"}, "All clients.xlsx"),
        ({"preset": "jsonl"}, "clients-tenant-20260131-120000.jsonl"),
        ({"preset": "jsonl", "compression": "gzip", "fileName": "all.xlsx"}, "all.jsonl.gz"),
        ({"fileName": "März/2026"}, "März_2026.csv"),
        ({"fileName": "..", "compression": "gzip"}, "clients-tenant-20260131-120000.csv.gz"),
    ],
)
def test_the_file_is_named_as_requested_or_by_tenant_and_time(given: dict[str, Any], name: str) -> None:
    assert make_job("tenant", _spec(**given), "code", NOON).file_name == name
