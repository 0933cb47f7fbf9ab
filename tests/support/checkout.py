"""A copy of the project in a folder of its own, in which tests run `dev.py` as a user does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devhost.local.environment import digest
from devhost.local.paths import ROOT, VENV
from devhost.local.ports import free_port
from devhost.local.processes import Process

_FOLDERS = ("client", "devhost", "exports", "shared")
_FILES = (
    "dev.py",
    "dev_commands.py",
    "function_app.py",
    "host.json",
    "local.settings.sample.json",
    "package-lock.json",
    "package.json",
    "requirements-dev.txt",
    "requirements.txt",
)
_STAMPS = {
    ".venv/requirements.sha256": ("requirements.txt", "requirements-dev.txt"),
    "node_modules/.package-lock.sha256": ("package.json", "package-lock.json"),
}


@dataclass(frozen=True)
class Checkout:
    """The copy. Its packages are those of the real project, by links."""

    folder: Path

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command of `dev.py` to its end."""
        command: list[str | Path] = [sys.executable, self.folder / "dev.py", *arguments]
        env = {**_environment(), **variables}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd=self.folder)

    @contextmanager
    def running(self, *arguments: str, env: Mapping[str, str]) -> Iterator[Process]:
        """Run a command of `dev.py` until the end of the block."""
        command: list[str | Path] = [sys.executable, "-u", self.folder / "dev.py", *arguments]
        process = Process("dev.py", command, log=self.folder.parent / "dev.log", env=env, cwd=self.folder)
        try:
            yield process
        finally:
            process.stop(timeout_seconds=60)


def run_options(*more: str) -> tuple[str, ...]:
    """Return the arguments of a short `dev.py run` on a free port."""
    return ("run", "--host", "devhost", "--clients", "200", "--workers", "1", "--port", str(free_port()), *more)


def a_checkout(folder: Path) -> Checkout:
    """Copy the project to a new folder, set up: what `dev.py setup` installs is linked."""
    folder.mkdir()
    for name in _FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "engine"))
    for name in _FILES:
        shutil.copy(ROOT / name, folder / name)
    for origin in (VENV, ROOT / "node_modules"):
        (folder / origin.name).mkdir()
        for entry in origin.iterdir():
            (folder / origin.name / entry.name).symlink_to(entry)
    for stamp, sources in _STAMPS.items():
        (folder / stamp).unlink(missing_ok=True)
        (folder / stamp).write_text(digest(folder / source for source in sources))
    return Checkout(folder)


def _environment() -> dict[str, str]:
    """Return the variables of this process without those that would change what `dev.py` does."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("EXPORT_", "CLIENT_EXPORT_"))}
