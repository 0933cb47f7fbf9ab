"""The counts of test functions and cases that `dev.py test` prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devhost.local.checks import summarize
from devhost.local.paths import ROOT
from tests.support.case_counts import describe_cases

TESTS = """
import pytest

@pytest.mark.parametrize("number", [1, 2, 3])
def test_even(number):
    assert number != 2

def test_skipped():
    pytest.skip()

@pytest.fixture
def broken():
    yield
    raise OSError

def test_with_broken_fixture(broken):
    pass
"""


@pytest.mark.parametrize(
    "processes", [[], pytest.param(["-n", "2"], marks=pytest.mark.thorough)], ids=["one process", "two processes"]
)
def test_functions_and_cases_are_counted_in_any_number_of_processes(tmp_path: Path, processes: list[str]) -> None:
    (tmp_path / "test_sample.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.conftest", *processes, "."]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)

    summary = summarize(done.stdout)

    assert summary.cases == "3 test functions, 5 cases: 2 passed, 1 skipped, 1 failed, 1 error"
    assert summary.totals.startswith("1 failed, 3 passed, 1 skipped, 1 error in ")


def test_large_and_single_counts_are_readable() -> None:
    assert describe_cases({"a.py::test": "passed"}) == "1 test function, 1 case: 1 passed"
    many = {f"a.py::test[{number}]": "passed" for number in range(1234)}
    assert describe_cases(many) == "1 test function, 1,234 cases: 1,234 passed"
