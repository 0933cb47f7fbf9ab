"""The soak: which findings miss its goals, and that the command runs exports and reports."""

from __future__ import annotations

import subprocess
import sys

import pytest

from devhost.local.paths import ROOT
from tests.soak.findings import Findings


def _verdicts(warm: float, later: list[float], first: float = 15, last: float = 15) -> list[str]:
    return [figure.verdict for figure in Findings(warm, later, first, last).figures() if figure.verdict]


def test_a_soak_passes_if_memory_is_flat_and_an_export_sends_as_many_requests() -> None:
    assert _verdicts(100.0, [101.0, 105.0, 99.0]) == ["pass", "pass"]


@pytest.mark.parametrize("later", [[100.0, 106.0, 100.0], [100.0, 106.0]])
def test_a_soak_is_missed_if_memory_grows_by_more_than_five_percent_at_any_time(later: list[float]) -> None:
    assert _verdicts(100.0, later) == ["MISS", "pass"]


def test_a_soak_is_missed_if_the_last_export_sends_more_requests_than_the_first() -> None:
    assert _verdicts(100.0, [100.0], 15, 16) == ["pass", "MISS"]


def test_a_long_soak_shows_the_course_of_memory_in_some_twenty_steps() -> None:
    later = [100.0 + number for number in range(96)]
    course = Findings(99.0, later, 15, 15).course().split()
    assert (course[0], course[1], course[-1], len(course)) == ("99", "103", "195", 25)


@pytest.mark.thorough
def test_the_command_runs_the_exports_and_reports_memory_and_requests() -> None:
    command = [sys.executable, "-m", "tests.soak", "--exports", "60", "--warm-up", "40"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "60 exports in" in run.stdout, run.stdout + run.stderr
    assert "memory of the workers at the end" in run.stdout
    missed = "goals missed: none" not in run.stdout
    assert run.returncode == (1 if missed else 0)
