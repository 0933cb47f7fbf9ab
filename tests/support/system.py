"""The whole system as its users meet it: a host with worker processes on the storage emulator, spoken to over HTTP."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil

from devhost.local.azurite import Azurite, start_azurite
from devhost.local.health import wait_until_healthy
from devhost.local.hosts import start_host
from devhost.local.paths import ROOT
from devhost.local.ports import free_port
from devhost.local.processes import Process
from exports.commands.sample.database import create_sample_database
from exports.request.scopes import ALL_SCOPES
from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.support.builders import NOON
from tests.support.conformance import assert_conforms
from tests.support.keys import key_of_text
from tests.support.leaks import assert_tells_nothing_internal

KEY = f"cx_bothtenants2_{'b' * 43}"
NORTHWIND_KEY = f"cx_northwindkey_{'n' * 43}"
EXPORT = "/clients/export/csv"
NORTHWIND, HARBOUR = "northwind", "harbour"
NOBODY = "nobody"
"""A tenant without clients."""
ENDED = ("Completed", "Failed", "Cancelled")
_DEADLINE_SECONDS = 120


@dataclass(frozen=True)
class Answer:
    """What came back. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def request(method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Send one request; an error status is an answer, not an exception."""
    try:
        with urlopen(Request(url, body, dict(headers or {}), method=method), timeout=_DEADLINE_SECONDS) as response:
            return Answer(response.status, _lower(response.headers.items()), response.read())
    except HTTPError as error:
        with error:
            return Answer(error.code, _lower(error.headers.items()), error.read())


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


@dataclass
class System:
    """A running host. `restart` starts another on the same state, as after a crash or a deployment."""

    directory: Path
    settings: dict[str, str]
    root: Path = ROOT
    workers: int = 2
    port: int = field(default_factory=free_port)
    _host: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def storage(self) -> str:
        """The connection string of its storage."""
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
        self._host = start_host(self.root, self.port, self.workers, state, self.settings, log)

    def start_and_wait(self) -> None:
        self.start()
        wait_until_healthy(self.url, self.host)

    def start_and_wait_for_any_answer(self) -> None:
        self.start()
        self.wait_for_any_answer()

    def wait_for_any_answer(self) -> None:
        """Wait until the host serves, healthy or not."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while time.monotonic() < deadline:
            try:
                self.call("GET", "/health")
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(self.host.tail(40))

    def stop(self) -> None:
        if self._host is not None:
            self._host.stop()

    def kill_host(self) -> None:
        """End the host process alone, as kill -9 does; its workers have to notice."""
        os.kill(self.host.pid, 9)
        self.host.wait()

    def kill_a_worker(self) -> int | None:
        """End one worker process, as kill -9 does; its pid, or None if none was running."""
        workers = psutil.Process(self.host.pid).children()
        if not workers:
            return None
        workers[0].kill()
        return workers[0].pid

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = KEY, **headers: str) -> Answer:
        """Send a request with the API key; a body that is not bytes goes as JSON.

        The answer must be as documented, and tell nothing internal.
        """
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None:
            sent.setdefault("content-type", "application/json")
        if key is not None:
            sent["x-api-key"] = key
        url = path if path.startswith("http") else self.url + path
        answer = request(method, url, data, sent)
        assert_conforms(method, url, answer)
        assert_tells_nothing_internal(answer)
        return answer

    def start_export(self, body: Any = None, tenant: str = NORTHWIND, **headers: str) -> Answer:
        return self.call("POST", f"/tenants/{tenant}{EXPORT}", body or {}, **headers)

    def start_async(self, body: Any = None, tenant: str = NORTHWIND) -> str:
        """Start an export without waiting; the URL of its job."""
        answer = self.start_export(body, tenant, prefer="respond-async")
        assert answer.status == 202, answer
        return answer.headers["location"]

    def start_and_cancel(
        self, body: Any = None, tenant: str = NORTHWIND, when: Callable[[Any], bool] = lambda job: True
    ) -> tuple[str, Answer]:
        """Start an export and cancel it as soon as `when` holds; again if one was quicker than its cancel.

        Returns:
            The URL of the job, and the answer to its cancel.
        """
        for _ in range(10):
            location = self.start_async(body, tenant)
            self.wait(location, lambda job: when(job) or job["status"] in ENDED)
            answer = self.call("DELETE", location)
            if answer.status == 200:
                return location, answer
        message = f"every export ended before it could be cancelled; the last answer: {answer}"
        raise AssertionError(message)

    def job(self, location: str) -> Any:
        answer = self.call("GET", location)
        assert answer.status == 200, answer
        return answer.json

    def wait(
        self, location: str, until: Callable[[Any], bool] | None = None, seconds: float = _DEADLINE_SECONDS
    ) -> Any:
        """Look at a job, calm about a host that is being restarted, until it has ended or `until` holds."""
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
            time.sleep(0.02)
        message = f"not reached within {seconds} s; last seen: {job}\n{self.host.tail(40)}"
        raise AssertionError(message)

    def export(self, body: Any = None, tenant: str = NORTHWIND) -> bytes:
        """Run an export to its end; the bytes of the file."""
        job = self.wait(self.start_async(body, tenant))
        assert job["status"] == "Completed", job
        return download(job)


