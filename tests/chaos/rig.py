"""Starts everything that runs need: storage and source behind proxies, a webhook receiver, a host with two workers."""

from __future__ import annotations

import contextlib
import csv
import gzip
import http.client
import io
import shutil
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil

from devhost.local.environment import in_venv
from devhost.local.health import try_get, wait_until_healthy
from devhost.local.hosts import engine_option
from devhost.local.paths import ROOT
from devhost.local.processes import Process
from exports.commands.sample.database import create_sample_database
from tests.chaos.control import SETTING, Control
from tests.chaos.requests import BODIES
from tests.chaos.source_proxy import SourceProxy
from tests.chaos.storage import Storage
from tests.support.expected import FULL_EXPORT, client_records
from tests.support.postgres import postgres_server
from tests.support.receiver import a_receiver
from tests.support.system import HARBOUR, NORTHWIND, System, app_settings

CLIENTS = 6_000
"""Of all tenants together; `northwind` has 4,500 of them, in nine pages."""

MANY_PAGES = {"EXPORT_BLOCK_BYTES": "65536", "EXPORT_WAVE_PAGES": "3"}
FEW_TRIES = {"EXPORT_RETRY_TRIES": "4"}
"""So few that some outages last longer: then jobs fail and must be resumed."""
NO_QUOTA = {"EXPORT_MAX_ACTIVE_JOBS": "10000", "EXPORT_MAX_JOBS_PER_DAY": "100000"}

TIMER = "tick"
"""The timer that starts the jobs of due slots, and maintains jobs, files and rows."""

HOST_START_SECONDS = 120

SLOT_SECONDS = 300.0
"""The time between the slots of the schedule."""


class ChaosSystem(System):
    """A system whose host has a clock that can jump."""

    def start(self) -> None:
        command: list[str | Path] = [in_venv("python"), "-m", "tests.chaos.host", "--root", self.root]
        command += ["--port", str(self.port), "--workers", str(self.workers)]
        command += ["--state", self.directory / "devhost.sqlite", *engine_option(self.engine)]
        log = self.directory / f"host-{time.monotonic_ns()}.log"
        self._host = Process("host", command, log=log, env=self.settings)


