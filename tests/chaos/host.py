"""devhost with a clock that can jump: `python -m tests.chaos.host`, with the arguments of devhost.

The clock of orchestrations, durable timers and timer triggers is shifted here. The workers shift the clock of the
steps (`app.py`). The Azure SDKs use the real time, for example for the date of a request.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta, tzinfo

import devhost.timers.triggers
from devhost.__main__ import main
from tests.chaos.control import ControlReader

_control = ControlReader.of_environment()
_true_time = time.time


class _ShiftedDatetime(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(seconds=_control().clock_seconds)


def _shifted_time() -> float:
    return _true_time() + _control().clock_seconds


if __name__ == "__main__":
    time.time = _shifted_time
    devhost.timers.triggers.datetime = _ShiftedDatetime  # type: ignore[attr-defined]
    sys.exit(main())
