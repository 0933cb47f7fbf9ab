"""The test command: linters, type check and tests, each with its seconds."""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from devhost.local.environment import in_venv
from devhost.local.errors import DevError
from devhost.local.processes import Process

if TYPE_CHECKING:
    from collections.abc import Sequence

STATIC_CHECKS = {
    "ruff check": ("ruff", "check", "--output-format=concise"),
    "ruff format": ("ruff", "format", "--check"),
    "mypy": ("mypy",),
    "lint-imports": ("lint-imports", "--no-logo"),
}


SIDE_BY_SIDE = ("--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile", "--no-loadscope-reorder")
"""Two processes, or up to four, each with servers of its own, which take whole files in turn: tests mostly wait.

In the order of their names, so that those which share a server come after one another, and the quick ones of
`tests/unit` last, when a file that takes long would leave the other processes idle."""


@dataclass(frozen=True)
class Check:
    """One step of the test command, and how it went."""

    name: str
    seconds: float
    ok: bool


def under_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("1", "true")


def refuse_skipping_under_ci(fast: bool) -> None:
    if fast and under_ci():
        raise DevError("CI is set, where nothing may be skipped: run without --fast.")


def run_checks(fast: bool, pytest_args: Sequence[str]) -> bool:
    """Run all checks, whatever the earlier ones said; whether every one succeeded."""
    checks = [run_static_check(name, command) for name, command in STATIC_CHECKS.items()]
    tests, totals = run_pytest([*(("-m", "not slow") if fast else ()), *(pytest_args or SIDE_BY_SIDE)])
    if under_ci() and re.search(r"\d+ skipped", totals):
        print("CI is set, where nothing may be skipped, but tests were.")
        tests = Check(tests.name, tests.seconds, ok=False)
    checks.append(tests)
    print()
    for check in checks:
        print(f"  {check.name:<14}{check.seconds:7.1f} s  {'ok' if check.ok else 'FAILED'}")
    print(totals)
    return all(check.ok for check in checks)


def run_static_check(name: str, command: Sequence[str]) -> Check:
    started = time.monotonic()
    print(f"  {name} … ", end="", flush=True)
    ok, output = run_showing([in_venv(command[0]), *command[1:]], live=False)
    seconds = time.monotonic() - started
    print(f"{'ok' if ok else 'FAILED'}, {seconds:.1f} s\n{'' if ok else output}", end="", flush=True)
    return Check(name, seconds, ok)


def run_pytest(arguments: Sequence[str]) -> tuple[Check, str]:
    """The step, and pytest's own last line."""
    started = time.monotonic()
    print("  pytest", flush=True)
    colour = "yes" if sys.stdout.isatty() else "no"
    ok, output = run_showing([in_venv("python"), "-m", "pytest", f"--color={colour}", *arguments], live=True)
    return Check("pytest", time.monotonic() - started, ok), totals_line(output)


def totals_line(pytest_output: str) -> str:
    """`12 passed, 1 failed in 3.4s`, without colours and rulers; what pytest said last when it counted nothing."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip("= ") for line in pytest_output.splitlines()]
    counted = [line for line in lines if re.search(r"\d+ (passed|failed|errors?|skipped|deselected)\b.* in ", line)]
    return (counted or [line for line in lines if line] or ["pytest printed nothing"])[-1]


def run_showing(command: Sequence[str | Path], *, live: bool) -> tuple[bool, str]:
    """Run a program of the test command: whether it succeeded, and its output, which is printed meanwhile if `live`."""
    with tempfile.TemporaryDirectory() as folder:
        process = Process(str(command[0]), command, log=Path(folder) / "output.log", env={"PYTHONUNBUFFERED": "1"})
        with process.log.open(encoding="utf-8", errors="replace") as output:
            try:
                while process.running:
                    show_new(output, live)
                    time.sleep(0.05)
            finally:
                process.stop(ask_with=signal.SIGINT, patience_seconds=20)
                show_new(output, live)
        return process.wait() == 0, process.log.read_text(encoding="utf-8", errors="replace")


def show_new(output: IO[str], live: bool) -> None:
    if live and (text := output.read()):
        print(text, end="", flush=True)
