"""Worker processes: start, watch, restart with back-off, and spread invocations to the least loaded."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devhost.channel import FrameReader, Header, pack
from devhost.functions import FunctionInfo, FunctionTable, Kind, StartupError

_log = logging.getLogger("devhost.workers")

_LONGEST_BACKOFF_SECONDS = 2.0
_HEALTHY_AFTER_SECONDS = 5.0


class WorkerDiedError(Exception):
    """The worker process ended while it ran the invocation; whether the function finished is unknown."""


class FunctionTimeoutError(Exception):
    """The invocation ran longer than `functionTimeout`; its worker was killed."""


@dataclass(frozen=True)
class Reply:
    """`ok` is false if the function raised; `body` then holds the text of its exception."""

    ok: bool
    header: Header
    body: bytes


@dataclass(frozen=True)
class WorkerOptions:
    start: Header
    limits: dict[Kind, int]
    timeout_seconds: float | None


@dataclass
class _Call:
    kind: Kind
    future: asyncio.Future[Reply]
    deadline: asyncio.TimerHandle | None


class Worker(asyncio.Protocol):
    """One worker process and the invocations it is running."""

    def __init__(self, options: WorkerOptions, on_ready: Callable[[], None], on_room: Callable[[], None]) -> None:
        self._options = options
        self._on_ready = on_ready
        self._on_room = on_room
        self._reader = FrameReader()
        self._calls: dict[int, _Call] = {}
        self._load: Counter[Kind] = Counter()
        self._next = 0
        self._accepting = False
        loop = asyncio.get_running_loop()
        self.loaded: asyncio.Future[FunctionTable] = loop.create_future()
        self.loaded.add_done_callback(asyncio.Future.exception)  # nobody waits for that of a restarted worker
        self.closed: asyncio.Future[None] = loop.create_future()

    async def start(self) -> None:
        """Start the process; it inherits one end of a socket pair and nothing else."""
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = _spawn(theirs)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: self, sock=ours)
        self._transport = transport
        self._transport.write(pack(self._options.start))

    @property
    def busy(self) -> int:
        return len(self._calls)

    def has_room(self, kind: Kind) -> bool:
        limit = self._options.limits.get(kind)
        return self._accepting and (limit is None or self._load[kind] < limit)

    def invoke(self, function: FunctionInfo, header: Header, body: bytes) -> asyncio.Future[Reply]:
        """Begin an invocation.

        The future raises WorkerDiedError (the work may be repeated elsewhere) or FunctionTimeoutError.
        """
        loop = asyncio.get_running_loop()
        self._next += 1
        number, timeout = self._next, self._options.timeout_seconds
        deadline = loop.call_later(timeout, self._expire, number, function.name) if timeout else None
        call = _Call(function.kind, loop.create_future(), deadline)
        self._calls[number] = call
        self._load[function.kind] += 1
        self._transport.write(pack({"i": number, "fn": function.name, **header}, body))
        return call.future

    def data_received(self, data: bytes) -> None:
        for header, body in self._reader.feed(data):
            self._receive(header, body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._accepting = False
        for number in list(self._calls):
            self._settle(number, WorkerDiedError(f"worker {self.process.pid} died"))
        if not self.loaded.done():
            self.loaded.set_exception(StartupError("a worker ended before it had loaded the app"))
        self.closed.set_result(None)

    async def end(self) -> None:
        """Close the channel, which makes the process leave; kill it if it does not."""
        self._transport.abort()
        try:
            await asyncio.to_thread(self.process.wait, 2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            await asyncio.to_thread(self.process.wait)

    def _receive(self, header: Header, body: bytes) -> None:
        if "ready" in header:
            self._accepting = True
            self.loaded.set_result(FunctionTable.from_wire(header["ready"]))
            self._on_ready()
        elif "failed" in header:
            self.loaded.set_exception(StartupError(header["failed"]))
        else:
            self._settle(header["i"], Reply(header["ok"], header, body))

    def _settle(self, number: int, outcome: Reply | Exception) -> None:
        call = self._calls.pop(number, None)
        if call is None:
            return
        self._load[call.kind] -= 1
        if call.deadline:
            call.deadline.cancel()
        if call.future.done():  # its caller gave up
            pass
        elif isinstance(outcome, Reply):
            call.future.set_result(outcome)
        else:
            call.future.set_exception(outcome)
        self._on_room()

    def _expire(self, number: int, name: str) -> None:
        seconds = self._options.timeout_seconds
        _log.error("%s exceeded functionTimeout of %g s; killing worker %d", name, seconds, self.process.pid)
        self._accepting = False
        self.process.kill()
        self._settle(number, FunctionTimeoutError(f"Timeout value of {seconds:g} s exceeded by function: {name}"))


class WorkerPool:
    """Keeps `count` workers alive. `on_room` is called whenever an invocation may have become possible."""

    def __init__(self, count: int, options: WorkerOptions) -> None:
        self._options = options
        self._workers: list[Worker | None] = [None] * count
        self._watchers: list[asyncio.Task[None]] = []
        self._ready = asyncio.Event()
        self._stopping = False
        self.on_room: Callable[[], None] = lambda: None

    async def start(self) -> FunctionTable:
        """Start all workers and wait until they can work.

        Raises:
            StartupError: The app cannot be loaded.
        """
        workers = [await self._start_worker(index) for index in range(len(self._workers))]
        tables = await asyncio.gather(*(worker.loaded for worker in workers))
        self._watchers = [asyncio.create_task(self._watch(i, worker)) for i, worker in enumerate(workers)]
        return tables[0]

    def pick(self, kind: Kind) -> Worker | None:
        """The least loaded worker that may run one more function of this kind."""
        free = [worker for worker in self._workers if worker and worker.has_room(kind)]
        return min(free, key=lambda worker: worker.busy, default=None)

    async def wait_for(self, kind: Kind, timeout_seconds: float) -> Worker | None:
        """Like `pick`, for kinds without a limit; waits while every worker is being restarted."""
        while (worker := self.pick(kind)) is None:
            self._ready.clear()
            try:
                await asyncio.wait_for(self._ready.wait(), timeout_seconds)
            except TimeoutError:
                return None
        return worker

    async def stop(self) -> None:
        self._stopping = True
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*(worker.end() for worker in self._workers if worker))

    async def _start_worker(self, index: int) -> Worker:
        worker = Worker(self._options, self._became_ready, self._has_room)
        await worker.start()
        self._workers[index] = worker
        return worker

    async def _watch(self, index: int, worker: Worker) -> None:
        loop, backoff = asyncio.get_running_loop(), 0.0
        while True:
            born = loop.time()
            await asyncio.wait([worker.closed])
            await worker.end()
            healthy = loop.time() - born > _HEALTHY_AFTER_SECONDS
            backoff = 0.0 if healthy else min(_LONGEST_BACKOFF_SECONDS, 2 * backoff)
            code, reason = worker.process.returncode, worker.loaded.exception() or "while it ran"
            _log.warning("worker %d ended (code %s: %s), restarting in %g s", worker.process.pid, code, reason, backoff)
            await asyncio.sleep(backoff)
            backoff = backoff or 0.2
            try:
                worker = await self._start_worker(index)
            except OSError:
                _log.exception("cannot start a worker")

    def _became_ready(self) -> None:
        self._ready.set()
        self._has_room()

    def _has_room(self) -> None:
        if not self._stopping:
            self.on_room()


def _spawn(channel: socket.socket) -> subprocess.Popen[bytes]:
    here = str(Path(__file__).parent.parent)
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "devhost.worker", str(channel.fileno())],
        pass_fds=(channel.fileno(),),
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),  # stdout of the host belongs to its ready line
        env={**os.environ, "PYTHONPATH": path},
    )
