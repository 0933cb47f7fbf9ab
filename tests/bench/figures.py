"""Figures, and the goals they are held to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        name: Stays the same from run to run.
        samples: What the value is the median of, if it is.
        at_least, at_most: The goal, if there is one.
    """

    name: str
    value: float
    unit: str
    samples: tuple[float, ...] = ()
    at_least: float | None = None
    at_most: float | None = None

    @property
    def verdict(self) -> str:
        """`pass` or `MISS`; empty where there is no goal."""
        if self.at_least is None and self.at_most is None:
            return ""
        high_enough = self.at_least is None or self.value >= self.at_least
        low_enough = self.at_most is None or self.value <= self.at_most
        return "pass" if high_enough and low_enough else "MISS"

    @property
    def goal(self) -> str:
        """The goal in words."""
        if self.at_least is not None:
            return f"≥ {self.at_least:,g}"
        return "" if self.at_most is None else f"≤ {self.at_most:,g}"


def median_of(name: str, samples: Sequence[float], unit: str, **goal: float) -> Figure:
    """A figure whose value is the median of some measurements."""
    return Figure(name, median(samples), unit, tuple(samples), **goal)


def line(figure: Figure) -> str:
    """One line of the table."""
    spread = f"{min(figure.samples):,.4g} … {max(figure.samples):,.4g}" if len(figure.samples) > 1 else ""
    value = f"{figure.value:,.0f}" if abs(figure.value) >= 1_000 else f"{figure.value:,.4g}"
    return f"  {figure.name:<66} {value:>10} {figure.unit:<12} {spread:<22} {figure.goal:<8} {figure.verdict}".rstrip()


def save(figures: Sequence[Figure], about: dict[str, object], file: Path) -> None:
    """Keep the figures as JSON."""
    rows = [{**asdict(figure), "verdict": figure.verdict} for figure in figures]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        json.dumps({"about": about, "figures": rows}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
