"""What the database servers of the tests share: whom they run as, and a folder that goes when they stop."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from pathlib import Path

from devhost.local.guard import identity
from devhost.local.processes import Account


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


def _remove_leftovers(place: Path, prefix: str) -> None:
    """Remove the data of runs that were killed; the guard has ended their servers."""
    for folder in place.glob(f"{prefix}*-*"):
        run = folder.name.removeprefix(prefix).partition("-")[0]
        if run.isdecimal() and identity(int(run)) is None:
            shutil.rmtree(folder, ignore_errors=True)
