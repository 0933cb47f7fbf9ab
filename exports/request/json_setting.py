"""Parses the JSON object of an app setting."""

from __future__ import annotations

import json
from typing import Any

from shared.repeated_names import find_repeated_names


def parse_json_setting(text: str) -> tuple[dict[str, Any] | None, bool]:
    """Return the object, and whether a name in it is repeated. An empty text is an empty object; None: it is no object.

    Raises nothing, because an error of the parser would show the value of the setting.
    """
    try:
        parsed = json.loads(text or "{}")
        repeated = find_repeated_names(text.encode()) if text else []
    except (ValueError, RecursionError):
        return None, False
    return (parsed, bool(repeated)) if isinstance(parsed, dict) else (None, False)
