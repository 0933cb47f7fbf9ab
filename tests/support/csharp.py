"""Compiles and runs C# with Mono, and generates a C# client with OpenAPI Generator."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from devhost.local.environment import in_venv
from devhost.local.paths import ROOT

_JSON_LIBRARY = ROOT / "node_modules" / "jillejr.newtonsoft.json-for-unity" / "Plugins" / "Newtonsoft.Json Editor"
_LIBRARIES = ("System.Net.Http", "System.Runtime.Serialization", "System.ComponentModel.DataAnnotations", "System.Web")
_PACKAGES = (
    "default-jre-headless mono-mcs mono-runtime libmono-system-net-http4.0-cil libmono-system-web4.0-cil "
    "libmono-system-runtime-serialization4.0-cil libmono-system-componentmodel-dataannotations4.0-cil"
)
_OPTIONS = "library=httpclient,targetFramework=net48,packageName=ClientExport,supportsRetry=false"
"""What Mono can compile: no nullable references, and no library for retries, which Debian and npm do not have."""


def require_mono() -> None:
    """Look for the programs and libraries. Under CI, what is missing fails the test; elsewhere the test is skipped."""
    missing = [name for name in ("java", "mcs", "mono") if shutil.which(name) is None]
    folder = Path(shutil.which("mono") or "/usr/bin/mono").resolve().parents[1] / "lib" / "mono" / "4.5"
    missing += [f"{name}.dll" for name in _LIBRARIES if not (folder / f"{name}.dll").exists()]
    if missing:
        message = f"{', '.join(missing)} not found: apt-get install --no-install-recommends {_PACKAGES}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)


def generate_client(document: Path, folder: Path) -> str:
    """Generate the sources of a client from an OpenAPI document; return what the generator printed."""
    parts = "apis,models,supportingFiles,apiTests=false,modelTests=false,apiDocs=false,modelDocs=false"
    options: list[str | Path] = ["-g", "csharp", "-i", document, "-o", folder, f"--additional-properties={_OPTIONS}"]
    return _run(in_venv("openapi-generator-cli"), "generate", *options, f"--global-property={parts}")


def compile_library(sources: Path, target: Path) -> None:
    """Compile all C# files of a folder to a library."""
    compile_files([*sources.rglob("*.cs")], target, "-target:library")


def compile_files(sources: Sequence[Path], target: Path, *options: str) -> None:
    """Compile C# files to a program beside the libraries that it needs, unless options say otherwise."""
    shutil.copy(_JSON_LIBRARY / "Newtonsoft.Json.dll", target.parent)
    used = [f"-r:{name}.dll" for name in _LIBRARIES] + [f"-r:{target.parent / 'Newtonsoft.Json.dll'}"]
    _run("mcs", "-langversion:latest", f"-out:{target}", *options, *used, *sources)


def run_program(program: Path, *arguments: str) -> str:
    """Run a compiled program; return what it printed."""
    return _run("mono", program, *arguments)


def _run(*command: str | Path) -> str:
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout + finished.stderr
