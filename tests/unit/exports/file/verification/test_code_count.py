"""Different cells are counted exactly, at bounded memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from exports.file.verification import code_count
from exports.file.verification.code_count import DistinctCells


@pytest.fixture
def cells() -> Iterator[DistinctCells]:
    counted = DistinctCells()
    yield counted
    counted.close()


@pytest.mark.parametrize("max_digests", [1, 2, 7, 1_000])
@pytest.mark.parametrize("different", [0, 1, 5, 700])
@pytest.mark.parametrize("times", [1, 3])
def test_the_count_is_exact_however_few_cells_fit_in_memory(
    cells: DistinctCells, monkeypatch: pytest.MonkeyPatch, max_digests: int, different: int, times: int
) -> None:
    monkeypatch.setattr(code_count, "_MAX_DIGESTS", max_digests)
    for number in range(different * times):
        cells.add(f"C{number % different}")
    assert (cells.cells, cells.count()) == (different * times, different)


def test_the_files_are_removed_at_the_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(code_count, "_MAX_DIGESTS", 2)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    cells = DistinctCells()
    for number in range(100):
        cells.add(str(number))
    assert cells.count() == 100
    assert list(tmp_path.iterdir())
    cells.close()
    assert not list(tmp_path.iterdir())


def test_memory_does_not_grow_with_the_number_of_cells(cells: DistinctCells) -> None:
    tracemalloc.start()
    try:
        for number in range(300_000):
            cells.add(f"C{number}")
        assert cells.count() == 300_000
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()
