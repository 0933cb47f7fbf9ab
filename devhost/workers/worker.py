"""The host's view of one worker process: the connection to it, and the invocations that it runs."""

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

from devhost.functions import FunctionInfo, FunctionTable, Kind, StartupError
from devhost.workers.channel import FrameReader, Header, pack

_log = logging.getLogger("devhost.workers")


class WorkerDiedError(Exception):
    """The worker process ended while it ran the invocation. The function may or may not have finished."""


class FunctionTimeoutError(Exception):
    """The invocation ran longer than `functionTimeout`, so the host killed its worker."""


@dataclass(frozen=True)
class Reply:
    """The result of an invocation. If the function raised, `ok` is false and `body` holds the exception's text."""

    ok: bool
    header: Header
    body: bytes


@dataclass(frozen=True)
class WorkerOptions:
    """How to start a worker, and how much to give it.

    Attributes:
        start: The first frame that the worker receives; see `process`.
        limits: How many functions of a kind one worker may run at once. Kinds without a limit are missing.
        timeout_seconds: `functionTimeout`; None means no limit.
    """

    start: Header
    limits: dict[Kind, int]
    timeout_seconds: float | None


@dataclass
class _Call:
    kind: Kind
    future: asyncio.Future[Reply]
    deadline: asyncio.TimerHandle | None


class Worker(asyncio.Protocol):
    """One worker process and the invocations that it runs.

    Attributes:
        loaded: Resolves to the app's functions, or raises StartupError if the worker cannot load the app.
        closed: Resolves when the process has closed its end of the channel.
    """

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
        # Marks an exception as retrieved: for a restarted worker nothing awaits this future.
        self.loaded.add_done_callback(asyncio.Future.exception)
        self.closed: asyncio.Future[None] = loop.create_future()

    async def start(self) -> None:
        """Start the process. The only file descriptor that it inherits is one end of a socket pair."""
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = _spawn(theirs)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: self, sock=ours)
        self._transport = transport
        self._transport.write(pack(self._options.start))

    def give_client(self, binding: str) -> None:
        """Give the worker the JSON of the durable client. Functions that begin later receive it."""
        self._transport.write(pack({"client": binding}))

    @property
    def busy(self) -> int:
        """How many invocations the worker runs."""
        return len(self._calls)

    def has_room(self, kind: Kind) -> bool:
        """Return whether the worker may run one more function of this kind."""
        limit = self._options.limits.get(kind)
        return self._accepting and (limit is None or self._load[kind] < limit)

    def invoke(self, function: FunctionInfo, header: Header, body: bytes) -> asyncio.Future[Reply]:
        """Begin an invocation.

        The future raises WorkerDiedError (another worker may then repeat the work) or FunctionTimeoutError.
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
        """Close the channel, which makes the process exit; kill the process if it does not exit within 2 seconds."""
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
        if call.future.done():  # its caller has cancelled it
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


def _spawn(channel: socket.socket) -> subprocess.Popen[bytes]:
    repository = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (repository, os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "devhost.workers.process", str(channel.fileno())],
        pass_fds=(channel.fileno(),),
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),  # the host's stdout holds the ready line and nothing else
        env={**os.environ, "PYTHONPATH": path},
    )
