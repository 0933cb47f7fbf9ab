"""What is set up once: made by one, whoever else wants it, and anew after a failure."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.once import make_once


def test_of_many_that_want_it_at_once_one_makes_it_and_the_others_wait(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        time.sleep(0.2)
        (folder / "file").write_text("whole")

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: (make_once(tmp_path / "programs", make) / "file").read_text(), range(4)))

    assert found == ["whole"] * 4
    assert len(made) == 1


def test_what_failed_half_way_is_made_anew(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        make_once(tmp_path / "programs", fail)
    folder = make_once(tmp_path / "programs", lambda folder: (folder / "file").touch())

    assert [path.name for path in folder.iterdir()] == ["file"]
