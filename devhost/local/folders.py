"""Says in one line why a folder or a file cannot be written, and what to do about it."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

from devhost.local.errors import DevError
from devhost.local.paths import shown_path

_PROBE_BYTES = 64 * 1024
_NO_RIGHT = "Give your user the right to write there, or use a copy of the project that belongs to you."
_IN_THE_WAY = "Something else has this name: rename it or move it away."
_NO_ROOM = "Make room on that disk."
_ADVICE = {
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.EROFS: "Use a copy of the project on a disk that can be written.",
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EISDIR: _IN_THE_WAY,
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
}


def require_writable(*folders: Path) -> None:
    """Make the folders that do not exist, and write to each. Nothing stays in them.

    Raises:
        DevError: A folder cannot be made or written. The message names it.
    """
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(bytes(_PROBE_BYTES))
        except OSError as error:
            raise DevError(explain_unwritable(error, folder) or str(error)) from error


def explain_unwritable(error: OSError, path: Path | None = None) -> str | None:
    """Return a line that names the path and says what to do. None: the error is of another kind.

    A refusal that names no file is one of those: it may concern a process or a port.

    Args:
        path: What was to be written; None: what the error names.
    """
    advice = _ADVICE.get(error.errno or 0)
    if advice is None:
        return None
    named = path or (Path(error.filename) if isinstance(error.filename, str) else None)
    if named is None and advice is not _NO_ROOM:
        return None
    return f"{shown_path(named) if named else 'A file'} cannot be written ({error.strerror}). {advice}"
