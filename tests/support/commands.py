"""Runs commands of `python -m exports` inside the test's process, because a new process takes a second to start."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest.mock import patch

from exports.__main__ import main


@dataclass(frozen=True)
class Finished:
    """The exit code of a command, and its output."""

    code: int
    out: str
    err: str


def run_command(*arguments: str, **settings: str) -> Finished:
    """Run a command with app settings in its environment."""
    out, err = io.StringIO(), io.StringIO()
    with patch.dict(os.environ, settings), redirect_stdout(out), redirect_stderr(err):
        code = main(arguments)
    return Finished(code, out.getvalue(), err.getvalue())
