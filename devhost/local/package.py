"""Makes the deployment package: a zip file that holds what runs in Azure, and nothing else.

The same tree always gives the same bytes: names are sorted, times are fixed. Azure installs the packages of
`requirements.txt` when it receives the file (remote build).
"""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from pathlib import Path

from devhost.local.errors import DevError
from devhost.local.paths import ROOT

FILES = ("function_app.py", "host.json", "requirements.txt")
FOLDERS = ("exports", "shared")
_LEFT_OUT = ("exports/commands/", "exports/__main__.py")
"""Commands of operators, who run them from a checkout."""
_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time of a zip file."""
_MODE = 0o644 << 16


def packaged_files() -> list[str]:
    """Return the paths of the files in the package. Files that git ignores are not in it; new ones are."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *FILES, *FOLDERS]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    found = {path for path in listed.stdout.decode().split("\0") if path and (ROOT / path).is_file()}
    if missing := set(FILES) - found:
        message = f"Git does not list {', '.join(sorted(missing))}. Make the package in a checkout with git."
        raise DevError(message)
    return sorted(path for path in found if not path.startswith(_LEFT_OUT))


def make_package(target: Path) -> str:
    """Write the package, and return its SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for path in packaged_files():
            entry = zipfile.ZipInfo(path, _TIME)
            entry.external_attr = _MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(entry, (ROOT / path).read_bytes())
    return hashlib.sha256(target.read_bytes()).hexdigest()
