"""Checks many cases in one test, and reports all failures together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")


def assert_each(cases: Mapping[str, T], check: Callable[[T], object]) -> None:
    """Run a check on every case, by name. Fail after the last case if the check failed for any of them.

    Use it for generated cases that are one promise, for example all routes. Cases that differ in what they show are
    parameters of a test.
    """
    assert cases, "there are no cases"
    failures = {}
    for name, case in cases.items():
        try:
            check(case)
        except AssertionError as error:
            failures[name] = str(error)
    assert not failures, "\n".join(f"{name}: {failure}" for name, failure in failures.items())
