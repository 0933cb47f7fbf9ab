"""Print the tables of docs/scale.md, and draw its chart: `python -m tests.scale [docs/scale.svg]`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from tests.scale.chart import draw
from tests.scale.scenarios import Step, one_tenant, top_of_the_hour


def main(arguments: list[str]) -> None:
    """Run both scenarios."""
    billion, hour = list(one_tenant()), list(top_of_the_hour())
    print(table("One tenant, a billion clients", billion))
    print(table("Ten thousand tenants at the top of the hour", hour))
    if arguments:
        Path(arguments[0]).write_text(draw(billion, hour), encoding="utf-8")


def table(title: str, steps: Iterable[Step]) -> str:
    """One scenario in Markdown."""
    lines = [
        f"### {title}\n",
        "| Turned | Minutes | Clients/s | Median and 95 % of jobs | Used most |",
        "|---|---|---|---|---|",
    ]
    for step in steps:
        found = step.outcome
        busiest = sorted(found.used.items(), key=lambda item: -item[1])[:3]
        used = ", ".join(f"{name} {part:.0%}" for name, part in busiest)
        used += f"; **breaks: {found.breaks}**" if found.breaks else ""
        waits = f"{found.waits[0]:,.0f} s, {found.waits[1]:,.0f} s"
        lines.append(
            f"| {step.turned} | {found.seconds / 60:,.1f} | {found.rows / found.seconds:,.0f} | {waits} | {used} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
