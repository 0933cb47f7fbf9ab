"""Print the tables of docs/scale.md, and draw its chart: `.venv/bin/python -m tests.scale [docs/scale.svg]`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from tests.scale.chart import draw
from tests.scale.scenarios import Step, one_tenant, top_of_the_hour


def main(arguments: list[str]) -> None:
    """Run both scenarios, print their tables, and draw the chart if a file is named."""
    billion, hour = list(one_tenant()), list(top_of_the_hour())
    print(table("One tenant, a billion clients", billion))
    print(table("Ten thousand tenants at the top of the hour", hour))
    if arguments:
        Path(arguments[0]).write_text(draw(billion, hour), encoding="utf-8")


def table(title: str, steps: Iterable[Step]) -> str:
    """Format one scenario as a Markdown table."""
    lines = [
        f"### {title}\n",
        "| Changed | Minutes | Clients/s | Median and 95 % of jobs | Most used limits |",
        "|---|---|---|---|---|",
    ]
    for step in steps:
        outcome = step.outcome
        busiest = sorted(outcome.utilisation.items(), key=lambda item: -item[1])[:3]
        limits = ", ".join(f"{name} {share:.0%}" for name, share in busiest)
        limits += f"; **fails: {outcome.failure}**" if outcome.failure else ""
        durations = f"{outcome.job_seconds[0]:,.0f} s, {outcome.job_seconds[1]:,.0f} s"
        speed = f"{outcome.seconds / 60:,.1f} | {outcome.rows / outcome.seconds:,.0f}"
        lines.append(f"| {step.change} | {speed} | {durations} | {limits} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
