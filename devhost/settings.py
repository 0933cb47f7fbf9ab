"""Reads the settings that this host supports from host.json and local.settings.json."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devhost.functions import StartupError
from devhost.json_files import parse_json

_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.\d+)?")
_SETTING = re.compile(r"%([^%]+)%")
_OVERRIDE = re.compile(r"AzureFunctionsJobHost(?:__|:)(.+)", re.IGNORECASE)
_OVERRIDABLE_STATES = ("NonRunningStates", "AnyState")
_UNSUPPORTED_DURABLE = ("defaultVersion", "versionMatchStrategy", "versionFailureStrategy")


@dataclass(frozen=True)
class HostSettings:
    """The supported settings. As in production, the limits apply to the whole host.

    Attributes:
        replaces_running: Whether a start with the id of a running instance replaces that instance.
        unsupported: Names of settings that are set, and that devhost's own engine does not know.
    """

    root: Path
    route_prefix: str
    hub: str
    max_activities: int
    max_orchestrators: int
    function_timeout_seconds: float | None
    replaces_running: bool = False
    unsupported: tuple[str, ...] = ()


def load_settings(root: Path) -> HostSettings:
    """Read both files, and add the app settings to the environment. Variables that are already set keep their values.

    As in the real host, the names of settings ignore case, and `AzureFunctionsJobHost__a__b` overrides `a.b` of
    host.json (https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values).

    Raises:
        StartupError: host.json is missing, or a file is not valid JSON or holds a value of the wrong form.
    """
    _export_app_settings(root / "local.settings.json")
    os.environ.setdefault("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
    document = _with_lower_names(_read_object(root / "host.json"))
    _override(document)
    if document.get("version") != "2.0":
        raise StartupError('host.json: "version" must be "2.0"')
    extensions = _object(document, "extensions")
    durable = _object(extensions, "durableTask")
    return HostSettings(
        root=root,
        route_prefix=_text(_object(extensions, "http"), "routePrefix", "api").strip("/"),
        hub=resolve(_text(durable, "hubName", "TestHubName")),
        max_activities=_count(durable, "maxConcurrentActivityFunctions", 10),
        max_orchestrators=_count(durable, "maxConcurrentOrchestratorFunctions", 10),
        function_timeout_seconds=_seconds(_text(document, "functionTimeout", "00:30:00")),
        replaces_running=_choice(durable, "overridableExistingInstanceStates", _OVERRIDABLE_STATES) == "AnyState",
        unsupported=tuple(name for name in _UNSUPPORTED_DURABLE if durable.get(name.lower())),
    )


def is_disabled(function: str) -> bool:
    """Return whether an app setting disables a function: `AzureWebJobs.NAME.Disabled`, or with `_` for each dot."""
    names = {f"azurewebjobs{mark}{function}{mark}disabled".lower() for mark in "._"}
    return any(name.lower() in names and value.strip().lower() in ("true", "1") for name, value in os.environ.items())


def resolve(text: str) -> str:
    """Replace every `%NAME%` with the value of the app setting NAME.

    Raises:
        StartupError: There is no such setting.
    """

    def setting(match: re.Match[str]) -> str:
        value = os.environ.get(match[1])
        if value is None:
            msg = f"the app setting {match[1]!r} of {text!r} is not set"
            raise StartupError(msg)
        return value

    return _SETTING.sub(setting, text)


def _export_app_settings(path: Path) -> None:
    if not path.exists():
        return
    document = _read_object(path)
    if _with_lower_names(document, depth=1).get("isencrypted"):
        raise StartupError("local.settings.json is encrypted; this host reads plain settings only")
    for name, value in _object(_with_lower_names(document, depth=1), "Values").items():
        os.environ.setdefault(name, value if isinstance(value, str) else json.dumps(value))


def _read_object(path: Path) -> dict[str, Any]:
    try:
        document = parse_json(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        msg = f"{path.name}: {error.strerror} in {path.parent}"
        raise StartupError(msg) from error
    except ValueError as error:
        msg = f"{path.name} is not valid JSON: {error}"
        raise StartupError(msg) from error
    if not isinstance(document, dict):
        msg = f"{path.name} must hold a JSON object"
        raise StartupError(msg)
    return document


def _with_lower_names(value: Any, depth: int = 100) -> Any:
    """Return a JSON value with the names of its objects in lower case, down to a depth."""
    if isinstance(value, dict) and depth:
        return {name.lower(): _with_lower_names(part, depth - 1) for name, part in value.items()}
    return value


def _override(document: dict[str, Any]) -> None:
    """Put the values of the variables `AzureFunctionsJobHost__…` into host.json."""
    for name, value in os.environ.items():
        if found := _OVERRIDE.fullmatch(name):
            *parents, key = re.split("__|:", found[1].lower())
            place = document
            for parent in parents:
                if not isinstance(place.get(parent), dict):
                    place[parent] = {}
                place = place[parent]
            place[key] = value


def _object(parent: dict[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key.lower(), {})
    if not isinstance(value, dict):
        msg = f"{key!r} must be a JSON object"
        raise StartupError(msg)
    return value


def _text(parent: dict[str, Any], key: str, default: str) -> str:
    value = parent.get(key.lower(), default)
    if not isinstance(value, str):
        msg = f"host.json: {key!r} must be a string"
        raise StartupError(msg)
    return value


def _count(parent: dict[str, Any], key: str, default: int) -> int:
    value = parent.get(key.lower(), default)
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        msg = f"host.json: {key!r} must be a whole number of at least 1"
        raise StartupError(msg)
    return value


def _choice(parent: dict[str, Any], key: str, choices: tuple[str, ...]) -> str:
    """Return the chosen one, whatever its letter case; by default the first."""
    text = _text(parent, key, choices[0])
    found = next((choice for choice in choices if choice.lower() == text.lower()), None)
    if found is None:
        msg = f"host.json: {key!r} must be one of {', '.join(choices)}"
        raise StartupError(msg)
    return found


def _seconds(span: str) -> float | None:
    if span.startswith("-"):  # "-1" and "-00:00:01" mean no limit
        return None
    match = _TIME_SPAN.fullmatch(span)
    if match is None:
        msg = f"host.json: functionTimeout {span!r} is not of the form hh:mm:ss"
        raise StartupError(msg)
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return days * 86400.0 + hours * 3600 + minutes * 60 + seconds
