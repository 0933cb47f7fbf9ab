"""Ends process groups, by a guard process even when this program was killed.

The guard process runs this file as its program. So the file imports the standard library only.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

STOP_SECONDS = 5.0


def identity(pid: int) -> str | None:
    """Return when a process started, which tells it from a later process with the same id; None if it has ended."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    try:
        if boot.exists():
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            state, started = fields[0], f"{fields[19]} ticks after boot {boot.read_text().strip()}"
        else:
            command = ["ps", "-o", "state=,lstart=", "-p", str(pid)]
            state, _, started = subprocess.run(command, capture_output=True, text=True, check=False).stdout.partition(
                " "
            )
    except OSError:
        return None
    return started.strip() if state and not state.startswith("Z") else None


def kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "nt":
            os.kill(pid, signal.SIGTERM)
        else:
            os.killpg(pid, signal.SIGKILL)


def end_groups(pids: Iterable[int]) -> None:
    """End process groups that are not children of this process: ask their leaders, wait, then kill the rest."""
    leaders = list(pids)
    for pid in leaders:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline and any(identity(pid) for pid in leaders):
        time.sleep(0.05)
    for pid in leaders:
        kill_group(pid)


class Guard:
    """Ends the watched process groups when this program has ended, even by kill -9.

    A second, small process reads a pipe from this program. The kernel closes the pipe however this program ends.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def watch(self, pid: int) -> None:
        self._send(f"+{pid}\n")

    def forget(self, pid: int) -> None:
        self._send(f"-{pid}\n")

    def close(self) -> None:
        if self._process and self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            self._process.wait()
            self._process = None

    def _send(self, line: str) -> None:
        if os.name == "nt":
            return
        if self._process is None:
            command = [sys.executable, "-I", str(Path(__file__).resolve())]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)
            atexit.register(self.close)
        if self._process.stdin:
            with contextlib.suppress(OSError):  # the guard was killed; the other ways of ending the groups remain
                self._process.stdin.write(line)
                self._process.stdin.flush()


def guard_main(lines: Iterable[str]) -> None:
    """Run the guard: read `+pid` and `-pid` until the pipe closes, then end the groups that are still watched."""
    watched: set[int] = set()
    for line in lines:
        (watched.add if line.startswith("+") else watched.discard)(int(line[1:]))
    end_groups(watched)


GUARD = Guard()


if __name__ == "__main__":
    guard_main(sys.stdin)
