"""Drives a real devhost process over HTTP, and kills its processes by process id."""

import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

APPS = Path(__file__).parent / "apps"
PROJECT = Path(__file__).parents[2]
FINISHED = ("Completed", "Failed", "Terminated")
FINISH_SECONDS = 150.0
"""The longest wait for an orchestration. On a busy machine 60 s were too few for the real extension: it puts back a
message that it cannot use yet, such as an event for an instance that is just starting, and tries it again later."""
WORKER = "devhost.workers.process"
"""Tells a worker from the program of the Durable extension by its command line."""
API = "/runtime/webhooks/durabletask"


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return the processes that still run. Zombies do not count."""

    def is_alive(process: psutil.Process) -> bool:
        try:
            return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    return [process for process in processes if is_alive(process)]


def wait_until(condition: Callable[[], Any], seconds: float = 60.0, every: float = 0.01) -> Any:
    """Return the first truthy value of `condition`. Raises AssertionError if there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(every)
    msg = f"no result within {seconds} s: {condition}"
    raise AssertionError(msg)


@dataclass
class Host:
    """One devhost process. After a kill, `start` starts it again with the same state file."""

    root: Path
    directory: Path
    workers: int = 2
    env: dict[str, str] = field(default_factory=dict)
    port: int = 0
    quiet: bool = False
    durable: Path | None = None
    process: subprocess.Popen[str] | None = None

    @property
    def is_real(self) -> bool:
        """Whether orchestrations run on the real Durable extension."""
        return self.durable is not None

    @property
    def log_path(self) -> Path:
        return self.directory / "host.log"

    @property
    def state(self) -> Path:
        return self.directory / "state.sqlite"

    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8")

    def command(self) -> list[str]:
        options = {"--root": self.root, "--port": self.port, "--workers": self.workers, "--state": self.state}
        flags = ["--quiet"] if self.quiet else []
        flags += ["--durable", str(self.durable)] if self.durable else []
        return [sys.executable, "-m", "devhost", *(str(part) for pair in options.items() for part in pair), *flags]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(PROJECT), "SCRATCH": str(self.directory), **self.env}

    def start(self) -> "Host":
        with self.log_path.open("a") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self.environment(),
                cwd=self.directory,
            )
        ready = _first_line(self.process)
        assert ready.startswith("devhost ready http://127.0.0.1:"), self.log()
        self.port = int(ready.split()[2].rpartition(":")[2])
        return self

    def refusal(self) -> str:
        """Start a host that must refuse to start, and return its standard error."""
        done = subprocess.run(
            self.command(), capture_output=True, text=True, timeout=60, env=self.environment(), check=False
        )
        assert done.returncode == 1
        assert done.stdout == ""
        return done.stderr

    def stop(self) -> int:
        """Send SIGTERM, and return the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self._wait()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self._wait()

    def close(self) -> None:
        if self.process is not None:
            self.kill()

    def worker_processes(self) -> list[psutil.Process]:
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if _is_worker(child)]

    def _wait(self) -> int:
        assert self.process is not None
        assert self.process.stdout is not None
        code = self.process.wait(60)
        self.process.stdout.close()
        return code

    # HTTP

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = 60,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def post(self, path: str, value: Any = None) -> Answer:
        body = None if value is None else json.dumps(value).encode()
        return self.request("POST", path, body, None if body is None else {"Content-Type": "application/json"})

    # orchestrations

    def begin(self, name: str, value: Any = None, instance_id: str = "") -> str:
        text = None if value is None else json.dumps(value)  # the SDK sends JSON inside a JSON string
        answer = self.post(f"{API}/orchestrators/{name}/{instance_id}".rstrip("/"), text)
        assert answer.status == 202, answer.body
        return str(answer.json()["id"])

    def status(self, instance_id: str, query: str = "") -> dict[str, Any]:
        answer = self.get(f"{API}/instances/{instance_id}{query}")
        assert answer.status in (200, 202), answer
        return dict(answer.json())

    def send(self, instance_id: str, event: str, value: Any = None) -> Answer:
        body, headers = json.dumps(value).encode(), {"Content-Type": "application/json"}
        return self.request("POST", f"{API}/instances/{instance_id}/raiseEvent/{event}", body, headers)

    def finished(self, instance_id: str, seconds: float = FINISH_SECONDS) -> dict[str, Any]:
        def status() -> dict[str, Any] | None:
            current = self.status(instance_id)
            return current if current["runtimeStatus"] in FINISHED else None

        return dict(wait_until(status, seconds))

    def run(self, name: str, value: Any = None, seconds: float = FINISH_SECONDS) -> dict[str, Any]:
        return self.finished(self.begin(name, value), seconds)

    def result(self, name: str, value: Any = None, seconds: float = 60.0) -> Any:
        status = self.run(name, value, seconds)
        assert status["runtimeStatus"] == "Completed", status
        return status["output"]

    def reaches(self, instance_id: str, runtime_status: str) -> None:
        def there() -> bool:
            answer = self.get(f"{API}/instances/{instance_id}")
            return answer.status != 404 and answer.json()["runtimeStatus"] == runtime_status

        wait_until(there)


def _is_worker(process: psutil.Process) -> bool:
    """Return whether a process is a worker. One that was just killed is none."""
    try:
        return WORKER in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def _first_line(process: "subprocess.Popen[str]", seconds: float = 60.0) -> str:
    assert process.stdout is not None
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda out=process.stdout: lines.put(out.readline()), daemon=True).start()
    return lines.get(timeout=seconds)
