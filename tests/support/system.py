"""Runs the whole system as its users meet it: a host with worker processes and storage emulator, called over HTTP."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil

from devhost.local.azurite import Azurite, start_azurite
from devhost.local.engine_program import engine_of_systems
from devhost.local.errors import DevError
from devhost.local.guard import STOP_SECONDS
from devhost.local.health import HOST_START_SECONDS, wait_until_healthy
from devhost.local.hosts import engine_option, host_of_systems, start_func, start_host, stop_seconds_of
from devhost.local.paths import ROOT
from devhost.local.ports import free_port, is_free, on_a_free_port
from devhost.local.processes import Process
from exports.commands.sample.database import create_sample_database
from exports.request.scopes import ALL_SCOPES
from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.support.builders import NOON
from tests.support.conformance import assert_conforms
from tests.support.http_client import TIMEOUT_SECONDS, Response, request
from tests.support.keys import key_of_text
from tests.support.leaks import assert_shows_nothing_internal
from tests.support.packaged import packaged_app
from tests.support.waiting import pause, wait_until

T = TypeVar("T")

KEY = f"cx_bothtenants2_{'b' * 43}"
NORTHWIND_KEY = f"cx_northwindkey_{'n' * 43}"
EXPORT = "/clients/export/csv"
NORTHWIND, HARBOUR = "northwind", "harbour"
NO_CLIENTS = "nobody"
"""A tenant without clients."""
ENDED = ("Completed", "Failed", "Cancelled")


@dataclass
class System:
    """A host with its state. After `stop` or a kill, `start` starts another on the same state, as a deployment does.

    Attributes:
        engine: The program with the real Durable extension; None: the engine of devhost.
        kind: `devhost`, or `func` for Azure Functions Core Tools, which brings an engine of its own.
    """

    directory: Path
    settings: dict[str, str]
    root: Path = ROOT
    workers: int = 2
    port: int = field(default_factory=free_port)
    engine: Path | None = field(default_factory=engine_of_systems)
    kind: str = field(default_factory=host_of_systems)
    _host: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def storage(self) -> str:
        """The connection string of the storage account."""
        return self.settings["EXPORT_STORAGE"]

    @property
    def host(self) -> Process:
        assert self._host is not None
        return self._host

    @property
    def log(self) -> str:
        return self.host.log.read_text(encoding="utf-8")

    def start(self) -> None:
        state = self.directory / "devhost.sqlite"
        log = self.directory / f"host-{time.monotonic_ns()}.log"
        if self.kind == "func":
            self._host = start_func(self.root, self.port, self.workers, self.settings, log)
            return
        if (packaged := packaged_app()) and self.root == ROOT:
            command: list[str | Path] = [packaged.python, "-m", "devhost", "--root", packaged.app, "--state", state]
            command += ["--port", str(self.port), "--workers", str(self.workers), *engine_option(self.engine)]
            env = {**self.settings, "PYTHONPATH": str(packaged.python_path)}
            stop_seconds = stop_seconds_of(self.engine)
            self._host = Process("host", command, log=log, env=env, cwd=packaged.app, stop_seconds=stop_seconds)
            return
        self._host = start_host(self.root, self.port, self.workers, state, self.settings, log, self.engine)

    def start_and_wait(self) -> None:
        """Start the host, and wait until it is healthy. The first start takes another port if this one was lost."""
        is_first = self._host is None
        try:
            self._start_and_wait_on(self.port)
        except DevError:
            if not is_first or is_free(self.port):
                raise
            on_a_free_port(self._start_and_wait_on)

    def _start_and_wait_on(self, port: int) -> None:
        self.port = port
        self.start()
        try:
            wait_until_healthy(self.url, self.host, max(TIMEOUT_SECONDS, HOST_START_SECONDS[self.kind]), key=KEY)
        except DevError:
            self.discard()
            raise

    def start_and_wait_for_any_response(self) -> None:
        self.start()
        self.wait_for_any_response()

    def wait_for_any_response(self) -> None:
        """Wait until the host responds, healthy or not."""

        def responds() -> bool:
            try:
                self.call("GET", "/health")
            except OSError:
                return False
            return True

        self.wait_until(responds)

    def stop(self) -> None:
        """Stop the host in order, as a deployment does."""
        if self._host is not None:
            self._host.stop()

    def discard(self, *, with_storage: bool = False) -> None:
        """End the host at the end of a test, without waiting for what it still runs.

        A killed extension hides its messages for a minute from the next system on the same storage. So it is asked to
        end, unless its storage is discarded too.
        """
        if self._host is None:
            return
        if self.engine and not with_storage:
            self._host.stop(timeout_seconds=STOP_SECONDS)
        self._host.kill()

    def kill_host(self) -> None:
        """Kill only the host process, as `kill -9` does. Its workers have to notice this and end."""
        os.kill(self.host.pid, 9)
        self.host.wait()

    def kill_a_worker(self) -> int | None:
        """Kill one worker process, as `kill -9` does, and wait for its end.

        Returns its process id, or None if no worker was running.
        """
        workers = self._workers()
        if not workers:
            return None
        workers[0].kill()
        workers[0].wait(TIMEOUT_SECONDS)
        return workers[0].pid

    def kill_all_workers(self) -> None:
        """Kill all workers at once. One after another, the second to be killed could be the successor of the first."""
        workers = self._workers()
        for worker in workers:
            worker.kill()
        psutil.wait_procs(workers, TIMEOUT_SECONDS)

    def _workers(self) -> list[psutil.Process]:
        children = psutil.Process(self.host.pid).children()
        return [child for child in children if _is_worker(child)]

    def wait_until(self, condition: Callable[[], T], seconds: float = TIMEOUT_SECONDS) -> T:
        """Wait until a condition is true, and return its value; a failure shows the last lines of the host's log."""
        return wait_until(condition, seconds, explain=lambda: self.host.tail(40))

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = KEY, **headers: str) -> Response:
        """Send a request with the API key; a body that is not bytes is sent as JSON.

        Checks that the response is as documented and shows nothing internal.
        """
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None:
            sent.setdefault("content-type", "application/json")
        if key is not None:
            sent["x-api-key"] = key
        url = path if path.startswith("http") else self.url + path
        response = request(method, url, data, sent)
        assert_conforms(method, url, response)
        assert_shows_nothing_internal(response)
        return response

    def start_export(self, body: Any = None, tenant: str = NORTHWIND, **headers: str) -> Response:
        return self.call("POST", f"/tenants/{tenant}{EXPORT}", body or {}, **headers)

    def start_async(self, body: Any = None, tenant: str = NORTHWIND) -> str:
        """Start an export without waiting for it; return the URL of its job."""
        response = self.start_export(body, tenant, prefer="respond-async")
        assert response.status == 202, response
        return response.headers["location"]

    def start_and_cancel(
        self, body: Any = None, tenant: str = NORTHWIND, when: Callable[[Any], bool] = lambda job: True
    ) -> tuple[str, Response]:
        """Start an export and cancel it as soon as `when` is true. Try again if the export ended before that.

        Returns:
            The URL of the job, and the response to the cancellation.
        """
        for _ in range(10):
            location = self.start_async(body, tenant)
            self.wait(location, lambda job: when(job) or job["status"] in ENDED)
            response = self.call("DELETE", location)
            if response.status == 200:
                return location, response
        message = f"every export ended before it could be cancelled; last response: {response}"
        raise AssertionError(message)

    def job(self, location: str) -> Any:
        response = self.call("GET", location)
        assert response.status == 200, response
        return response.json

    def wait(self, location: str, until: Callable[[Any], bool] | None = None, seconds: float = TIMEOUT_SECONDS) -> Any:
        """Poll a job until it has ended or `until` is true. Tolerates errors while the host is being restarted."""
        deadline = time.monotonic() + seconds
        reached = until or (lambda job: job["status"] in ENDED)
        job = None
        while time.monotonic() < deadline:
            try:
                job = self.job(location)
            except (OSError, AssertionError):
                job = None
            if job is not None and reached(job):
                return job
            pause(seconds - (deadline - time.monotonic()))
        message = f"the job did not get there within {seconds} s; last response: {job}\n{self.host.tail(40)}"
        raise AssertionError(message)

    def export(self, body: Any = None, tenant: str = NORTHWIND) -> bytes:
        """Run an export to completion; return the bytes of the file."""
        started = self.start_export(body, tenant)  # the service waits for the end, which costs less than polls
        job = started.json if started.status == 201 else self.wait(started.headers["location"])
        assert job["status"] == "Completed", job
        return download(job)


