"""Clocks for tests."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.support.builders import NOON


class MonotonicClock:
    """A clock that counts seconds, and stands still until a test moves it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Clock:
    """The clock of a host, which stands still until a test moves it.

    Attributes:
        monotonic: Counts the seconds of the same host. Nobody can set it.
    """

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment
        self.monotonic = MonotonicClock()

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **duration: float) -> datetime:
        """Let time pass; takes the arguments of `timedelta`."""
        self.monotonic.seconds += timedelta(**duration).total_seconds()
        return self.set_forward(**duration)

    def set_forward(self, **duration: float) -> datetime:
        """Set the clock forward, or back by a negative duration, while no time passes."""
        self.moment += timedelta(**duration)
        return self.moment
