"""Chooses and starts the host of the function app: devhost, or Azure Functions Core Tools (`func`)."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from devhost.local.environment import in_venv
from devhost.local.errors import DevError
from devhost.local.guard import STOP_SECONDS
from devhost.local.health import HOST_START_SECONDS, wait_until_healthy
from devhost.local.paths import VENV
from devhost.local.ports import require_free
from devhost.local.processes import Process

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

READY_TEXT = {"devhost": "devhost ready", "func": ""}
"""What a host writes to its log when it has its port. `func` itself refuses a port that is in use."""
USED = "SYSTEM_HOST"
"""The setting with which `dev.py` makes the tests run their systems on another host than devhost: `func`."""
STOP_SECONDS_ON_ENGINE = 30.0
"""The real Durable extension may take up to 20 seconds to give back what it holds. Killed, it hides it for a minute."""


def has_core_tools() -> bool:
    """Return whether version 4 of Core Tools is on PATH."""
    func = shutil.which("func")
    if not func:
        return False
    version = subprocess.run([func, "--version"], capture_output=True, text=True, check=False)
    return version.stdout.strip().startswith("4.")


def choose_host(requested: str) -> str:
    """Return the kind of host to start, `func` or `devhost`.

    Raises:
        DevError: The user asked for `func`, but it is not installed.
    """
    if requested == "func" and not has_core_tools():
        raise DevError(
            "`func` version 4 (Azure Functions Core Tools) is not on PATH. Install it, or leave out --host func."
        )
    if requested == "auto":
        return "func" if has_core_tools() else "devhost"
    return requested


def start(
    kind: str, root: Path, port: int, workers: int, env: Mapping[str, str], folder: Path, engine: Path | None = None
) -> Process:
    """Start a host of that kind, with its log and state in `folder`. `engine` is for devhost; see `start_host`."""
    log = folder / "host.log"
    if kind == "func":
        return start_func(root, port, workers, env, log)
    return start_host(root, port, workers, folder / "devhost.sqlite", env, log, engine)


def start_host(
    root: Path,
    port: int,
    workers: int,
    state: Path,
    env: Mapping[str, str],
    log: Path | None = None,
    engine: Path | None = None,
) -> Process:
    """Start devhost for the function app in `root`, without waiting until it answers (see `wait_until_healthy`).

    Args:
        state: SQLite file for durable state.
        env: App settings. They take precedence over those in `local.settings.json`.
        engine: The program with the real Durable extension; None: the engine of devhost.
    """
    command: list[str | Path] = [in_venv("python"), "-m", "devhost", "--root", root, "--port", str(port)]
    command += ["--workers", str(workers), "--state", state, *engine_option(engine)]
    log = log or state.with_suffix(".log")
    return Process("host", command, log=log, env=env, stop_seconds=stop_seconds_of(engine))


def stop_seconds_of(engine: Path | None) -> float:
    """Return how long a host on this engine may take to end in order."""
    return STOP_SECONDS_ON_ENGINE if engine else STOP_SECONDS


def wait_for_host(host: Process, kind: str, port: int, tolerated: Collection[str], key: str | None) -> None:
    """Wait until the host is healthy. If another program took its port first, the error says just that."""
    ready_text, start_seconds = READY_TEXT[kind], HOST_START_SECONDS[kind]
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}", host, start_seconds, tolerated, key, ready_text)
    except DevError:
        if not host.running:
            require_free(port)
        raise


def engine_option(engine: Path | None) -> list[str | Path]:
    """Return the option of devhost that names the engine."""
    return ["--durable", engine] if engine else []


def start_func(root: Path, port: int, workers: int, env: Mapping[str, str], log: Path) -> Process:
    """Start Azure Functions Core Tools on the function app in `root`, with the Python of `.venv`."""
    in_venv_env = {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "VIRTUAL_ENV": str(VENV),
        "PATH": f"{in_venv('python').parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "FUNCTIONS_WORKER_PROCESS_COUNT": str(workers),
    }
    func = shutil.which("func") or "func"
    return Process("host", [func, "start", "--port", str(port)], log=log, env={**env, **in_venv_env}, cwd=root)


def host_of_systems() -> str:
    """Return the kind of host on which this test run starts its systems: `devhost`, or `func` if it is asked for."""
    return choose_host(os.environ.get(USED, "devhost"))
