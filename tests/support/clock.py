"""Clocks for tests."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.support.builders import NOON


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **duration: float) -> datetime:
        """Move the clock forward; takes the arguments of `timedelta`."""
        self.moment += timedelta(**duration)
        return self.moment


class MonotonicClock:
    """A clock that counts seconds, and stands still until a test moves it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds
