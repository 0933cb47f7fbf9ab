"""Sets something up once on a machine, even if several test processes need it at the same time."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Callable
from pathlib import Path


def make_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Make a folder unless it exists, and return its path.

    One process fills a temporary folder beside the final one and renames it when it is complete. The other processes
    wait for it. If filling fails, nothing is renamed, so the next call starts from nothing.

    Args:
        make: Fills an empty folder.
    """
    if folder.exists():
        return folder
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
                unfinished = Path(temporary, "unfinished")
                unfinished.mkdir()
                make(unfinished)
                unfinished.rename(folder)
    return folder
