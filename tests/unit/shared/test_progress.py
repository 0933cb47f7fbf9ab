"""The progress bar: one line on a terminal, a few lines elsewhere."""

from __future__ import annotations

import io

import pytest

from shared.progress import ProgressBar, progress_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("done", "total", "start"),
    [
        (0, None, "[░░░░] "),
        (0, 8, "[░░░░]   0 %"),
        (3, 8, "[█░░░]  37 %"),
        (8, 8, "[████] 100 %"),
        (0, 0, "[████] 100 %"),
    ],
)
def test_the_bar_shows_the_share_that_is_done(done: int, total: int | None, start: str) -> None:
    assert progress_line(done, total, "rows", seconds=1, bar_width=4).startswith(start)


def test_the_line_shows_the_number_done_and_the_rate() -> None:
    assert progress_line(5_000, 20_000, "rows", seconds=2).endswith("5,000 of 20,000 rows  2,500 rows/s")


def test_a_terminal_shows_one_line_that_updates_itself() -> None:
    terminal = Terminal()
    with ProgressBar(terminal, "rows") as bar:
        for done in (0, 3):
            bar.show(done, 3)
    assert terminal.getvalue().count("\r") == 2
    assert terminal.getvalue().count("\n") == 1
    assert "3 of 3 rows" in terminal.getvalue()


def test_a_task_that_fails_leaves_the_terminal_on_a_new_line() -> None:
    terminal = Terminal()

    def fail() -> None:
        with ProgressBar(terminal, "rows") as bar:
            bar.show(1, 3)
            raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        fail()
    assert terminal.getvalue().endswith("\n")


def test_a_task_without_progress_prints_nothing() -> None:
    terminal = Terminal()
    with ProgressBar(terminal, "rows"):
        pass
    assert terminal.getvalue() == ""


def test_a_terminal_line_is_not_redrawn_more_often_than_can_be_seen() -> None:
    terminal = Terminal()
    with ProgressBar(terminal, "bytes") as bar:
        for done in range(10_001):
            bar.show(done, 10_000)
    assert terminal.getvalue().count("\r") < 1_000


def test_a_log_file_gets_one_line_for_each_quarter() -> None:
    log = io.StringIO()
    with ProgressBar(log, "rows") as bar:
        bar.show(0, None)
        for done in range(1001):
            bar.show(done, 1000)
    assert [line.split("]")[1][:6] for line in log.getvalue().splitlines()] == [
        "   0 %", "  25 %", "  50 %", "  75 %", " 100 %",
    ]  # fmt: skip
