"""Sets up the virtual environment `.venv` and the Python packages in it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from devhost.local.console import step
from devhost.local.errors import DevError
from devhost.local.folders import require_writable
from devhost.local.paths import ROOT, VENV
from devhost.local.processes import run_quietly
from devhost.local.python_version import OLDEST_PYTHON

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

REQUIREMENTS = (ROOT / "requirements.txt", ROOT / "requirements-dev.txt")


def in_venv(program: str) -> Path:
    """Return the path of a program in the virtual environment."""
    return VENV / ("Scripts" if os.name == "nt" else "bin") / program


def digest(paths: Iterable[Path]) -> str:
    """Return the SHA-256 of the contents of all files together."""
    content = hashlib.sha256()
    for path in paths:
        content.update(path.read_bytes())
    return content.hexdigest()


def is_current(stamp: Path, sources: Iterable[Path]) -> bool:
    """Return whether the stamp, which marks finished set-up work, was written for files with exactly these contents."""
    return stamp.exists() and stamp.read_text() == digest(sources)


def has_pip(python: Path) -> bool:
    if not python.exists():
        return False
    return subprocess.run([str(python), "-c", "import pip"], capture_output=True, check=False).returncode == 0


def make_venv() -> None:
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        message = (
            f"{sys.executable} cannot create virtual environments, because its module ensurepip is missing.\n"
            "  On Debian and Ubuntu: sudo apt install python3-venv. Elsewhere: install Python from python.org."
        )
        raise DevError(message) from None
    with step("Creating .venv"):
        run_quietly([sys.executable, "-m", "venv", "--clear", VENV], "The virtual environment could not be created.")


def python_of(venv: Path) -> str | None:
    """Return the version, such as `3.13`, of the Python that a virtual environment was made with, or None."""
    try:
        lines = (venv / "pyvenv.cfg").read_text().splitlines()
    except OSError:
        return None
    found = (value.strip() for key, _, value in (line.partition("=") for line in lines) if key.strip() == "version")
    return next((".".join(version.split(".")[:2]) for version in found), None)


def set_up_python() -> None:
    """Make `.venv` hold the pinned packages, for the Python that runs this."""
    stamp = VENV / "requirements.sha256"
    same_python = python_of(VENV) == "{}.{}".format(*sys.version_info)
    if same_python and is_current(stamp, REQUIREMENTS) and in_venv("python").exists():
        return
    require_writable(VENV)
    if not same_python or not has_pip(in_venv("python")):
        make_venv()
    with step("Installing Python packages (once, about a minute)"):
        pip_install(
            ["-r", str(REQUIREMENTS[0]), "-r", str(REQUIREMENTS[1])], "The Python packages could not be installed."
        )
    stamp.write_text(digest(REQUIREMENTS))


def pip_install(arguments: Sequence[str], failure: str) -> None:
    run_quietly(
        [in_venv("python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *arguments],
        f"{failure}\n"
        "  Check the network. If you use a proxy or a package mirror, name it in the environment\n"
        "  (HTTPS_PROXY, PIP_INDEX_URL). Then run the command again: it skips finished steps.",
    )


def lock(upgrade: bool) -> None:
    """Pin requirements*.txt from requirements*.in, for every Python version that the project supports."""
    set_up_python()
    oldest = "{}.{}".format(*OLDEST_PYTHON)
    options = ["--generate-hashes", "--no-emit-index-url", "--universal", "--python-version", oldest, "-q"]
    options += ["--custom-compile-command", "python3 dev.py lock", *(["--upgrade"] if upgrade else [])]
    for target in REQUIREMENTS:
        with step(f"Compiling {target.name}"):
            sources = [target.with_suffix(".in").name, "-o", target.name]
            run_quietly([in_venv("uv"), "pip", "compile", *options, *sources], f"{target.name} could not be compiled.")
