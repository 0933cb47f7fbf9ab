"""devhost, but by a clock that can be put forward and back: `python -m tests.chaos.host`, arguments as devhost.

Covers the times of orchestrations, durable timers and timer triggers. Workers shift the clock of the steps (`app.py`);
what the SDKs of Azure ask the clock for, such as the date of a request, stays right.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta, tzinfo

import devhost.timers.triggers
from devhost.__main__ import main
from tests.chaos.control import ControlReader

_told = ControlReader.of_environment()
_true_time = time.time


class _ShiftedDatetime(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(seconds=_told().clock_seconds)


def _shifted_time() -> float:
    return _true_time() + _told().clock_seconds


if __name__ == "__main__":
    time.time = _shifted_time
    devhost.timers.triggers.datetime = _ShiftedDatetime  # type: ignore[attr-defined]
    sys.exit(main())
