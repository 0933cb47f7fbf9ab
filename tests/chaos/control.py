"""Controls the host and the workers while they run, through a small file that the setting CHAOS_CONTROL names."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.chaos.schedule import Delivery

SETTING = "CHAOS_CONTROL"


@dataclass(frozen=True, slots=True)
class Control:
    """The content of the control file.

    Attributes:
        clock_seconds: How far the clock is ahead of the real time; negative: behind.
        delivery: How often each activity runs (see `schedule.Delivery`).
        planted: Name of the planted bug; empty for none.
    """

    clock_seconds: float = 0.0
    delivery: str = Delivery.ONCE.value
    planted: str = ""

    def write(self, path: Path) -> None:
        """Replace the control file. The replacement is atomic, so readers never see a part of the content."""
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self)), encoding="utf-8")
        new.replace(path)


class ControlReader:
    """Reads the current content of the control file. It checks the file's date first, which takes microseconds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version = (0, 0)
        self._control = Control()

    @classmethod
    def of_environment(cls) -> ControlReader:
        return cls(Path(os.environ[SETTING]))

    def __call__(self) -> Control:
        status = self._path.stat()
        version = (status.st_mtime_ns, status.st_ino)
        if version != self._version:
            self._control, self._version = Control(**json.loads(self._path.read_text(encoding="utf-8"))), version
        return self._control
