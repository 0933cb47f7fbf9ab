"""Keeps compiled modules, so that the many Python programs that a run starts need not compile the same files again."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from devhost.local.paths import LOCAL

_FOLDER = LOCAL / "bytecode"


def keep_bytecode() -> None:
    """Let this process and those that it starts write compiled modules to `.local`, if they may not do so elsewhere.

    Containers often set PYTHONDONTWRITEBYTECODE. Compiling the app takes a quarter of the time in which a worker
    process starts, and compiling all tests half of the time in which pytest collects them.
    """
    if not sys.dont_write_bytecode or sys.pycache_prefix:
        return
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(_FOLDER)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(_FOLDER)


def discard_temporary_bytecode() -> None:
    """Delete the compiled modules of temporary folders, such as unpacked packages: no later run has these folders."""
    if sys.pycache_prefix == str(_FOLDER):
        shutil.rmtree(_FOLDER / Path(tempfile.gettempdir()).relative_to("/"), ignore_errors=True)
