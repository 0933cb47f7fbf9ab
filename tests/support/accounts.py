"""What the database servers of the tests share: whom they run as, a folder that goes when they stop, how they start."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from devhost.local.errors import DevError
from devhost.local.guard import identity
from devhost.local.processes import Account, Process

START_SECONDS = 60.0


def server_account() -> Account | None:
    """Database servers refuse to run as root; None where that is not needed."""
    if os.geteuid():
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def temporary_folder(prefix: str, account: Account | None) -> Path:
    """A folder named for its run. Root's own place for such folders may be closed to others, so it is left aside."""
    place = Path("/tmp") if account else Path(tempfile.gettempdir())
    _remove_leftovers(place, prefix)
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=place))
    give(folder, account)
    return folder


def give(path: Path, account: Account | None) -> None:
    """Make the account own a file."""
    if account:
        os.chown(path, account.user, account.group, follow_symlinks=False)


def make_data(
    command: Sequence[str | Path], folder: Path, account: Account | None, env: Mapping[str, str] | None = None
) -> None:
    """Run the program that makes what a server keeps.

    Raises:
        DevError: It did not succeed; with what it said.
    """
    made = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **(account.as_options() if account else {}),
    )
    if made.returncode:
        message = f"{command[0]} could not make the data of a server. It said:\n{made.stdout}"
        raise DevError(message)


def wait_until_said(process: Process, text: str) -> None:
    """Wait until the log of a server says that it is ready.

    Raises:
        DevError: It did not start.
    """
    deadline = time.monotonic() + START_SECONDS
    while process.running and time.monotonic() < deadline:
        if text in process.log.read_text(encoding="utf-8", errors="replace"):
            return
        time.sleep(0.02)
    message = f"{process.name} did not start. Its last lines:\n{process.tail()}"
    raise DevError(message)


def _remove_leftovers(place: Path, prefix: str) -> None:
    """Remove the data of runs that were killed; the guard has ended their servers."""
    for folder in place.glob(f"{prefix}*-*"):
        run = folder.name.removeprefix(prefix).partition("-")[0]
        if run.isdecimal() and identity(int(run)) is None:
            shutil.rmtree(folder, ignore_errors=True)
