"""Starts programs, and reliably ends them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devhost.local.errors import DevError
from devhost.local.guard import GUARD, STOP_SECONDS, kill_group
from devhost.local.paths import ROOT
from shared.text import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True)
class Account:
    """The user and group that a program runs as, for programs that refuse to run as root."""

    user: int
    group: int

    def as_options(self) -> dict[str, Any]:
        """Return them as keyword arguments for `subprocess`."""
        return {"user": self.user, "group": self.group, "extra_groups": []}


class Process:
    """A program that runs in a process group of its own and writes its output to a log file.

    Args:
        stop_seconds: How long `stop` waits for the program to end in order.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        account: Account | None = None,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self.name = name
        self.stop_seconds = stop_seconds
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._popen = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
                **(account.as_options() if account else {}),
            )
        self._ended = False
        GUARD.watch(self.pid)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    def wait(self) -> int:
        """Wait until the program ends by itself, and return its exit code."""
        return self._popen.wait()

    def stop(self, ask_with: signal.Signals = signal.SIGTERM, timeout_seconds: float | None = None) -> None:
        """Ask the program to end, wait, then kill the rest of its process group. Safe to call twice."""
        if self.running:
            self._popen.send_signal(ask_with)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(self.stop_seconds if timeout_seconds is None else timeout_seconds)
        self.kill()

    def kill(self) -> None:
        """Kill the whole process group at once, as kill -9 does. Safe to call twice."""
        if not self._ended:
            self._ended = True
            kill_group(self.pid)
            self._popen.wait()
            GUARD.forget(self.pid)

    def has_written(self, text: str) -> bool:
        """Return whether the output contains a text."""
        return not text or text in self.log.read_text(encoding="utf-8", errors="replace")

    def tail(self, lines: int = 20) -> str:
        """Return the last lines of the output, indented so that they can follow a message."""
        text = self.log.read_text(encoding="utf-8", errors="replace").rstrip()
        return "\n".join(f"    {shorten(line, 200)}" for line in text.splitlines()[-lines:]) or "    (no output)"


def run_quietly(command: Sequence[str | Path], failure: str) -> None:
    """Run a program to its end without showing its output.

    Raises:
        DevError: The program failed. The message holds `failure`, the command and the last lines of its output.
    """
    with tempfile.TemporaryDirectory() as folder:
        process = Process(Path(command[0]).name, command, log=Path(folder) / "output.log")
        try:
            code = process.wait()
        finally:
            process.stop()
        if code:
            tried = " ".join(str(part) for part in command)
            message = f"{failure}\n  Tried: {tried}\n  It ended with code {code}. Its last output:\n{process.tail()}"
            raise DevError(message)


def watch(processes: Sequence[Process], until: Callable[[], bool] = lambda: False) -> None:
    """Wait while all of the programs run, or until `until` is true.

    Raises:
        DevError: A program ended by itself.
    """
    while not until():
        for process in processes:
            if not process.running:
                message = f"{process.name} ended by itself. Its log ({process.log}) ends with:\n{process.tail()}"
                raise DevError(message)
        time.sleep(0.5)
