"""Checks that a tag names the version of the project and of its changelog, and prints the notes of that version.

Usage: python check_release.py TAG. Standard library only.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


class ReleaseError(Exception):
    """The tag does not fit the files. The text says what to change."""


def notes_of(tag: str, root: Path = ROOT) -> str:
    """Return the notes of the version that a tag names.

    Raises:
        ReleaseError: The version of the project is another one, or the changelog has no date or no notes for it.
    """
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if tag != f"v{version}":
        message = (
            f"The tag is {tag}, but pyproject.toml has the version {version}; the tag of that version is v{version}."
        )
        raise ReleaseError(message)
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(version)} — ([^\n]+)\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not found or not found[2].strip():
        message = f"CHANGELOG.md has no notes under “## {version} — date”."
        raise ReleaseError(message)
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", found[1].strip()):
        message = f"CHANGELOG.md calls the version {version} “{found[1].strip()}”. Write the date of the release there."
        raise ReleaseError(message)
    return found[2].strip() + "\n"


if __name__ == "__main__":
    try:
        sys.stdout.write(notes_of(sys.argv[1]))
    except ReleaseError as error:
        sys.exit(str(error))
