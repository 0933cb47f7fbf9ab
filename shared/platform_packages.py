"""Finds packages that the platform has loaded in place of the deployed ones.

The Functions worker brings packages of its own that an app may deploy too, and has imported some before it knows the
app (`DependencyManager` of azure-functions-python-worker). docs/deploy.md says which package wins when.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from types import ModuleType

_ONLY_DEPLOYED = "azure.durable_functions"
"""A module that no platform brings, so that it lies where the deployed packages are."""

_SHARED = {
    "azure.functions": "azure-functions",
    "dateutil": "python-dateutil",
    "markupsafe": "markupsafe",
    "werkzeug": "werkzeug",
}
"""The modules that both bring → the names of their packages."""


def replaced_packages(modules: Mapping[str, ModuleType] = sys.modules) -> list[str]:
    """Describe each package that was loaded from elsewhere in another version than the deployed one."""
    deployed = _root_of(_ONLY_DEPLOYED, modules)
    if deployed is None:
        return []
    found = [_difference(name, package, deployed, modules) for name, package in _SHARED.items()]
    return [difference for difference in found if difference]


def _difference(name: str, package: str, deployed: Path, modules: Mapping[str, ModuleType]) -> str | None:
    loaded = _root_of(name, modules)
    if loaded is None or loaded == deployed:
        return None
    wanted, present = _version_in(deployed, package), _version_in(loaded, package)
    if wanted is None or wanted == present:
        return None
    return f"{package} {present or 'of unknown version'} in place of {wanted}"


def _root_of(name: str, modules: Mapping[str, ModuleType]) -> Path | None:
    """Return the folder from which a package was imported; None if it was not."""
    file = getattr(modules.get(name), "__file__", None)
    return Path(file).resolve().parents[name.count(".") + 1] if file else None


def _version_in(root: Path, package: str) -> str | None:
    found = next(iter(distributions(name=package, path=[str(root)])), None)
    return None if found is None else found.version
