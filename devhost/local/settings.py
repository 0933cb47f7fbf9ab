"""Reads and writes `local.settings.json`, the app settings for this machine."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from devhost.json_files import parse_json
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
    write_text_privately(settings, as_text(parse_json(sample.read_text(encoding="utf-8"))))
    return True


def as_text(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"


def write_text_privately(settings: Path, text: str) -> None:
    """Replace the file in one step with a file that only its owner can read."""
    unfinished = settings.with_suffix(".new.json")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(settings)


def save_value(settings: Path, name: str, value: str) -> None:
    """Save one value, and keep the rest of the file as it is, including its comments."""
    text = settings.read_text(encoding="utf-8")
    content = parse_json(text)
    content["Values"][name] = value
    changed = _with_value(text, name, value)
    write_text_privately(settings, changed if _parses_to(changed, content) else as_text(content))


def _with_value(text: str, name: str, value: str) -> str:
    """Return the text of a settings file with one value changed or added, found by its form alone."""
    entry = f'"{name}": {json.dumps(value)}'
    known = re.compile(rf'"{re.escape(name)}"\s*:\s*"(?:\\.|[^"\\])*"')
    if known.search(text):
        return known.sub(lambda _: entry, text)
    return re.sub(r'("Values"\s*:\s*\{)', lambda start: f"{start[1]}\n    {entry},", text, count=1)


def _parses_to(text: str, content: object) -> bool:
    try:
        return bool(parse_json(text) == content)
    except ValueError:
        return False


def read_settings(settings: Path, sample: Path) -> dict[str, str]:
    """Return the app settings for the host.

    As in the real host, environment variables take precedence over the settings file. The sample supplies values that
    a settings file of an older version lacks.
    """
    values = {**values_of(sample), **values_of(settings)}
    return {name: os.environ.get(name, value) for name, value in values.items()}


def values_of(settings: Path) -> dict[str, str]:
    try:
        return dict(parse_json(settings.read_text(encoding="utf-8-sig"))["Values"])
    except (ValueError, KeyError, TypeError) as error:
        message = f"{settings.name} is not a settings file ({error}). Correct or delete it; dev.py creates a new one."
        raise DevError(message) from error
