"""`local.settings.json`, the settings of an app on this machine."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from devhost.local.errors import DevError

if TYPE_CHECKING:
    from pathlib import Path


def provide_settings(settings: Path, sample: Path) -> dict[str, str]:
    """The values for the host, from settings that are made when there are none."""
    if create_settings(settings, sample):
        print(f"  Wrote {settings.name}")
    return read_settings(settings, sample)


def create_settings(settings: Path, sample: Path) -> bool:
    """Write local settings, for the owner's eyes only; whether it did. Settings that exist are never touched."""
    if settings.exists():
        return False
    write_privately(settings, json.loads(sample.read_text(encoding="utf-8")))
    return True


def write_privately(settings: Path, content: dict[str, Any]) -> None:
    unfinished = settings.with_suffix(".new.json")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(settings)


def save_value(settings: Path, name: str, value: str) -> None:
    """Keep one value; all else in the settings stays."""
    content = json.loads(settings.read_text(encoding="utf-8"))
    content["Values"][name] = value
    write_privately(settings, content)


def read_settings(settings: Path, sample: Path) -> dict[str, str]:
    """The values for the host: environment before settings, as in the real host, and both before the sample's.

    The sample fills in what a settings file made by an older version lacks.
    """
    values = {**values_of(sample), **values_of(settings)}
    return {name: os.environ.get(name, value) for name, value in values.items()}


def values_of(settings: Path) -> dict[str, str]:
    try:
        return dict(json.loads(settings.read_text(encoding="utf-8"))["Values"])
    except (ValueError, KeyError, TypeError) as error:
        message = f"{settings.name} is not a settings file ({error}). Put it right, or delete it: a new one is made."
        raise DevError(message) from error
