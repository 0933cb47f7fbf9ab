"""Hooks of the fakes: tests set one to act, or to raise, in the middle of a call."""

from __future__ import annotations

from collections.abc import Callable

Hook = Callable[[], None]


def do_nothing() -> None:
    """Stand where a test has set no hook."""
