"""All that a run needs, running: storage and source behind proxies, the host with two workers, and what to expect."""

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
"""In all; `northwind` has 4,500 of them, in nine pages."""

MANY_PAGES = {"EXPORT_BLOCK_BYTES": "65536", "EXPORT_WAVE_PAGES": "3"}
FEW_TRIES = {"EXPORT_RETRY_TRIES": "4"}
"""So that some outages outlast them: jobs fail, and have to be resumed."""
NO_QUOTA = {"EXPORT_MAX_ACTIVE_JOBS": "10000", "EXPORT_MAX_JOBS_PER_DAY": "100000"}


SCHEDULER, KEEPERS = "run_due_schedules", ("watch_jobs", "retire_jobs", "sweep_orphans")
"""Timers: the one that gives slots their jobs, and those that look after jobs, files and rows."""

HOST_START_SECONDS = 120

SLOT_SECONDS = 300.0
"""As often as slots of a schedule may come."""


class ChaosSystem(System):
    """A system whose host has a clock that can jump."""

    def start(self) -> None:
        command: list[str | Path] = [in_venv("python"), "-m", "tests.chaos.host", "--root", self.root]
        command += ["--port", str(self.port), "--workers", str(self.workers)]
        command += ["--state", self.directory / "devhost.sqlite"]
        log = self.directory / f"host-{time.monotonic_ns()}.log"
        self._host = Process("host", command, log=log, env=self.settings)


class Rig:
    """Started once for many runs; a run leaves it healed."""

    def __init__(self, directory: Path, planted: str = "") -> None:
        self.directory = directory
        self._planted = planted
        self._clock_seconds = 0.0
        self._telling = threading.Lock()
        self._control = directory / "control.json"
        self.tell()
        with ExitStack() as cleanup:
            self.storage = Storage(directory / "azurite")
            cleanup.callback(self.storage.stop)
            self.source = cleanup.enter_context(postgres_server())
            create_sample_database(self.source.url(), CLIENTS, (NORTHWIND, HARBOUR), seed=1)
            self.line = SourceProxy(self.source.port)
            cleanup.callback(self.line.stop)
            self.receiver = cleanup.enter_context(a_receiver())
            self.system = ChaosSystem(directory, self._settings(), self._app())
            cleanup.callback(self.system.stop)
            self.system.start_and_wait()
            self.expected = self._undisturbed()
            self.schedule_path = self._save_schedule()
            self._cleanup = cleanup.pop_all()

    def tell(self, doubling: str = "once", jump_seconds: float = 0.0) -> None:
        """Tell host and workers how activities are delivered, and put their clocks forward or back."""
        with self._telling:
            self._clock_seconds += jump_seconds
            self._doubling = doubling
            Control(self._clock_seconds, doubling, self._planted).write(self._control)

    def plant(self, bug: str) -> None:
        """Have a bug from now on, or none any more; the host starts anew."""
        self._planted = bug
        self.tell()
        self.kill_host(0)
        self.heal()

    def jump(self, seconds: float) -> None:
        self.tell(self._doubling, seconds)

    def kill_host(self, down_seconds: float) -> None:
        """kill -9, and start it again; its workers have to notice."""
        self.system.kill_host()
        time.sleep(down_seconds)
        self._start_host()

    def _start_host(self) -> None:
        """Start it until it answers, as a platform does: devhost gives up if a worker dies before it is ready."""
        self.system.start()
        deadline = time.monotonic() + HOST_START_SECONDS
        while try_get(f"{self.system.url}/health") is None:
            assert time.monotonic() < deadline, self.system.host.tail(40)
            if not self.system.host.running:
                self.system.stop()
                self.system.start()
            time.sleep(0.05)

    def kill_worker(self) -> None:
        """kill -9 of one worker, if there is one: its host may just have been killed."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self.system.kill_a_worker()

    def kill_source(self, down_seconds: float) -> None:
        """kill -9 of the database with all its backends, and start it again."""
        self.source.kill()
        time.sleep(down_seconds)
        self.source.restart()

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self.storage.proxy.arm([])
        self.line.heal()
        assert self.system.host.running, self.system.host.tail(40)
        wait_until_healthy(self.system.url, self.system.host)

    def fire(self, timer: str) -> None:
        """Have a timer fire, as it does every minute; a host that is down has none."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            self.system.call("POST", f"/admin/functions/{timer}", key=None)

    def body(self, name: str) -> dict[str, Any]:
        """The request of that name; its caller wants to be told of the end."""
        return {**BODIES[name], "notify": {"webhookUrl": self.receiver.url}}

    def wait_until_quiet(self, quiet_seconds: float, patience_seconds: float) -> None:
        """Wait until no orchestration and no timer runs, and storage has not been asked for anything for a while."""
        deadline = time.monotonic() + patience_seconds
        quiet_since, asked = time.monotonic(), -1
        while time.monotonic() < deadline and time.monotonic() - quiet_since < quiet_seconds:
            if self.storage.proxy.asked != asked or self.storage.proxy.busy or self._something_runs():
                quiet_since, asked = time.monotonic(), self.storage.proxy.asked
            time.sleep(0.03)

    def _something_runs(self) -> bool:
        """Also a timer that was fired and has not begun: on busy processors that takes longer than quiet does."""
        orchestrations = "/runtime/webhooks/durabletask/instances?runtimeStatus=Running,Pending"
        if self.system.call("GET", orchestrations, key=None).json:
            return True
        return bool(self.system.call("GET", "/admin/host/status", key=None).json["timersUnderWay"])

    def stop(self) -> None:
        self._cleanup.close()

    def logs(self) -> list[Path]:
        """Everything that was written down."""
        return sorted(self.directory.glob("*.log")) + sorted((self.directory / "azurite").glob("*.log"))

    def _settings(self) -> dict[str, str]:
        settings = app_settings(self.storage.connection_string, self.source.url(self.line.port))
        own = {
            "PYTHONPATH": str(ROOT),
            "REAL_FUNCTION_APP": str(ROOT / "function_app.py"),
            SETTING: str(self._control),
            "EXPORT_WAIT_SECONDS": "1",
            "EXPORT_START_GRACE_SECONDS": "3",
            "EXPORT_STALL_MINUTES": "0.05",
            "EXPORT_WEBHOOK_SECRET": "a-master-secret-of-more-than-32-characters",
            "EXPORT_WEBHOOK_ALLOW_PRIVATE": "true",
            "EXPORT_WEBHOOK_RETRY_SECONDS": " ".join(["0.2"] * 10),
        }
        return settings | MANY_PAGES | FEW_TRIES | NO_QUOTA | own

    def _save_schedule(self) -> str:
        """Save the one schedule; the path of it."""
        path = f"/tenants/{NORTHWIND}/clients/export/schedules"
        content = {"name": "Often", "cron": "*/5 * * * *", "request": self.body("narrow")}
        answer = self.system.call("POST", path, content)
        assert answer.status == 201, answer
        return f"{path}/{answer.json['code']}"

    def _app(self) -> Path:
        root = self.directory / "app"
        root.mkdir()
        shutil.copy(ROOT / "host.json", root)
        shutil.copy(Path(__file__).with_name("app.py"), root / "function_app.py")
        return root

    def _undisturbed(self) -> dict[tuple[str, str], bytes]:
        """Files of exports that nothing has disturbed, held against what the database has."""
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
