"""The deployment package, unpacked outside the checkout, with a virtual environment of `requirements.txt` alone.

Tests of `tests/e2e` run on it if `PACKAGED_APP` names the folder that `unpack` has made.
"""

from __future__ import annotations

import os
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

from devhost.local.environment import in_venv
from devhost.local.paths import ROOT


@dataclass(frozen=True, slots=True)
class PackagedApp:
    """A folder with the unpacked app, its Python, and a link to devhost, which stands in for the Functions host."""

    folder: Path

    @property
    def app(self) -> Path:
        return self.folder / "app"

    @property
    def python(self) -> Path:
        return self.folder / "venv" / in_venv("python").parent.name / in_venv("python").name

    @property
    def python_path(self) -> Path:
        return self.folder / "host"


def packaged_app() -> PackagedApp | None:
    """Return the app that `PACKAGED_APP` names."""
    named = os.environ.get("PACKAGED_APP")
    return PackagedApp(Path(named)) if named else None


def unpack(package: Path, folder: Path) -> PackagedApp:
    """Unpack a package, and install what its `requirements.txt` names, and nothing else."""
    unpacked = PackagedApp(folder)
    with zipfile.ZipFile(package) as archive:
        archive.extractall(unpacked.app)
    unpacked.python_path.mkdir()
    (unpacked.python_path / "devhost").symlink_to(ROOT / "devhost", target_is_directory=True)
    _uv("venv", "--python", in_venv("python"), folder / "venv")
    _uv("pip", "install", "--python", unpacked.python, "-r", unpacked.app / "requirements.txt")
    return unpacked


def _uv(*arguments: str | Path) -> None:
    done = subprocess.run([in_venv("uv"), "-q", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
