"""Commands of `python -m exports`, run in this process: a process of their own takes a second to start."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest.mock import patch

from exports.__main__ import main


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


def run_command(*arguments: str, **settings: str) -> Done:
    """Run a command with app settings in its environment."""
    out, err = io.StringIO(), io.StringIO()
    with patch.dict(os.environ, settings), redirect_stdout(out), redirect_stderr(err):
        code = main(arguments)
    return Done(code, out.getvalue(), err.getvalue())
