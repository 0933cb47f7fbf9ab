"""Defines the figures of the benchmark, their goals, and how they are printed and saved."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Figure:
    """A measured value: one line of the table.

    Attributes:
        name: The same in every run.
        samples: The measurements whose median is the value; empty if the value is no median.
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
        """`pass` or `MISS`; empty if there is no goal."""
        if self.at_least is None and self.at_most is None:
            return ""
        high_enough = self.at_least is None or self.value >= self.at_least
        low_enough = self.at_most is None or self.value <= self.at_most
        return "pass" if high_enough and low_enough else "MISS"

    @property
    def goal(self) -> str:
        """The goal as text, for example `≥ 2.5`; empty if there is none."""
        if self.at_least is not None:
            return f"≥ {self.at_least:,g}"
        return "" if self.at_most is None else f"≤ {self.at_most:,g}"


def median_of(name: str, samples: Sequence[float], unit: str, **goal: float) -> Figure:
    """Make a figure whose value is the median of some measurements."""
    return Figure(name, median(samples), unit, tuple(samples), **goal)


def line(figure: Figure) -> str:
    """Format a figure as a line of the table."""
    spread = f"{min(figure.samples):,.4g} … {max(figure.samples):,.4g}" if len(figure.samples) > 1 else ""
    value = f"{figure.value:,.0f}" if abs(figure.value) >= 1_000 else f"{figure.value:,.4g}"
    return f"  {figure.name:<66} {value:>10} {figure.unit:<12} {spread:<22} {figure.goal:<8} {figure.verdict}".rstrip()


def save(figures: Sequence[Figure], about: dict[str, object], file: Path) -> None:
    """Write the figures with their verdicts to a JSON file."""
    rows = [{**asdict(figure), "verdict": figure.verdict} for figure in figures]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        json.dumps({"about": about, "figures": rows}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