def code_of(location: str) -> str:
    """Return the code at the end of the URL of a job, mapping or schedule."""
    return location.rpartition("/")[2]


def download(job: Any) -> bytes:
    """Download the file of a completed job."""
    response = request("GET", job["downloadUrl"])
    assert response.status == 200, response
    return response.body


@contextmanager
def running_system(
    directory: Path,
    database_url: str,
    settings: Mapping[str, str] | None = None,
    *,
    healthy: bool = True,
    workers: int = 2,
) -> Iterator[System]:
    """Run a system with its own storage until the end of the block.

    The timers of a system act on everything in its storage. So two systems share storage only in tests about that.
    `EXPORT_WAIT_SECONDS` is long, because on a busy machine a job may take that long.

    Args:
        settings: Override those of `app_settings`.
        healthy: Whether to wait until the system is healthy, or only until it responds.
        workers: One starts sooner, for tests in which no two processes meet.
    """
    with ExitStack() as cleanup:
        storage = start_storage(directory / "azurite")
        cleanup.callback(storage.stop)
        changes = {"EXPORT_WAIT_SECONDS": "60", **(settings or {})}
        system = System(directory, app_settings(storage.connection_string, database_url, **changes), workers=workers)
        cleanup.callback(system.discard, with_storage=True)
        system.start_and_wait() if healthy else system.start_and_wait_for_any_response()
        yield system