class Rig:
    """The running processes. A rig is started once for many runs; each run ends all of its faults."""

    def __init__(self, directory: Path, planted: str = "") -> None:
        self.directory = directory
        self._planted = planted
        self._clock_seconds = 0.0
        self._control_lock = threading.Lock()
        self._control_file = directory / "control.json"
        self.set_control()
        with ExitStack() as cleanup:
            self.storage = Storage(directory / "azurite")
            cleanup.callback(self.storage.stop)
            self.source = cleanup.enter_context(postgres_server())
            create_sample_database(self.source.url(), CLIENTS, (NORTHWIND, HARBOUR), seed=1)
            self.source_proxy = SourceProxy(self.source.port)
            cleanup.callback(self.source_proxy.stop)
            self.receiver = cleanup.enter_context(a_receiver())
            self.system = ChaosSystem(directory, self._settings(), self._app())
            cleanup.callback(self.system.discard)
            self.system.start_and_wait()
            self.expected = self._reference_files()
            self.schedule_path = self._save_schedule()
            self._cleanup = cleanup.pop_all()

    def set_control(self, delivery: str = "once", jump_seconds: float = 0.0) -> None:
        """Set how often host and workers deliver activities, and make their clocks jump."""
        with self._control_lock:
            self._clock_seconds += jump_seconds
            self._delivery = delivery
            Control(self._clock_seconds, delivery, self._planted).write(self._control_file)

    def plant(self, bug: str) -> None:
        """Plant a bug, or remove it with an empty name. Restarts the host."""
        self._planted = bug
        self.set_control()
        self.kill_host(0)
        self.heal()

    def jump_clock(self, seconds: float) -> None:
        """Make the clocks of host and workers jump, and keep the delivery of activities."""
        self.set_control(self._delivery, seconds)

    def kill_host(self, down_seconds: float) -> None:
        """Kill the host with `kill -9`, and start it again. Its workers have to notice this and end."""
        self.system.kill_host()
        time.sleep(down_seconds)
        self._start_host()

    def _start_host(self) -> None:
        """Start the host until it responds, as a platform does. devhost ends if a worker dies before it is ready."""
        self.system.start()
        deadline = time.monotonic() + HOST_START_SECONDS
        while try_get(f"{self.system.url}/health") is None:
            assert time.monotonic() < deadline, self.system.host.tail(40)
            if not self.system.host.running:
                self.system.stop()
                self.system.start()
            time.sleep(0.05)

    def kill_worker(self) -> None:
        """Kill one worker with `kill -9`. There may be none, because the host may just have been killed."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self.system.kill_a_worker()

    def kill_source(self, down_seconds: float) -> None:
        """Kill the database and all its backends with `kill -9`, and start it again."""
        self.source.kill()
        time.sleep(down_seconds)
        self.source.restart()

    def heal(self) -> None:
        """End all faults, and wait until the system is healthy."""
        self.storage.proxy.arm([])
        self.source_proxy.heal()
        assert self.system.host.running, self.system.host.tail(40)
        wait_until_healthy(self.system.url, self.system.host)

    def fire(self) -> None:
        """Fire the timer trigger. Does nothing while the host is down."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            self.system.call("POST", f"/admin/functions/{TIMER}", key=None)

    def fire_maintenance(self) -> None:
        """Fire the timer, unless it still runs: due runs do not pile up on a platform either."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            if not self._timers_under_way():
                self.fire()

    def body(self, name: str) -> dict[str, Any]:
        """Return the request with this name, with a webhook for the end of the job."""
        return {**BODIES[name], "notify": {"webhookUrl": self.receiver.url}}

    def wait_until_idle(self, idle_seconds: float, timeout_seconds: float) -> None:
        """Wait until no orchestration and no timer runs and the app has sent storage no request for `idle_seconds`."""
        deadline = time.monotonic() + timeout_seconds
        proxy = self.storage.proxy
        idle_since, requests = time.monotonic(), -1
        while time.monotonic() < deadline and time.monotonic() - idle_since < idle_seconds:
            if proxy.request_count != requests or proxy.busy or self._is_busy():
                idle_since, requests = time.monotonic(), proxy.request_count
            time.sleep(0.03)

    def _is_busy(self) -> bool:
        """Return whether an orchestration or timer runs or is about to.

        A timer that was fired but has not begun counts too: on busy processors it may take longer than the idle time
        to begin.
        """
        orchestrations = "/runtime/webhooks/durabletask/instances?runtimeStatus=Running,Pending"
        if self.system.call("GET", orchestrations, key=None).json:
            return True
        return self._timers_under_way()

    def _timers_under_way(self) -> bool:
        return bool(self.system.call("GET", "/admin/host/status", key=None).json["timersUnderWay"])

    def stop(self) -> None:
        self._cleanup.close()

    def logs(self) -> list[Path]:
        """Return the log files of all processes."""
        return sorted(self.directory.glob("*.log")) + sorted((self.directory / "azurite").glob("*.log"))

    def _settings(self) -> dict[str, str]:
        settings = app_settings(self.storage.connection_string, self.source.url(self.source_proxy.port))
        own = {
            "PYTHONPATH": str(ROOT),
            "REAL_FUNCTION_APP": str(ROOT / "function_app.py"),
            SETTING: str(self._control_file),
            "EXPORT_WAIT_SECONDS": "1",
            "EXPORT_START_GRACE_SECONDS": "3",
            "EXPORT_STALL_MINUTES": "0.05",
            "EXPORT_WEBHOOK_SECRET": "a-master-secret-of-more-than-32-characters",
            "EXPORT_WEBHOOK_ALLOW_PRIVATE": "true",
            "EXPORT_WEBHOOK_RETRY_SECONDS": " ".join(["0.2"] * 10),
        }
        return settings | MANY_PAGES | FEW_TRIES | NO_QUOTA | own

    def _save_schedule(self) -> str:
        """Save the only schedule of the rig; return its path."""
        path = f"/tenants/{NORTHWIND}/clients/export/schedules"
        content = {"name": "Often", "cron": "*/5 * * * *", "request": self.body("narrow")}
        response = self.system.call("POST", path, content)
        assert response.status == 201, response
        return f"{path}/{response.json['code']}"

    def _app(self) -> Path:
        root = self.directory / "app"
        root.mkdir()
        shutil.copy(ROOT / "host.json", root)
        shutil.copy(Path(__file__).with_name("app.py"), root / "function_app.py")
        return root

    def _reference_files(self) -> dict[tuple[str, str], bytes]:
        """Export the files without any fault, and compare them with the content of the database."""
        twin = f"sqlite:///{self.directory / 'twin.sqlite'}"
        create_sample_database(twin, CLIENTS, (NORTHWIND, HARBOUR), seed=1)
        files = {}
        for tenant in (NORTHWIND, HARBOUR):
            clients = client_records(twin, tenant)
            for name, body in BODIES.items():
                files[tenant, name] = self.system.export(body, tenant)
                _assert_same(name, files[tenant, name], clients)
        return files


def _assert_same(name: str, file: bytes, clients: list[tuple[str, ...]]) -> None:
    text = (gzip.decompress(file) if name == "gzip" else file).decode("utf-8-sig")
    rows = [tuple(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=";" if name == "narrow" else ",")]
    if name != "narrow":
        assert rows[1:] == clients, name
        return
    code = FULL_EXPORT.index("code")
    assert [row[1] for row in rows[1:]] == [client[code] for client in clients]
