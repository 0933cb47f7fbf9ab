"""Starts and stops the program that holds the real Durable extension. `devhost/engine` is its source."""

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from devhost.functions import FunctionTable, StartupError
from devhost.json_files import parse_json

_log = logging.getLogger("devhost.extension")
_STORAGE = "azurewebjobsstorage"

_START_SECONDS = 120.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.02
_WATCH_SECONDS = 0.2
# Otherwise the web server of the extension logs four lines for each request of the durable client.
_QUIET = {"Logging__LogLevel__Microsoft": "Warning"}
# Otherwise .NET compiles busy methods twice more, first with counters in them, while the functions run.
_WITHOUT_COUNTERS = {"DOTNET_TieredPGO": "0"}


@dataclass(frozen=True)
class Addresses:
    """Where the program finds this host: `bridge` runs its functions, `public` is the origin of management URLs."""

    bridge: str
    public: str


class Program:
    """The running program. It ends when its standard input closes, so also when this host is killed.

    Attributes:
        binding: The JSON of the durable client.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", binding: str) -> None:
        self._process = process
        self.binding = binding

    async def ended(self) -> int:
        """Wait until the program has ended, and return its exit code."""
        while (code := self._process.poll()) is None:
            await asyncio.sleep(_WATCH_SECONDS)
        return code

    async def stop(self) -> None:
        """End the program in order: it gives back its leases and messages.

        Kills the program if that takes longer than `_STOP_SECONDS`.
        """
        self._process.terminate()
        try:
            await asyncio.to_thread(self._process.wait, _STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _log.warning("the Durable extension did not stop within %g s; killing it", _STOP_SECONDS)
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        if self._process.stdin:
            self._process.stdin.close()


async def start_program(path: Path, host_json: Path, functions: FunctionTable, addresses: Addresses) -> Program:
    """Start the program, and wait until it serves.

    Raises:
        StartupError: The program cannot be started, or ended before it served.
    """
    with tempfile.TemporaryDirectory(prefix="devhost-") as folder:
        names = Path(folder) / "functions.json"
        client = Path(folder) / "client.json"
        settings = Path(folder) / "host.json"
        names.write_text(_names(functions), encoding="utf-8")
        settings.write_text(_readable_by_program(host_json), encoding="utf-8")
        options: dict[str, str | Path] = {
            "--host-json": settings,
            "--functions": names,
            "--bridge": addresses.bridge,
            "--client-file": client,
            "--public-url": addresses.public,
            "--exit-with-stdin": "yes",
        }
        process = _spawn([path, *(part for pair in options.items() for part in pair)])
        try:
            await _wait_for(client, process)
        except BaseException:
            process.kill()
            raise
        return Program(process, client.read_text(encoding="utf-8"))


def _spawn(command: list[str | Path]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(  # noqa: S603
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=sys.stderr.fileno(),  # the host's stdout holds the ready line and nothing else
            env={**_QUIET, **_WITHOUT_COUNTERS, **_host_json_overrides(), **os.environ},
        )
    except OSError as error:
        msg = f"cannot start the Durable extension {command[0]}: {error.strerror}"
        raise StartupError(msg) from error


def _host_json_overrides() -> dict[str, str]:
    """Return the variables that override host.json, as the program names them."""
    marks = [(name, re.split("__|:", name)) for name in os.environ]
    return {
        "__".join(["AzureWebJobs", *parts[1:]]): os.environ[name]
        for name, parts in marks
        if len(parts) > 1 and parts[0].lower() == "azurefunctionsjobhost"
    }


async def _wait_for(client: Path, process: "subprocess.Popen[bytes]") -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _START_SECONDS
    while not client.exists():
        if process.poll() is not None:
            msg = f"the Durable extension ended with code {process.returncode} before it served; the log shows why"
            if not any(name.lower().startswith(_STORAGE) for name in os.environ):
                msg += ". AzureWebJobsStorage, which names its storage account, is missing"
            raise StartupError(msg)
        if loop.time() > deadline:
            msg = f"the Durable extension did not serve within {_START_SECONDS:g} s"
            raise StartupError(msg)
        await asyncio.sleep(_POLL_SECONDS)


def _readable_by_program(host_json: Path) -> str:
    """Return host.json without comments, and with the name `extensions` in lower case, as the program wants it.

    Below that name the program ignores case.
    """
    document = parse_json(host_json.read_text(encoding="utf-8-sig"))
    return json.dumps({name.lower(): value for name, value in document.items()})


def _names(functions: FunctionTable) -> str:
    return json.dumps(
        {
            "orchestrators": [function.durable_name for function in functions.of_kind("orchestrator")],
            "activities": [function.durable_name for function in functions.of_kind("activity")],
        }
    )
