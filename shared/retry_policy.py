"""How often a call is tried, and how long the pauses between its tries are."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from shared.models import Model

_PATIENCE_SECONDS = 900.0
LONGEST_RETRY_AFTER_SECONDS = 300.0


class RetryPolicy(Model):
    """Tries in all, and the pause between them: doubling from the first to the longest, ± a quarter of jitter.

    `patience_seconds`: how long calls may be throttled without one of them coming to a result.
    """

    tries: int = 7
    first_pause_seconds: float = 1.0
    longest_pause_seconds: float = 60.0
    patience_seconds: Annotated[float, Field(exclude_if=lambda seconds: seconds == _PATIENCE_SECONDS)] = (
        _PATIENCE_SECONDS
    )

    @property
    def patience(self) -> timedelta:
        """How long calls may be throttled without one of them coming to a result."""
        return timedelta(seconds=self.patience_seconds)

    @property
    def longest_silence(self) -> timedelta:
        """How long a step may pause between its tries, at most, and have no result to show for it."""
        pauses = (self.first_pause_seconds * 2**number for number in range(self.tries - 1))
        failing = 1.25 * sum(min(seconds, self.longest_pause_seconds) for seconds in pauses)
        throttled = self.patience_seconds + min(self.patience_seconds, LONGEST_RETRY_AFTER_SECONDS)
        return timedelta(seconds=failing + throttled)

    def pause(self, failed_tries: int, seed: str) -> timedelta:
        """Say how long to wait after the n-th failed try. The jitter comes from `seed`, so replay agrees."""
        seconds = min(self.first_pause_seconds * 2 ** (failed_tries - 1), self.longest_pause_seconds)
        return jittered(seconds, f"{seed} {failed_tries}")


def jittered(seconds: float, seed: str) -> timedelta:
    """Lengthen or shorten a pause by up to a quarter; the same seed gives the same, so replay agrees."""
    chance = hashlib.sha256(seed.encode()).digest()[0] / 255
    return timedelta(seconds=seconds * (0.75 + chance / 2))
