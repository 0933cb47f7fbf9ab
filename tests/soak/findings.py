"""What a soak has found: the memory of the workers and the storage requests of an export, and their goals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.figures import Figure

MOST_GROWTH = 1.05
"""The largest memory of the workers after the warm-up, as a multiple of that at its end."""


@dataclass(frozen=True)
class Findings:
    """What a soak has measured.

    Attributes:
        warm: The memory of the workers after the warm-up, in MiB.
        later: The same after every 50 later exports.
        first_requests: The storage requests of an export at the end of the warm-up.
        last_requests: The same at the end of the soak.
    """

    warm: float
    later: Sequence[float]
    first_requests: float
    last_requests: float

    def course(self) -> str:
        """Return how memory went, in some twenty steps."""
        step = max(1, len(self.later) // 20)
        return " ".join(f"{mebibytes:.0f}" for mebibytes in [self.warm, *self.later[step - 1 :: step]])

    def figures(self) -> list[Figure]:
        """Return the lines of the table, with the goals."""
        return [
            Figure("memory of the workers after the warm-up", self.warm, "MiB"),
            Figure("memory of the workers at the end", self.later[-1], "MiB"),
            Figure("largest memory over that after the warm-up", max(self.later) / self.warm, "×", at_most=MOST_GROWTH),
            Figure("storage requests of the first export", self.first_requests, ""),
            Figure("storage requests of the last export", self.last_requests, "", at_most=self.first_requests),
        ]
