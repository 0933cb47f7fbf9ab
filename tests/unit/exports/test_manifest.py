"""The manifest: sums of its pages, key ranges that tile."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from exports.blocks import digest
from exports.jobs import Job
from exports.manifest import ManifestDto, make_manifest
from exports.page_plan import PagePlan
from exports.ports import PageRecord
from tests.support.builders import NOON, a_job
from tests.support.steps import two_columns


def _manifest(job: Job, starts: tuple[str, ...] = ("C3", "C5")) -> ManifestDto:
    plan = PagePlan(spec=job.spec, total_rows=5, starts=starts)
    pages = range(len(starts) + 1)
    records = [PageRecord(page, page + 1, 10 * page, digest(b"%d" % page), "block") for page in pages]
    return make_manifest(job, plan, records)


def test_rows_and_bytes_are_the_sums_of_the_pages() -> None:
    manifest = _manifest(a_job())
    assert (manifest.rows, manifest.bytes) == (6, 30)
    assert [(page.page, page.rows, page.bytes) for page in manifest.pages] == [(0, 1, 0), (1, 2, 10), (2, 3, 20)]
    assert [page.sha256 for page in manifest.pages] == [digest(b"0"), digest(b"1"), digest(b"2")]


@pytest.mark.parametrize("starts", [(), ("C3",), ("C3", "C5", "C9")])
def test_the_key_ranges_tile_the_key_space(starts: tuple[str, ...]) -> None:
    pages = _manifest(a_job(), starts).pages
    assert (pages[0].start, pages[-1].stop) == (None, None)
    assert [before.stop for before, _ in pairwise(pages)] == [after.start for _, after in pairwise(pages)]
    assert tuple(page.start for page in pages[1:]) == starts


def test_it_says_what_was_asked_for_and_when() -> None:
    job = a_job(spec=two_columns()).begin(NOON)
    manifest = _manifest(job)
    assert (manifest.code, manifest.tenant, manifest.file_name) == (job.code, job.tenant, "clients.csv")
    assert (manifest.created_date, manifest.started_date) == (NOON, NOON)
    assert manifest.request == job.spec
    assert "exactly once" in manifest.consistency


def test_it_is_read_back_as_it_was_and_names_no_block_and_no_path() -> None:
    job = a_job()
    manifest = _manifest(job)
    text = manifest.model_dump_json(by_alias=True)
    assert ManifestDto.model_validate_json(text) == manifest
    assert job.file_path not in text
    assert set(json.loads(text)["pages"][0]) == {"page", "start", "stop", "rows", "bytes", "sha256"}
