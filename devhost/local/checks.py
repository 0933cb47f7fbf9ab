"""The test command of dev.py: runs linters, type check and tests, and prints the result and duration of each."""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from devhost.local import engine_program, hosts, package, packaged
from devhost.local.environment import in_venv
from devhost.local.errors import DevError
from devhost.local.processes import Process

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

STATIC_CHECKS = {
    "ruff check": ("ruff", "check", "--output-format=concise"),
    "ruff format": ("ruff", "format", "--check"),
    "mypy": ("mypy",),
    "lint-imports": ("lint-imports", "--no-logo"),
}

ON_ENGINE = ("tests/chaos/test_chaos.py", "tests/faults", "tests/e2e")
"""The tests that `--engine` runs. They know the system by HTTP alone, so the engine makes no difference to them.

A thorough run repeats them on the real Durable extension. The longest file is the first to start."""

_OF_E2E = (
    *("docs", "engine", "export", "jobs", "links", "notifications", "schedules"),
    *("simultaneous_starts", "smoke", "telemetry", "webhooks", "workbooks"),
)
ON_ENGINE_BY_DEFAULT = tuple(f"tests/e2e/test_{name}.py" for name in _OF_E2E)
"""Those of them that every other run of all tests runs there, in the deployment package.

They are the files about what orchestrations and timers do, and about the documents that the package must hold. The
rest of `tests/e2e` runs on devhost then, where a system starts for half the processor time. `tests/faults` and chaos
wait for a minute after each killed host."""

_PROCESSES = min(4, (os.cpu_count() or 1) + 1)
IN_PARALLEL = (f"--numprocesses={_PROCESSES}", "--dist=loadfile", "--no-loadscope-reorder")
"""One process more than there are cores, because tests often wait; at most four. Each has servers of its own.

Each process runs whole files.

The files run in the order of their names. So files that share a server run one after another, and the quick files of
`tests/unit` run last, when one long file would otherwise keep a single process busy and leave the others idle."""


LONG_WAITS = "--timeout=600"
"""Twice the usual limit of a test, because a killed host costs a minute on the real Durable extension."""

_FOR_SHORT_RUNS = {"DOTNET_TC_CallCounting": "0"}
"""The extension of a test soon ends, so .NET need not compile its busy methods again, which takes seconds."""

SIDE_BY_SIDE = ("--numprocesses=4", "--dist=loadfile", "--no-loadscope-reorder")
"""Four processes even on two cores, for tests that mostly wait."""


@dataclass(frozen=True)
class Check:
    """One step of the test command, and its result."""

    name: str
    seconds: float
    ok: bool


@dataclass(frozen=True)
class Summary:
    """The end of pytest's output.

    Attributes:
        cases: How many test functions and cases ran, as `tests/conftest.py` counts them; empty if no test ran.
        totals: Pytest's own last line.
    """

    cases: str
    totals: str

    def __str__(self) -> str:
        return f"{self.cases}\n{self.totals}" if self.cases else self.totals


def under_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("1", "true")


THOROUGH = "thorough"
"""The mark of tests that take long, while others show the same in short or they rarely fail.

A run without arguments leaves them out, except under CI and with `--thorough`."""


def refuse_skipping_under_ci(fast: bool) -> None:
    """Raise a DevError if `--fast` would skip tests under CI, where every test must run."""
    if fast and under_ci():
        raise DevError("CI is set, so every test must run: leave out --fast.")


def run_checks(fast: bool, thorough: bool, pytest_args: Sequence[str]) -> bool:
    """Run all checks, even after one has failed, and return whether all succeeded.

    Without arguments for pytest, some tests also run on the real Durable extension, if its program is found.

    Args:
        fast: Leave out the tests that are marked `slow`.
        thorough: Run the tests that are marked `thorough`, and repeat all that `--engine` runs, as CI does.
    """
    thorough = thorough or under_ci()
    checks = [run_static_check(name, command) for name, command in STATIC_CHECKS.items()]
    tests, summary = run_pytest(chosen_tests(fast, thorough, pytest_args))
    checks.append(fail_if_skipped(tests, summary))
    if not fast and not pytest_args:
        checks.append(run_default_on_engine(thorough))
    report(checks)
    print(summary)
    if not fast and not thorough and not pytest_args:
        on_engine = "`tests/faults`, chaos and most of `tests/e2e` on the real Durable extension"
        left_out = f"the tests marked `{THOROUGH}`, and {on_engine}"
        print(f"Left to CI, or to `dev.py test --thorough`: {left_out}.")
    return all(check.ok for check in checks)


def chosen_tests(fast: bool, thorough: bool, pytest_args: Sequence[str]) -> list[str]:
    """Return the arguments with which pytest runs the wanted tests.

    A run that is not thorough leaves some files to the real Durable extension, where its program is found.
    """
    if pytest_args:
        return [*(("-m", "not slow") if fast else ()), *pytest_args]
    left_out = [mark for mark, is_left_out in (("slow", fast), (THOROUGH, not thorough)) if is_left_out]
    marks = ("-m", " and ".join(f"not {mark}" for mark in left_out)) if left_out else ()
    run_elsewhere = () if fast or thorough or engine_program.find() is None else ON_ENGINE_BY_DEFAULT
    return [*marks, *(f"--ignore={tests}" for tests in run_elsewhere), *IN_PARALLEL]


def run_default_on_engine(thorough: bool) -> Check:
    """Run tests on the real Durable extension: all that `--engine` runs if thorough, otherwise some of `tests/e2e`.

    The systems of these tests run the unpacked deployment package. Without the program, prints where to get it. Under
    CI that is a failure.
    """
    found = engine_program.find()
    if found is None:
        print(engine_program.HOW_TO_GET)
        return Check("on engine", 0.0, ok=not under_ci())
    short = (*ON_ENGINE_BY_DEFAULT, "-m", f"not {THOROUGH}", *IN_PARALLEL)
    arguments = (*ON_ENGINE, *SIDE_BY_SIDE) if thorough else short
    with packaged_systems():
        tests, summary = pytest_on_engine(engine_program.executable(found), arguments)
    print(summary)
    return tests


