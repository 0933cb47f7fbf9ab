"""The manifest: sums of its pages, key ranges that tile."""

from __future__ import annotations

import json
import zlib
from itertools import pairwise

import pytest

from exports.file.block_ids import digest
from exports.file.manifest import ManifestDto, make_manifest
from exports.file.page_record import PageRecord
from exports.file.plan import PagePlan
from exports.jobs.job import Job
from tests.support.builders import NOON, a_job
from tests.support.steps import two_columns


def _manifest(job: Job, starts: tuple[str, ...] = ("C3", "C5")) -> ManifestDto:
    plan = PagePlan(spec=job.spec, total_rows=5, starts=starts)
    pages = range(len(starts) + 1)
    texts = [b"%d" % page * 10 * page for page in pages]
    records = [
        PageRecord(page, page + 1, len(text), digest(text), "block", zlib.crc32(text), page + 1)
        for page, text in zip(pages, texts, strict=True)
    ]
    return make_manifest(job, plan, records)


def test_rows_and_bytes_are_the_sums_of_the_pages() -> None:
    manifest = _manifest(a_job())
    assert (manifest.rows, manifest.bytes) == (6, 30)
    assert [(page.page, page.rows, page.bytes) for page in manifest.pages] == [(0, 1, 0), (1, 2, 10), (2, 3, 20)]
    assert [page.sha256 for page in manifest.pages] == [digest(b""), digest(b"1" * 10), digest(b"2" * 20)]
    assert [page.attempt for page in manifest.pages] == [1, 2, 3]


def test_the_crc_of_the_file_is_written_as_common_tools_print_it() -> None:
    manifest = _manifest(a_job(attempt=3))
    assert manifest.crc32 == f"{zlib.crc32(b'1' * 10 + b'2' * 20):08x}"
    assert [page.crc32 for page in manifest.pages] == [
        "00000000",
        *(f"{zlib.crc32(text):08x}" for text in (b"1" * 10, b"2" * 20)),
    ]
    assert manifest.attempt == 3


def test_a_file_with_a_page_of_an_older_version_has_no_crc() -> None:
    job = a_job()
    plan = PagePlan(spec=job.spec, total_rows=5, starts=("C3",))
    records = [PageRecord(0, 1, 1, digest(b"a"), "block", zlib.crc32(b"a"), 1), PageRecord(1, 1, 1, digest(b"b"), "b")]
    manifest = make_manifest(job, plan, records)
    assert manifest.crc32 is None
    assert [page.crc32 for page in manifest.pages] == ["e8b7be43", None]
    assert [page.attempt for page in manifest.pages] == [1, None]


@pytest.mark.parametrize("starts", [(), ("C3",), ("C3", "C5", "C9")])
def test_the_key_ranges_tile_the_key_space(starts: tuple[str, ...]) -> None:
    pages = _manifest(a_job(), starts).pages
    assert (pages[0].start, pages[-1].stop) == (None, None)
    assert [before.stop for before, _ in pairwise(pages)] == [after.start for _, after in pairwise(pages)]
    assert tuple(page.start for page in pages[1:]) == starts


@pytest.mark.parametrize("starts", [(), ("C3",), ("C3", "C5", "C9")])
def test_complete_manifests_tile(starts: tuple[str, ...]) -> None:
    assert _manifest(a_job(), starts).tiles


@pytest.mark.parametrize(
    ("page", "change"),
    [
        (0, {"start": "C1"}),
        (0, {"stop": "C4"}),
        (0, {"stop": None}),
        (0, {"page": 1}),
        (1, {"start": "C4"}),
        (1, {"start": None}),
        (1, {"start": "C2", "stop": "C3"}),
        (2, {"stop": "C9"}),
    ],
)
def test_a_gap_or_an_overlap_does_not_tile(page: int, change: dict[str, object]) -> None:
    manifest = _manifest(a_job())
    pages = [each.model_copy(update=change if each.page == page else {}) for each in manifest.pages]
    assert not manifest.model_copy(update={"pages": tuple(pages)}).tiles


@pytest.mark.parametrize("kept", [(0, 1), (1, 2), (0, 2), (2, 1, 0), (0, 1, 1, 2), ()])
def test_a_missing_repeated_or_misplaced_page_does_not_tile(kept: tuple[int, ...]) -> None:
    manifest = _manifest(a_job())
    assert not manifest.model_copy(update={"pages": tuple(manifest.pages[page] for page in kept)}).tiles


def test_a_key_range_that_occurs_twice_does_not_tile() -> None:
    assert not _manifest(a_job(), ("C3", "C3")).tiles


def test_the_manifest_shows_the_request_and_its_times() -> None:
    job = a_job(spec=two_columns()).begin(NOON)
    manifest = _manifest(job)
    assert (manifest.code, manifest.tenant, manifest.file_name) == (job.code, job.tenant, "clients.csv")
    assert (manifest.created_date, manifest.started_date) == (NOON, NOON)
    assert manifest.request == job.spec
    assert "exactly once" in manifest.consistency


def test_a_stored_manifest_names_no_block_and_no_path() -> None:
    job = a_job()
    manifest = _manifest(job)
    text = manifest.model_dump_json(by_alias=True)
    assert ManifestDto.model_validate_json(text) == manifest
    assert job.file_path not in text
    assert set(json.loads(text)["pages"][0]) == {
        "page",
        "start",
        "stop",
        "rows",
        "bytes",
        "sha256",
        "crc32",
        "attempt",
        "firstCode",
        "lastCode",
    }


def test_a_manifest_counts_the_characters_that_were_left_out() -> None:
    records = [
        PageRecord(0, 1, 1, digest(b"a"), "b", 0, 1, removed_characters=2),
        PageRecord(1, 1, 1, digest(b"b"), "b"),
    ]
    job, plan = a_job(), PagePlan(spec=a_job().spec, starts=("K",), total_rows=2)
    assert make_manifest(job, plan, records).removed_characters == 2
    assert "removedCharacters" not in make_manifest(job, plan, records[1:]).model_dump_json(by_alias=True)
