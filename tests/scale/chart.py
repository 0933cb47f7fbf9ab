"""Draws the chart of docs/scale.md: the minutes that each row of the tables takes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tests.scale.scenarios import Step

_WIDTH, _BAR, _GAP, _LEFT, _RIGHT = 760, 20, 8, 360, 90
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#57606a}.t{font-weight:600;fill:#1f2328}rect{fill:#1f6feb}"
    "@media(prefers-color-scheme:dark){text{fill:#9198a1}.t{fill:#f0f6fc}}"
)


def draw(billion: Sequence[Step], hour: Sequence[Step]) -> str:
    """Return an SVG with a bar for every step. Each scenario has its own scale."""
    parts: list[str] = []
    top = 0
    for title, steps in (("One tenant, a billion clients", billion), ("Ten thousand tenants at once", hour)):
        parts.append(f'<text class="t" y="{top + 18}">{escape(title)}: minutes</text>')
        top += 30
        longest = max(step.outcome.seconds for step in steps)
        for step in steps:
            parts.append(_bar(top, step, longest))
            top += _BAR + _GAP
        top += 10
    size = f'width="{_WIDTH}" height="{top}" viewBox="0 0 {_WIDTH} {top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="Minutes of each step">'
    return f"{head}<style>{_STYLE}</style>{''.join(parts)}</svg>\n"


def _bar(top: int, step: Step, longest: float) -> str:
    width = round((_WIDTH - _LEFT - _RIGHT) * step.outcome.seconds / longest)
    label = f'<text x="12" y="{top + 15}">{escape(step.change.replace("`", ""))}</text>'
    value = f'<text x="{_LEFT + width + 8}" y="{top + 15}">{step.outcome.seconds / 60:,.1f}</text>'
    return f'{label}<rect x="{_LEFT}" y="{top}" width="{width}" height="{_BAR}" rx="3"/>{value}'
