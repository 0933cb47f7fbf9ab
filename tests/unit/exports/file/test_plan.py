"""Plans: key ranges tile the key space, and pages have suitable sizes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.file.plan import (
    MAX_BLOCKS,
    MAX_PAGE_ROWS,
    MIN_PAGE_ROWS,
    PagePlan,
    cap_pages,
    even_pages,
    is_small,
    rows_per_page,
    weigh_strides,
)
from exports.file.ranges import Boundaries, KeyRange
from exports.request.formats import Compression
from tests.support.builders import a_spec

_STARTS = st.lists(st.text(min_size=1, max_size=5), unique=True, max_size=40).map(lambda codes: tuple(sorted(codes)))


def _a_plan(*starts: str) -> PagePlan:
    return PagePlan(spec=a_spec(), total_rows=0, starts=starts)


def _holds(key_range: KeyRange, code: str) -> bool:
    return (key_range.start is None or key_range.start <= code) and (key_range.stop is None or code < key_range.stop)


@given(_STARTS, st.text())
def test_every_code_lies_in_exactly_one_page(starts: tuple[str, ...], code: str) -> None:
    plan = _a_plan(*starts)
    assert sum(_holds(plan.key_range(page), code) for page in range(plan.pages)) == 1


@given(_STARTS)
def test_each_page_begins_where_the_page_before_ends(starts: tuple[str, ...]) -> None:
    plan = _a_plan(*starts)
    ranges = [plan.key_range(page) for page in range(plan.pages)]
    assert ranges[0].start is None
    assert ranges[-1].stop is None
    assert [r.stop for r in ranges[:-1]] == [r.start for r in ranges[1:]] == list(starts)


def test_a_plan_without_clients_has_one_page() -> None:
    plan = _a_plan()
    assert plan.pages == 1
    assert plan.key_range(0) == KeyRange(None, None)


def test_a_plan_can_be_stored_and_read_back() -> None:
    plan = _a_plan("C2", "Ü", '"')
    assert PagePlan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan


@given(_STARTS, st.integers(1, 10**7), st.data())
def test_even_pages_begin_where_strides_do_and_hold_enough_clients(
    starts: tuple[str, ...], target_bytes: int, data: st.DataObject
) -> None:
    count = len(starts) + 1
    sizes = data.draw(st.lists(st.floats(0, 10**6), min_size=count, max_size=count))
    pages = even_pages(Boundaries(count * 1_000, starts), sizes, target_bytes)
    assert set(pages.starts) <= set(starts)
    assert list(pages.starts) == sorted(set(pages.starts))
    assert pages.total_rows == count * 1_000
    assert (len(pages.starts) + 1) * MIN_PAGE_ROWS <= max(MIN_PAGE_ROWS, pages.total_rows)


def test_even_pages_are_even() -> None:
    strides = Boundaries(100_000, tuple(f"{number:03d}" for number in range(1, 100)))
    sizes = [10_000.0] * 50 + [30_000.0] * 50
    assert even_pages(strides, sizes, 500_000).starts == ("050", "067", "084")


def test_the_number_of_clients_in_a_page_is_bounded() -> None:
    strides = Boundaries(1_000_000, tuple(f"{number:03d}" for number in range(1, 1000)))
    starts = even_pages(strides, [0.0] * 1000, 10**6).starts
    assert starts == tuple(f"{number:03d}" for number in range(100, 1000, MAX_PAGE_ROWS // 1000))


@pytest.mark.parametrize("empty_strides", [1, 100, 1_500, 4_999])
def test_clients_without_text_beside_large_ones_do_not_fill_pages_without_bound(empty_strides: int) -> None:
    strides = Boundaries(5_000_000, tuple(f"{number:04d}" for number in range(1, 5_000)))
    sizes = [8_000.0] * empty_strides + [300_000.0] * (5_000 - empty_strides)
    target_bytes = 8 * 1024 * 1024
    starts = even_pages(strides, weigh_strides(1_000, sizes, 0.0, target_bytes), target_bytes).starts
    edges = [0, *map(int, starts), 5_000]
    assert max(stop - start for start, stop in pairwise(edges)) * 1_000 <= MAX_PAGE_ROWS + 1_000


@pytest.mark.parametrize(
    ("rows", "file_bytes", "target_bytes", "expected"),
    [
        (20_000, 1_000, 1_000, True),
        (20_000, 1_001, 1_000, False),
        (MAX_PAGE_ROWS, 1_000, 1_000, True),
        (MAX_PAGE_ROWS + 1, 1_000, 1_000, False),
    ],
)
def test_a_small_job_is_one_that_a_page_can_hold(rows: int, file_bytes: int, target_bytes: int, expected: bool) -> None:
    assert is_small(Compression.NONE, rows, file_bytes, target_bytes) is expected
    assert not is_small(Compression.GZIP, rows, file_bytes, target_bytes)


@given(_STARTS, st.integers(1, 50))
def test_capped_pages_still_tile(starts: tuple[str, ...], max_pages: int) -> None:
    capped = cap_pages(Boundaries(7, starts), max_pages)
    assert len(capped.starts) + 1 <= max_pages
    assert set(capped.starts) <= set(starts)
    assert list(capped.starts) == sorted(capped.starts)
    assert capped.total_rows == 7


@given(_STARTS, st.integers(2, 50))
def test_capping_merges_pages_evenly(starts: tuple[str, ...], max_pages: int) -> None:
    edges = [0, *(starts.index(start) + 1 for start in cap_pages(Boundaries(0, starts), max_pages).starts)]
    edges.append(len(starts) + 1)
    sizes = [stop - start for start, stop in pairwise(edges)]
    assert len(set(sizes[:-1])) <= 1
    assert sizes[-1] <= sizes[0]


def test_capping_leaves_few_pages_unchanged() -> None:
    boundaries = Boundaries(30, ("b", "c"))
    assert cap_pages(boundaries) == boundaries


def test_by_default_a_plan_has_no_more_pages_than_a_blob_can_have_blocks() -> None:
    boundaries = Boundaries(0, tuple(f"{number:06d}" for number in range(MAX_BLOCKS)))
    assert len(cap_pages(boundaries).starts) + 1 <= MAX_BLOCKS == 50_000


@given(st.integers(0, 10_000), st.integers(0, 10**8), st.integers(1024, 64 * 1024 * 1024))
def test_the_rows_of_a_page_have_a_minimum_and_a_maximum(rows: int, size: int, target: int) -> None:
    assert MIN_PAGE_ROWS <= rows_per_page(rows, size, target) <= MAX_PAGE_ROWS


@pytest.mark.parametrize(
    ("sample_rows", "sample_bytes", "expected"),
    [
        (200, 200_000, 6_000),
        (200, 100, MAX_PAGE_ROWS),
        (1, 100_000_000, MIN_PAGE_ROWS),
        (0, 0, MAX_PAGE_ROWS),
    ],
)
def test_pages_aim_at_the_size_of_a_block(sample_rows: int, sample_bytes: int, expected: int) -> None:
    assert rows_per_page(sample_rows, sample_bytes, target_bytes=6_000_000) == expected