def download(job: Any) -> bytes:
    """Follow the link of a completed job."""
    answer = request("GET", job["downloadUrl"])
    assert answer.status == 200, answer
    return answer.body


@contextmanager
def running_system(
    directory: Path, database_url: str, settings: Mapping[str, str] | None = None, *, healthy: bool = True
) -> Iterator[System]:
    """Run a system on storage of its own until the end of the block.

    Its timers act on whatever lies in its storage, so two systems share one only where a test is about that. A start
    waits for its job as long as a busy machine may take.

    Args:
        settings: Beside those of `app_settings`.
        healthy: Whether to wait until it is; else until it serves.
    """
    with ExitStack() as cleanup:
        storage = start_storage(directory / "azurite")
        cleanup.callback(storage.stop)
        changes = {"EXPORT_WAIT_SECONDS": "60", **(settings or {})}
        system = System(directory, app_settings(storage.connection_string, database_url, **changes))
        cleanup.callback(system.stop)
        system.start_and_wait() if healthy else system.start_and_wait_for_any_answer()
        yield system


def start_storage(directory: Path, preload: Path | None = None) -> Azurite:
    """Start a storage emulator with nothing in it but two API keys: one for all tenants, one for `northwind` alone."""
    emulator = start_azurite(directory, preload=preload)
    try:
        account = StorageAccount(emulator.connection_string)
        keys = TableKeyStore(account)
        for text, tenants in ((KEY, (NORTHWIND, HARBOUR, NOBODY)), (NORTHWIND_KEY, (NORTHWIND,))):
            keys.add(key_of_text(text, name="test", tenants=tenants, scopes=ALL_SCOPES, created=NOON))
        account.tables.close()
    except BaseException:
        emulator.stop()
        raise
    return emulator


def sample_database(directory: Path, clients: int) -> str:
    """Create a database of sample clients; its URL."""
    url = f"sqlite:///{directory / 'clients.sqlite'}"
    create_sample_database(url, clients, (NORTHWIND, HARBOUR), seed=1)
    return url


def app_settings(storage: str, database_url: str, **changes: str) -> dict[str, str]:
    """App settings of a test; `start_storage` has made the keys."""
    return {
        "AzureWebJobsStorage": storage,
        "EXPORT_STORAGE": storage,
        "CLIENTS_DATABASE_URL": database_url,
        # whatever the settings file of a local run says
        "EXPORT_WEBHOOK_SECRET": "",
        "EXPORT_WEBHOOK_ALLOW_PRIVATE": "false",
        **changes,
    }
