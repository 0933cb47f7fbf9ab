"""How far a command has come: a bar where somebody watches, a few lines elsewhere."""

from __future__ import annotations

import io

import pytest

from exports.commands.progress import ProgressBar


@pytest.mark.parametrize(("is_terminal", "expected"), [(True, "\r"), (False, "50 of 100 clients\n")])
def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere(is_terminal: bool, expected: str) -> None:
    stream = io.StringIO()
    stream.isatty = lambda: is_terminal  # type: ignore[method-assign]
    progress = ProgressBar(stream, "clients")

    for done in (0, 25, 50, 51, 100, 100):
        progress.show(done, 100)

    assert expected in stream.getvalue()
    assert stream.getvalue().endswith("100 of 100 clients\n")
    assert stream.getvalue().count("100 of 100") == 1


def test_a_bar_is_drawn_no_more_often_than_can_be_seen() -> None:
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    progress = ProgressBar(stream, "bytes")

    for done in range(10_001):
        progress.show(done, 10_000)

    assert stream.getvalue().count("\r") < 1_000
