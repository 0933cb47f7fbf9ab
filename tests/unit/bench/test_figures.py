"""Figures are compared with their goals, saved, and drawn as a chart."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.bench.chart import draw
from tests.bench.comparison import BY_HAND, FRAMES, OURS, SAME_BYTES, SCRIPT
from tests.bench.figures import Figure, line, median_of, save


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        (Figure("a", 2.5, "×", at_least=2.5), "pass"),
        (Figure("a", 2.49, "×", at_least=2.5), "MISS"),
        (Figure("a", 300.0, "MiB", at_most=300.0), "pass"),
        (Figure("a", 300.1, "MiB", at_most=300.0), "MISS"),
        (Figure("a", 1.0, "s"), ""),
    ],
)
def test_a_figure_passes_or_misses_only_if_it_has_a_goal(figure: Figure, verdict: str) -> None:
    assert figure.verdict == verdict
    assert line(figure).endswith(verdict)


def test_a_median_shows_the_range_of_its_measurements() -> None:
    figure = median_of("a", [3.0, 1.0, 2.0], "s")

    assert figure.value == 2.0
    assert "1 … 3" in line(figure)


def test_figures_are_saved_with_their_verdicts(tmp_path: Path) -> None:
    save([Figure("a", 1.0, "s", at_most=0.5)], {"cores": 2}, tmp_path / "out" / "bench.json")

    saved = json.loads((tmp_path / "out" / "bench.json").read_text(encoding="utf-8"))
    assert saved["about"] == {"cores": 2}
    assert saved["figures"][0]["verdict"] == "MISS"


def test_the_chart_has_a_bar_for_each_rival_as_long_as_its_speed() -> None:
    figures = [
        Figure("PostgreSQL, script with csv.writer", 50_000, "rows/s"),
        Figure("PostgreSQL, this service", 100_000, "rows/s"),
        Figure("SQLite, this service", 25_000, "rows/s"),
        Figure("GET status of a completed job", 3.0, "ms"),
    ]

    drawing = ElementTree.fromstring(draw(figures, "Rows & seconds"))

    widths = [int(bar.get("width", "0")) for bar in drawing.iter("{http://www.w3.org/2000/svg}rect")]
    assert [width / max(widths) for width in widths] == [0.5, 1, 0.25]
    assert drawing.get("aria-label") == "Rows & seconds"


def test_there_is_no_chart_if_no_rival_was_compared() -> None:
    figures = [Figure("PostgreSQL, a snapshot", 50_000, "rows/s"), Figure("GET status", 3.0, "ms")]

    assert not draw(figures, "Rows & seconds")


def test_the_chart_has_a_colour_for_each_rival_of_the_comparison() -> None:
    rivals = [OURS, SCRIPT, FRAMES, BY_HAND, SAME_BYTES]
    figures = [Figure(f"PostgreSQL, {name}", 50_000, "rows/s") for name in rivals]

    drawing = ElementTree.fromstring(draw(figures, "Rows & seconds"))

    assert len(list(drawing.iter("{http://www.w3.org/2000/svg}rect"))) == len(rivals)
