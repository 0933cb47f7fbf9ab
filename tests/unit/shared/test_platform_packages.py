"""A package of the platform that was loaded in place of a deployed one is named with both versions."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import azure.durable_functions
import azure.functions

from shared.platform_packages import replaced_packages


def a_module(root: Path, name: str, package: str, version: str) -> ModuleType:
    """Make a package in a folder as pip would install it, and return its module as if it was imported from there."""
    folder = root.joinpath(*name.split("."))
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    info = root / f"{package.replace('-', '_')}-{version}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    module = ModuleType(name)
    module.__file__ = str(folder / "__init__.py")
    return module


def loaded(tmp_path: Path, deployed: str, of_platform: str) -> dict[str, ModuleType]:
    """Return the modules of a worker whose platform has loaded azure-functions from a folder of its own."""
    ours, theirs = tmp_path / "deployed", tmp_path / "platform"
    a_module(ours, "azure.functions", "azure-functions", deployed)
    return {
        "azure.durable_functions": a_module(ours, "azure.durable_functions", "azure-functions-durable", "1.7.0"),
        "azure.functions": a_module(theirs, "azure.functions", "azure-functions", of_platform),
    }


def test_another_version_of_the_platform_is_named_with_the_deployed_one(tmp_path: Path) -> None:
    modules = loaded(tmp_path, deployed="1.26.0", of_platform="1.21.3")
    assert replaced_packages(modules) == ["azure-functions 1.21.3 in place of 1.26.0"]


def test_the_same_version_of_the_platform_is_as_good(tmp_path: Path) -> None:
    assert replaced_packages(loaded(tmp_path, deployed="1.26.0", of_platform="1.26.0")) == []


def test_nothing_is_replaced_here() -> None:
    assert {"azure.functions", "azure.durable_functions"} <= set(sys.modules)
    assert azure.durable_functions
    assert azure.functions
    assert replaced_packages() == []
