"""Microsoft's own Bicep compiler and linter as a judge of `infra/`. It knows every resource type and property."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from devhost.local.paths import LOCAL

_PARTS = Path(__file__).parents[2].parent / "shared" / "bicep"
_SHA256 = "0ab9de90c2493f206f8281bae74f9ee2d5ed3605548dab1adf41fef185e1f7c5"
_MISSING = (
    "The Bicep compiler is not there. Name it in BICEP, or put the program `bicep` on the PATH: `az bicep install` "
    "brings it, and the NuGet package Azure.Bicep.CommandLine.linux-x64 holds it."
)


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the compiler makes of a file.

    Attributes:
        messages: Its errors and warnings, those of the linter included; empty if there is none.
        template: The ARM template; None if the file has an error.
    """

    messages: str
    template: Any


def find_compiler() -> Path:
    """Find the program. Under CI a missing program fails the test; elsewhere the test is skipped."""
    named = os.environ.get("BICEP")
    program = Path(named) if named else _assembled() or _installed()
    if program is None or not program.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(_MISSING)
    return program


@cache
def compile_bicep(file: Path) -> Compiled:
    """Compile a file, once in each process: it takes seconds, and tests change no file of `infra/`."""
    environment = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    command = [str(find_compiler()), "build", "--stdout", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return Compiled(done.stderr.strip(), json.loads(done.stdout) if done.returncode == 0 else None)


def _installed() -> Path | None:
    found = shutil.which("bicep")
    beside_az = Path.home() / ".azure" / "bin" / "bicep"
    return Path(found) if found else beside_az if beside_az.exists() else None


def _assembled() -> Path | None:
    """Put the parts beside the checkout together, once."""
    parts = sorted(_PARTS.glob("bicep.part*"))
    program = LOCAL / f"bicep-{_SHA256[:12]}"
    if not parts or program.exists():
        return program if parts else None
    LOCAL.mkdir(exist_ok=True)
    content = b"".join(part.read_bytes() for part in parts)
    assert hashlib.sha256(content).hexdigest() == _SHA256, "the parts at ../shared/bicep are not those of Bicep 0.49.2"
    unfinished = program.with_name(f"{program.name}.{os.getpid()}")  # several processes may do this at the same time
    unfinished.write_bytes(content)
    unfinished.chmod(0o755)
    unfinished.replace(program)
    return program
