"""Renews the libraries of the UI: copies them from `node_modules` to `ui/vendor/`, with their hashes and licences."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from devhost.local.errors import DevError
from devhost.local.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "exports" / "triggers" / "http" / "ui" / "vendor"
LIST = FOLDER / "vendor.json"
_MODULES = ROOT / "node_modules"


def renew() -> list[str]:
    """Copy each library that is listed, and record its version, hash and licence. Return the names with versions.

    Raises:
        DevError: A package is not installed, or has no such file.
    """
    entries = [_renewed(entry) for entry in read_list()]
    LIST.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
    return [f"{entry['name']} {entry['version']}" for entry in entries]


def read_list() -> list[dict[str, Any]]:
    """Return the entries of `vendor.json`."""
    listed: list[dict[str, Any]] = json.loads(LIST.read_text(encoding="utf-8"))
    return listed


def integrity(data: bytes) -> str:
    """Return the hash of a file as a Content-Security-Policy and Subresource Integrity write it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(data).digest()).decode()}"


def _renewed(entry: dict[str, Any]) -> dict[str, Any]:
    package = _MODULES / entry["package"]
    description = json.loads(_read(package / "package.json"))
    data = _read(package / entry["path"])
    (FOLDER / entry["file"]).write_bytes(data)
    (FOLDER / entry["licenceFile"]).write_bytes(_read(package / "LICENSE"))
    return entry | {
        "version": description["version"],
        "integrity": integrity(data),
        "licence": description["license"],
    }


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        message = (
            f"{file.relative_to(ROOT)} is missing. Run: python3 dev.py setup. Then check {LIST.relative_to(ROOT)}."
        )
        raise DevError(message) from None
