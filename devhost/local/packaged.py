"""Unpacks the deployment package outside the checkout, with a virtual environment of `requirements.txt` alone.

Systems of tests run it if the environment variable `PACKAGED_APP` names the folder that `unpack` has made.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devhost.local.environment import in_venv
from devhost.local.paths import ROOT
from devhost.local.processes import run_quietly

if TYPE_CHECKING:
    from pathlib import Path

SETTING = "PACKAGED_APP"


@dataclass(frozen=True)
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


def unpack(package: Path, folder: Path) -> PackagedApp:
    """Unpack a package, and install what its `requirements.txt` names, and nothing else.

    Raises:
        DevError: The packages could not be installed.
    """
    unpacked = PackagedApp(folder)
    with zipfile.ZipFile(package) as archive:
        archive.extractall(unpacked.app)
    unpacked.python_path.mkdir()
    (unpacked.python_path / "devhost").symlink_to(ROOT / "devhost", target_is_directory=True)
    failure = "The requirements of the deployment package could not be installed."
    for arguments in (
        ("venv", "--python", in_venv("python"), folder / "venv"),
        ("pip", "install", "--python", unpacked.python, "-r", unpacked.app / "requirements.txt"),
    ):
        run_quietly([in_venv("uv"), "-q", *arguments], failure)
    return unpacked
