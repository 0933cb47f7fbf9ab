"""What the host and the workers of a run are told while they run: a small file, named by CHAOS_CONTROL."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.chaos.schedule import Doubling

SETTING = "CHAOS_CONTROL"


@dataclass(frozen=True, slots=True)
class Control:
    """What is told.

    Attributes:
        clock_seconds: By how much the clock is wrong.
        planted: Name of the bug to have; empty for none.
    """

    clock_seconds: float = 0.0
    doubling: str = Doubling.ONCE.value
    planted: str = ""

    def write(self, path: Path) -> None:
        """Tell it from now on; readers see the whole of it or nothing."""
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self)), encoding="utf-8")
        new.replace(path)


class ControlReader:
    """Reads what is told now; a look at the file's date costs microseconds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = (0, 0)
        self._control = Control()

    @classmethod
    def of_environment(cls) -> ControlReader:
        return cls(Path(os.environ[SETTING]))

    def __call__(self) -> Control:
        facts = self._path.stat()
        seen = (facts.st_mtime_ns, facts.st_ino)
        if seen != self._seen:
            self._control, self._seen = Control(**json.loads(self._path.read_text(encoding="utf-8"))), seen
        return self._control
