"""Refuses Python versions that the project cannot run on, in one sentence, before anything is installed.

Every Python, even 2.7, must be able to read this file and run it: dev.py imports it before anything else.
"""

# ruff: noqa: UP030, UP032, PTH123 - what replaces these is not in Python 2.7

import os
import subprocess
import sys

OLDEST_PYTHON = (3, 11)
NEWEST_PYTHON = (3, 14)
"""The newest version for which every pinned package offers a wheel."""


def problem_of(version, implementation, known):
    # type: (tuple[int, ...], str, list[str]) -> str | None
    """Return why this Python cannot run the project, and which command to use instead, or None.

    Args:
        version: Such as `sys.version_info`.
        implementation: Such as "CPython", from `platform.python_implementation`.
        known: Names of Python commands that this machine has, the best first.
    """
    found = "{0} {1}".format(implementation, ".".join(str(part) for part in version[:3]))
    if implementation == "CPython" and OLDEST_PYTHON <= tuple(version[:2]) <= NEWEST_PYTHON:
        return None
    bounds = [".".join(str(part) for part in bound) for bound in (OLDEST_PYTHON, NEWEST_PYTHON)]
    hint = "Use: {0} dev.py".format(known[0]) if known else "Install one of them from python.org."
    return "client-export needs CPython {0} to {1}; this is {2}. {3}".format(bounds[0], bounds[1], found, hint)


def known_commands():
    # type: () -> list[str]
    """Return the commands, such as `python3.13`, that start a supported version here, the newest first."""
    names = ["python3.{0}".format(minor) for minor in range(NEWEST_PYTHON[1], OLDEST_PYTHON[1] - 1, -1)]
    return [name for name in names if runs(name)]


def runs(command):
    # type: (str) -> bool
    """Return whether a command exists and works: a name on PATH can be a stub of a version manager."""
    try:
        with open(os.devnull, "w") as nowhere:
            return subprocess.call([command, "-c", ""], stdout=nowhere, stderr=nowhere) == 0
    except OSError:
        return False


def require_python():
    # type: () -> None
    """End the program with one sentence if this Python cannot run the project."""
    import platform

    problem = problem_of(tuple(sys.version_info[:3]), platform.python_implementation(), known_commands())
    if problem:
        sys.exit(problem)