@contextmanager
def packaged_systems() -> Iterator[None]:
    """Make tests run their systems from the deployment package, which shows that nothing is missing in it."""
    with tempfile.TemporaryDirectory() as folder:
        package.make_package(Path(folder, "client-export.zip"))
        unpacked = packaged.unpack(Path(folder, "client-export.zip"), Path(folder, "unpacked"))
        os.environ[packaged.SETTING] = str(unpacked.folder)
        try:
            yield
        finally:
            del os.environ[packaged.SETTING]


def run_on_engine(program: Path, pytest_args: Sequence[str]) -> bool:
    """Run the tests that need no particular engine on the real Durable extension; return whether all succeeded.

    Args:
        pytest_args: Which of these tests to run; empty: all, several side by side, because killed hosts only wait.
    """
    return reported(*pytest_on_engine(program, pytest_args or [*ON_ENGINE, *SIDE_BY_SIDE]))


def run_on_host(kind: str, pytest_args: Sequence[str]) -> bool:
    """Run the tests that need no particular host, those of `tests/e2e`, on Core Tools; return whether all succeeded.

    Args:
        pytest_args: Which of these tests to run; empty: all but the thorough ones, one process, because each host of
            Core Tools starts a program of its own for the Durable extension.
    """
    short = ("tests/e2e", "-m", f"not {THOROUGH}")
    return reported(*pytest_with({hosts.USED: kind}, pytest_args or short, "on host", "Azure Functions Core Tools"))


def reported(tests: Check, summary: Summary) -> bool:
    """Print the result of the only check of a run, and return whether it succeeded."""
    report([tests])
    print(summary)
    return tests.ok


def pytest_on_engine(program: Path, pytest_args: Sequence[str]) -> tuple[Check, Summary]:
    changes = {engine_program.USED: str(program), **_FOR_SHORT_RUNS}
    return pytest_with(changes, pytest_args, "on engine", "the real Durable extension")


def pytest_with(changes: Mapping[str, str], pytest_args: Sequence[str], name: str, on: str) -> tuple[Check, Summary]:
    """Run tests in a changed environment, with which they start their systems differently."""
    os.environ |= changes
    try:
        tests, summary = run_pytest([LONG_WAITS, *pytest_args], f"pytest on {on}")
    finally:
        for setting in changes:
            del os.environ[setting]
    tests = Check(name, tests.seconds, tests.ok)
    return fail_if_skipped(tests, summary), summary


def fail_if_skipped(tests: Check, summary: Summary) -> Check:
    if under_ci() and re.search(r"\d+ skipped", summary.totals):
        print("CI is set, so every test must run, but some were skipped.")
        return Check(tests.name, tests.seconds, ok=False)
    return tests


def report(checks: Sequence[Check]) -> None:
    print()
    for check in checks:
        print(f"  {check.name:<14}{check.seconds:7.1f} s  {'ok' if check.ok else 'FAILED'}")


def run_static_check(name: str, command: Sequence[str]) -> Check:
    started = time.monotonic()
    print(f"  {name} … ", end="", flush=True)
    ok, output = run_program([in_venv(command[0]), *command[1:]], live=False)
    seconds = time.monotonic() - started
    print(f"{'ok' if ok else 'FAILED'}, {seconds:.1f} s\n{'' if ok else output}", end="", flush=True)
    return Check(name, seconds, ok)


def run_pytest(arguments: Sequence[str], title: str = "pytest") -> tuple[Check, Summary]:
    """Run pytest, and show its output meanwhile below the title."""
    started = time.monotonic()
    print(f"  {title}", flush=True)
    colour = "yes" if sys.stdout.isatty() else "no"
    ok, output = run_program([in_venv("python"), "-m", "pytest", f"--color={colour}", *arguments], live=True)
    return Check("pytest", time.monotonic() - started, ok), summarize(output)


def summarize(pytest_output: str) -> Summary:
    """Find the counts at the end of pytest's output, and remove colours and rulers from them.

    If pytest has counted nothing, `totals` is its last line of any kind.
    """
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip("= ") for line in pytest_output.splitlines()]
    cases = [line for line in lines if re.match(r"[\d,]+ test functions?, [\d,]+ cases?: ", line)]
    totals = [line for line in lines if re.search(r"\d+ (passed|failed|errors?|skipped|deselected)\b.* in ", line)]
    last = (totals or [line for line in lines if line] or ["pytest printed nothing"])[-1]
    return Summary(cases[-1] if cases else "", last)


def run_program(command: Sequence[str | Path], *, live: bool) -> tuple[bool, str]:
    """Run a program, and print its output meanwhile if `live`.

    Returns:
        Whether the program succeeded, and its whole output.
    """
    with tempfile.TemporaryDirectory() as folder:
        process = Process(str(command[0]), command, log=Path(folder) / "output.log", env={"PYTHONUNBUFFERED": "1"})
        with process.log.open(encoding="utf-8", errors="replace") as output:
            try:
                while process.running:
                    show_new(output, live)
                    time.sleep(0.05)
            finally:
                process.stop(ask_with=signal.SIGINT, timeout_seconds=20)
                show_new(output, live)
        return process.wait() == 0, process.log.read_text(encoding="utf-8", errors="replace")


def show_new(output: IO[str], live: bool) -> None:
    if live and (text := output.read()):
        print(text, end="", flush=True)
