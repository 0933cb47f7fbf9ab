"""Reads and writes `local.settings.json`, the app settings for this machine."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from devhost.local.errors import DevError

if TYPE_CHECKING:
    from pathlib import Path


def provide_settings(settings: Path, sample: Path) -> dict[str, str]:
    """Return the app settings for the host. Create the settings file from the sample if there is none."""
    if create_settings(settings, sample):
        print(f"  Wrote {settings.name}")
    return read_settings(settings, sample)


def create_settings(settings: Path, sample: Path) -> bool:
    """Create the settings file from the sample, readable by its owner only. Never changes an existing file.

    Returns:
        Whether it created the file.
    """
    if settings.exists():
        return False
    write_privately(settings, json.loads(sample.read_text(encoding="utf-8")))
    return True


def write_privately(settings: Path, content: dict[str, Any]) -> None:
    """Replace the file in one step with a file that only its owner can read."""
    unfinished = settings.with_suffix(".new.json")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(settings)


def save_value(settings: Path, name: str, value: str) -> None:
    """Save one value, and keep the rest of the file as it is."""
    content = json.loads(settings.read_text(encoding="utf-8"))
    content["Values"][name] = value
    write_privately(settings, content)


def read_settings(settings: Path, sample: Path) -> dict[str, str]:
    """Return the app settings for the host.

    As in the real host, environment variables take precedence over the settings file. The sample supplies values that
    a settings file of an older version lacks.
    """
    values = {**values_of(sample), **values_of(settings)}
    return {name: os.environ.get(name, value) for name, value in values.items()}


def values_of(settings: Path) -> dict[str, str]:
    try:
        return dict(json.loads(settings.read_text(encoding="utf-8"))["Values"])
    except (ValueError, KeyError, TypeError) as error:
        message = f"{settings.name} is not a settings file ({error}). Correct or delete it; dev.py creates a new one."
        raise DevError(message) from error
