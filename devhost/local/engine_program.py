"""Finds and unpacks durable-engine, the program with the real Durable extension. `devhost/engine` is its source."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from pathlib import Path

from devhost.local.console import step
from devhost.local.errors import DevError
from devhost.local.paths import LOCAL, ROOT
from devhost.local.processes import run_quietly

SETTING = "DURABLE_ENGINE"
"""The setting that says where the program is."""
USED = "SYSTEM_ENGINE"
"""The setting with which `dev.py` makes the tests run their systems on this program."""
BESIDE_THE_CHECKOUT = ROOT.parent / "shared" / "engine" / "durable-engine.tar.xz"
HOW_TO_GET = (
    "The tests on the real Durable extension need the program durable-engine (Linux x86-64). Build it with the .NET 10 "
    f"SDK (`dev.py engine`), or set {SETTING} to the program or to its archive."
)
_NAME = "durable-engine"
# A single-file program does not run: the storage provider reads the file version of its own assembly.
_BUILD_OPTIONS = ("-c", "Release", "-r", "linux-x64", "--self-contained", "true", "-p:PublishReadyToRun=true")


def find() -> Path | None:
    """Return the program or archive that the setting names, or the one beside the checkout, or the one built here.

    Raises:
        DevError: The setting names a file that does not exist.
    """
    if named := os.environ.get(SETTING):
        path = Path(named).expanduser().resolve()
        if not path.is_file():
            message = f"{SETTING} names {named}, which is not a file."
            raise DevError(message)
        return path
    for path in (BESIDE_THE_CHECKOUT, built()):
        if path.is_file():
            return path
    return None


def engine_of_systems() -> Path | None:
    """Return the program on which this test run starts its systems; None: the engine of devhost."""
    used = os.environ.get(USED)
    return executable(Path(used)) if used else None


def built() -> Path:
    """Return where `dev.py engine` puts the program that it builds."""
    return LOCAL / "engine" / "built" / _NAME


def build() -> Path:
    """Build the program from `devhost/engine`, and return it.

    Raises:
        DevError: There is no .NET 10 SDK, or it could not build the program.
    """
    dotnet = shutil.which("dotnet")
    if dotnet is None:
        raise DevError("Install the .NET 10 SDK (https://dotnet.microsoft.com/download): `dotnet` is not on PATH.")
    command: list[str | Path] = [dotnet, "publish", ROOT / "devhost" / "engine" / "engine.csproj", *_BUILD_OPTIONS]
    command += ["--artifacts-path", LOCAL / "engine" / "build", "-o", built().parent]
    with step("Building durable-engine"):
        run_quietly(command, "durable-engine could not be built. It needs the .NET 10 SDK and access to nuget.org.")
    return built()


def executable(path: Path) -> Path:
    """Return the executable. Unpacks an archive into `.local` first, once for each content.

    Raises:
        DevError: There is no such file, or the archive does not contain the program.
    """
    if not path.is_file():
        message = f"{path} is not a file. Name durable-engine, or its archive durable-engine.tar.xz."
        raise DevError(message)
    if not path.name.endswith((".tar.xz", ".tar.gz", ".tar")):
        return path.resolve()
    with path.open("rb") as archive:
        digest = hashlib.file_digest(archive, "sha256").hexdigest()[:16]
    folder = LOCAL / "engine" / digest
    if not folder.exists():
        _unpack(path, folder)
    for program in (folder / _NAME, *folder.glob(f"*/{_NAME}")):
        if program.is_file():
            return program
    message = f"{path} does not contain the program {_NAME}."
    raise DevError(message)


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack completely or not at all: another process may unpack the same archive at the same time."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="unpacking-", dir=folder.parent))
    try:
        with tarfile.open(archive) as content:
            content.extractall(unfinished, filter="data")
        if not folder.exists():
            unfinished.rename(folder)
    except (OSError, tarfile.TarError) as error:
        if not folder.exists():  # otherwise the other process has finished first
            message = f"{archive} could not be unpacked: {error}"
            raise DevError(message) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
