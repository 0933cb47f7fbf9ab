"""What is set up once on a machine, though several processes of a run may want it at the same time."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Callable
from pathlib import Path


def make_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Have a folder made, unless it is there.

    One process makes it, beside its final place, while the others wait; what failed half-way is made anew.

    Args:
        make: Fills the empty folder that it is given.
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