def start_storage(directory: Path, preload: Path | None = None, *, in_memory: bool = True) -> Azurite:
    """Start a storage emulator that contains only two API keys: one for all tenants and one for `northwind`.

    Args:
        in_memory: Keep the data in memory, which takes a fifth less of its processor time. For few data only, and where
            nobody starts it again.
    """
    emulator = start_azurite(directory, preload=preload, in_memory=in_memory)
    try:
        account = StorageAccount(emulator.connection_string)
        keys = TableKeyStore(account)
        for text, tenants in ((KEY, (NORTHWIND, HARBOUR, NO_CLIENTS)), (NORTHWIND_KEY, (NORTHWIND,))):
            keys.add(key_of_text(text, name="test", tenants=tenants, scopes=ALL_SCOPES, created=NOON))
        account.tables.close()
    except BaseException:
        emulator.stop()
        raise
    return emulator


def _is_worker(process: psutil.Process) -> bool:
    """Return whether a process is a worker of devhost that has not ended."""
    try:
        return "devhost.workers.process" in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def sample_database(directory: Path, clients: int) -> str:
    """Create a database of sample clients; return its URL."""
    url = f"sqlite:///{directory / 'clients.sqlite'}"
    create_sample_database(url, clients, (NORTHWIND, HARBOUR), seed=1)
    return url


def app_settings(storage: str, database_url: str, **changes: str) -> dict[str, str]:
    """Return app settings for a test. The API keys are those that `start_storage` has added."""
    return {
        "AzureWebJobsStorage": storage,
        "EXPORT_STORAGE": storage,
        "CLIENTS_DATABASE_URL": database_url,
        # these override the settings file of a local run
        "EXPORT_WEBHOOK_SECRET": "",
        "EXPORT_WEBHOOK_ALLOW_PRIVATE": "false",
        # tests show many wrong keys, all from the same unknown address
        "EXPORT_MAX_WRONG_KEYS": "1000000",
        **changes,
    }
