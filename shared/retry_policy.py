"""The retry policy of durable calls: how often a call is tried, and how long the pauses between the tries are."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from shared.models import Model

_PATIENCE_SECONDS = 900.0
LONGEST_RETRY_AFTER_SECONDS = 300.0
"""A `Retry-After` that is longer than this is cut to it."""


class RetryPolicy(Model):
    """How often a step is tried, and how long it pauses between the tries.

    The pauses double from the first to the longest. Jitter changes each by up to a quarter.

    Attributes:
        tries: Tries in all.
        patience_seconds: How long calls may be throttled while none of them gets a result.
    """

    tries: int = 7
    first_pause_seconds: float = 1.0
    longest_pause_seconds: float = 60.0
    patience_seconds: Annotated[float, Field(exclude_if=lambda seconds: seconds == _PATIENCE_SECONDS)] = (
        _PATIENCE_SECONDS
    )

    @property
    def patience(self) -> timedelta:
        """How long calls may be throttled while none of them gets a result."""
        return timedelta(seconds=self.patience_seconds)

    @property
    def longest_silence(self) -> timedelta:
        """The longest time that a step can pause between its tries without getting a result.

        It is the sum of all pauses after failures, of the patience with throttling, and of the last `Retry-After`,
        which may begin just before the patience ends.
        """
        pauses = (self.first_pause_seconds * 2**number for number in range(self.tries - 1))
        failing = 1.25 * sum(min(seconds, self.longest_pause_seconds) for seconds in pauses)
        throttled = self.patience_seconds + min(self.patience_seconds, LONGEST_RETRY_AFTER_SECONDS)
        return timedelta(seconds=failing + throttled)

    def pause(self, failed_tries: int, seed: str) -> timedelta:
        """Return the pause after the n-th failed try. The jitter follows from `seed`, so every replay agrees."""
        seconds = min(self.first_pause_seconds * 2 ** (failed_tries - 1), self.longest_pause_seconds)
        return jittered(seconds, f"{seed} {failed_tries}")


def jittered(seconds: float, seed: str) -> timedelta:
    """Lengthen or shorten a pause by up to a quarter. The jitter follows from `seed`, so every replay agrees."""
    fraction = hashlib.sha256(seed.encode()).digest()[0] / 255
    return timedelta(seconds=seconds * (0.75 + fraction / 2))
