"""Code that the database servers of the tests share: their user account, their temporary folder, and their start."""

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
    """Return the account to run a database server as, because such servers refuse root; None if this is not root."""
    if os.geteuid():
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def temporary_folder(prefix: str, account: Account | None) -> Path:
    """Create a folder whose name contains the id of this process.

    If another account is to use the folder, it is not made in root's own temporary directory, which may be closed to
    other users.
    """
    parent = Path("/tmp") if account else Path(tempfile.gettempdir())
    _remove_abandoned_folders(parent, prefix)
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=parent))
    set_owner(folder, account)
    return folder


def set_owner(path: Path, account: Account | None) -> None:
    """Make the account the owner of a file; do nothing without an account."""
    if account:
        os.chown(path, account.user, account.group, follow_symlinks=False)


def create_data_directory(
    command: Sequence[str | Path], folder: Path, account: Account | None, env: Mapping[str, str] | None = None
) -> None:
    """Run the program that creates the data directory of a server.

    Raises:
        DevError: The program failed; the message contains its output.
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
        message = f"{command[0]} could not create the data directory of a server. Its output:\n{made.stdout}"
        raise DevError(message)


def wait_for_log_text(process: Process, text: str) -> None:
    """Wait until the log of a server contains a text.

    Raises:
        DevError: The server ended, or did not write the text within a minute.
    """
    deadline = time.monotonic() + START_SECONDS
    while process.running and time.monotonic() < deadline:
        if text in process.log.read_text(encoding="utf-8", errors="replace"):
            return
        time.sleep(0.02)
    message = f"{process.name} did not start. Its last lines:\n{process.tail()}"
    raise DevError(message)


def _remove_abandoned_folders(parent: Path, prefix: str) -> None:
    """Remove the folders of test runs that were killed. The guard process has ended their servers."""
    for folder in parent.glob(f"{prefix}*-*"):
        run = folder.name.removeprefix(prefix).partition("-")[0]
        if run.isdecimal() and identity(int(run)) is None:
            shutil.rmtree(folder, ignore_errors=True)
