"""The folders of copies of a SQLite file, and the removal of copies that killed processes have left behind."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir

_PREFIX = "clients-snapshot-"
_NAME = "clients.sqlite"
_SETTLED_SECONDS = 10.0


@contextmanager
def path_for_copy() -> Iterator[Path]:
    """Give a path in a folder of its own, which is removed at the end. Also remove abandoned copies."""
    _remove_abandoned()
    with TemporaryDirectory(prefix=_PREFIX) as folder:
        yield Path(folder).resolve() / _NAME


def _remove_abandoned() -> None:
    for folder in Path(gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another process may have removed it
            if _is_ours(folder) and _is_abandoned(folder / _NAME):
                rmtree(folder)


def _is_ours(folder: Path) -> bool:
    """Say whether this user has made the folder. Others may write in the temporary folder too."""
    return folder.lstat().st_uid == getattr(os, "getuid", int)()


def _is_abandoned(copy: Path) -> bool:
    """Say whether nobody has the copy locked, as those do who write or read it.

    In between it is not locked for a moment, so young ones are left alone.
    """
    if time.time() - copy.stat().st_mtime < _SETTLED_SECONDS:
        return False
    try:
        with closing(sqlite3.connect(f"{copy.as_uri()}?mode=rw", uri=True, timeout=0)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError:
        return True  # its writer was killed midway
    return True
