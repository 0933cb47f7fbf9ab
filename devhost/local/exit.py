"""Runs a command, and turns signals and expected errors into exit codes."""

from __future__ import annotations

import io
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from devhost.local.folders import explain_unwritable

if TYPE_CHECKING:
    from collections.abc import Callable


def run_to_exit_code(command: Callable[[], int], expected_errors: tuple[type[Exception], ...]) -> int:
    """Run one command, and return its exit code.

    Args:
        expected_errors: Errors whose message tells the user enough. They are printed without a traceback.
    """
    handle_signals()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a character that the terminal lacks must not end the run
    try:
        return command()
    except expected_errors as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of the output has ended, as in `dev.py run | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        line = explain_unwritable(error)
        if line is None:
            raise
        print(f"\n{line}", file=sys.stderr)
        return 1


def handle_signals() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a program that a shell starts with `&` ignores SIGINT
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), exit_by_signal)


def ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def exit_by_signal(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)
