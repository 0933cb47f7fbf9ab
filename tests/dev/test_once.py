"""Set-up that processes share: one process does it for all, and does it again after a failure."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.once import make_once


def test_one_of_several_threads_does_the_set_up_while_the_others_wait(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        time.sleep(0.2)
        (folder / "file").write_text("complete")

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: (make_once(tmp_path / "programs", make) / "file").read_text(), range(4)))

    assert found == ["complete"] * 4
    assert len(made) == 1


def test_set_up_that_failed_half_way_starts_from_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        make_once(tmp_path / "programs", fail)
    folder = make_once(tmp_path / "programs", lambda folder: (folder / "file").touch())

    assert [path.name for path in folder.iterdir()] == ["file"]
