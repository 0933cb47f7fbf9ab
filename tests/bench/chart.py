"""Draws the results of the comparison as a bar chart in SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tests.bench.comparison import BY_HAND, FRAMES, OURS, SAME_BYTES, SCRIPT
from tests.bench.figures import Figure

_WIDTH, _BAR, _GAP, _LEFT, _RIGHT = 720, 24, 10, 190, 110
_COLOURS = {OURS: "#1f6feb", BY_HAND: "#8250df", SAME_BYTES: "#8250df", FRAMES: "#8c959f", SCRIPT: "#8c959f"}
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#57606a}.t{font-weight:600;fill:#1f2328}"
    "@media(prefers-color-scheme:dark){text{fill:#9198a1}.t{fill:#f0f6fc}}"
)


def draw(figures: Sequence[Figure], title: str) -> str:
    """Return a chart of rows per second with a bar for each contestant and database; longer is faster.

    It is empty if no figure is the speed of a contestant.
    """
    groups: dict[str, list[Figure]] = {}
    for figure in figures:
        database, _, contestant = figure.name.partition(", ")
        if figure.unit == "rows/s" and contestant in _COLOURS:
            groups.setdefault(database, []).append(figure)
    if not groups:
        return ""
    fastest = max(figure.value for group in groups.values() for figure in group)
    parts, top = [_text(0, 18, title, "t")], 30
    for database, group in groups.items():
        parts.append(_text(0, top + 18, database, "t"))
        top += 30
        for figure in group:
            parts.append(_bar(top, figure, fastest))
            top += _BAR + _GAP
    size = f'width="{_WIDTH}" height="{top}" viewBox="0 0 {_WIDTH} {top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title)}">'
    return f"{head}<style>{_STYLE}</style>{''.join(parts)}</svg>\n"


def _bar(top: int, figure: Figure, fastest: float) -> str:
    contestant = figure.name.partition(", ")[2]
    width = round((_WIDTH - _LEFT - _RIGHT) * figure.value / fastest)
    rectangle = f'<rect x="{_LEFT}" y="{top}" width="{width}" height="{_BAR}" rx="3" fill="{_COLOURS[contestant]}"/>'
    value = _text(_LEFT + width + 8, top + 17, f"{figure.value:,.0f} rows/s")
    return _text(12, top + 17, contestant) + rectangle + value


def _text(left: int, top: int, text: str, kind: str = "") -> str:
    return f'<text x="{left}" y="{top}"{f" class={chr(34)}{kind}{chr(34)}" if kind else ""}>{escape(text)}</text>'
