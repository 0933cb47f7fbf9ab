"""Counts the test functions and cases that a session has run. A parametrized function has several cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

_OUTCOMES = ("passed", "xpassed", "xfailed", "skipped", "failed", "error")
"""Pytest's categories of test reports, in ascending order of severity."""


def case_outcomes(reports: Mapping[str, Sequence[object]]) -> dict[str, str]:
    """Return one outcome for each case that ran: the most severe one of its reports.

    A case has several reports if, for example, it passed but its fixture failed afterwards.

    Args:
        reports: Pytest's reports, by category. Reports that do not belong to a case, such as warnings, are ignored.
    """
    return {
        report.nodeid: outcome
        for outcome in _OUTCOMES
        for report in reports.get(outcome, ())
        if isinstance(report, pytest.TestReport)
    }


def describe_cases(outcomes: Mapping[str, str]) -> str:
    """Describe the outcomes in a line such as `2 test functions, 5 cases: 4 passed, 1 failed`."""
    functions = {node_id.partition("[")[0] for node_id in outcomes}
    counts = Counter(outcomes.values())
    shown = ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in _OUTCOMES if counts[outcome])
    return f"{_count(len(functions), 'test function')}, {_count(len(outcomes), 'case')}: {shown}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
