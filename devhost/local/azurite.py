"""Starts and stops Azurite, the storage emulator."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devhost.local.console import step
from devhost.local.errors import DevError
from devhost.local.node import installed_node
from devhost.local.paths import LOCAL, ROOT
from devhost.local.ports import is_free
from devhost.local.processes import Process

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Sequence
    from pathlib import Path

STORAGE_ACCOUNT = "devstoreaccount1"
# The emulator has one account, with a fixed key that Microsoft publishes.
STORAGE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
STORAGE_PORTS = (10000, 10001, 10002)
AZURITE_START_SECONDS = 120.0
# By default the emulator closes a connection that was idle for five seconds. A request that is sent just then fails,
# and a busy machine makes that likely.
_KEEP_ALIVE_SECONDS = 120
# Node receives a block in buffers outside its heap, and every 64 MB of such buffers start a garbage collection.
# Incremental collections took a third of the emulator's processor time. A full collection takes a few milliseconds.
_NO_INCREMENTAL_MARKING = "--no-incremental-marking"


def connection_string(blob_port: int, queue_port: int, table_port: int) -> str:
    endpoints = {"Blob": blob_port, "Queue": queue_port, "Table": table_port}
    return f"DefaultEndpointsProtocol=http;AccountName={STORAGE_ACCOUNT};AccountKey={STORAGE_KEY};" + "".join(
        f"{service}Endpoint=http://127.0.0.1:{port}/{STORAGE_ACCOUNT};" for service, port in endpoints.items()
    )


@dataclass(frozen=True)
class Azurite:
    """A running storage emulator."""

    process: Process
    ports: tuple[int, int, int]

    @property
    def connection_string(self) -> str:
        return connection_string(*self.ports)

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        """Stop it normally, which leaves all written data on disk."""
        self.process.stop()

    def kill(self) -> None:
        """Kill it, as kill -9 does."""
        self.process.kill()


def start_azurite(
    state_dir: Path,
    ports: tuple[int, int, int] = (0, 0, 0),
    log: Path | None = None,
    preload: Path | None = None,
    *,
    log_requests: bool = False,
    in_memory: bool = False,
    options: Sequence[str | Path] = (),
    package: str = "azurite",
) -> Azurite:
    """Start blob, queue and table storage with their files in `state_dir`, and wait until they listen.

    Args:
        ports: 0 means any free port.
        preload: A JavaScript file that Node runs before the emulator.
        log_requests: Whether to log one line for each request.
        in_memory: Keep all data in memory, and write no files. What is stored is lost when the emulator ends.
        options: More options of the emulator's command line.
        package: The name in `package.json` of the emulator to start.

    Raises:
        DevError: The emulator is not installed, or did not start.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    command: list[str | Path] = [
        installed_node().program,
        _NO_INCREMENTAL_MARKING,
        *(("--require", preload) if preload else ()),
        ROOT / "node_modules" / package / "dist" / "src" / "azurite.js",
    ]
    for service, port in zip(("blob", "queue", "table"), ports, strict=True):
        command += [f"--{service}Host", "127.0.0.1", f"--{service}Port", str(port)]
        command += [f"--{service}KeepAliveTimeout", str(_KEEP_ALIVE_SECONDS)]
    # The SDKs send a newer API version than the emulator knows. The operations that they use work all the same.
    command += ["--inMemoryPersistence"] if in_memory else ["--location", state_dir]
    command += ["--disableTelemetry", "--skipApiVersionCheck", *options]
    command += [] if log_requests else ["--silent"]
    env = {"NODE_COMPILE_CACHE": str(LOCAL / "node-compile-cache")}  # it starts in four fifths of the time
    process = Process("Azurite", command, log=log or state_dir / "azurite.log", env=env)
    try:
        return Azurite(process, wait_for_azurite(process))
    except BaseException:
        process.stop()
        raise


def wait_for_azurite(process: Process) -> tuple[int, int, int]:
    """Wait until the emulator logs that it listens, and return its ports (blob, queue, table)."""
    deadline = time.monotonic() + AZURITE_START_SECONDS
    while process.running and time.monotonic() < deadline:
        log = process.log.read_text(encoding="utf-8", errors="replace")
        found = dict(re.findall(r"Azurite (\w+) service is successfully listening at https?://127\.0\.0\.1:(\d+)", log))
        if len(found) == 3:
            return int(found["Blob"]), int(found["Queue"]), int(found["Table"])
        time.sleep(0.05)
    message = f"The storage emulator Azurite did not start. Its log ({process.log}) ends with:\n{process.tail()}"
    raise DevError(message)


def start_on_usual_ports(state_dir: Path, log: Path, usual: tuple[int, int, int] = STORAGE_PORTS) -> Azurite:
    """Start the emulator on its usual ports, or on any free ports if another program has or takes one of them.

    Raises:
        DevError: As `start_azurite`.
    """
    if all(map(is_free, usual)):
        try:
            return start_azurite(state_dir, usual, log)
        except DevError:
            if all(map(is_free, usual)):
                raise
    return start_azurite(state_dir, log=log)


def start_storage(cleanup: contextlib.ExitStack) -> Azurite:
    """Start the storage emulator for `dev.py run`. `cleanup` stops it."""
    with step("Starting the storage emulator Azurite"):
        azurite = start_on_usual_ports(LOCAL / "azurite", LOCAL / "azurite.log")
        cleanup.callback(azurite.stop)
    if azurite.ports != STORAGE_PORTS:
        taken, used = (", ".join(map(str, numbers)) for numbers in (STORAGE_PORTS, azurite.ports))
        print(f"  (Another program uses one of the usual ports {taken}, so the emulator listens on {used}.)")
    return azurite
