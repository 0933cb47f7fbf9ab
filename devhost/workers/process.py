"""The program of a worker process: imports the app, and runs the invocations that the host sends over a socket.

A thread reads the socket. So the worker notices the end of its host even while functions keep the event loop busy. It
then exits at once, without waiting for them.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from devhost.functions import StartupError
from devhost.logs import configure_worker_logging, level_of
from devhost.workers.app_loader import load_app
from devhost.workers.channel import Header, pack, read_frames
from devhost.workers.fast_history import speed_up_history_parsing
from devhost.workers.invocations import Invocations, OnlyInvocations
from devhost.workers.invoker import Invoker
from devhost.workers.threads import default_threads, function_threads

Frames = Iterator[tuple[Header, bytes]]


class Channel:
    """Sends frames to the host, one at a time. Any thread may send."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._lock = threading.Lock()

    def send(self, header: Header, body: bytes = b"") -> None:
        frame = pack(header, body)
        # Ignores a closed socket: the thread that reads it ends the process.
        with self._lock, contextlib.suppress(OSError):
            self._socket.sendall(frame)


class Runner:
    """Starts a task for each invocation, and sends its reply."""

    def __init__(self, invoker: Invoker, channel: Channel) -> None:
        self._invoker = invoker
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, call: Header, body: bytes) -> None:
        """Run one invocation on the event loop. Any thread may call this."""
        self._loop.call_soon_threadsafe(self._start, call, body)

    def use_client(self, binding: str) -> None:
        """Give later invocations this durable client. Any thread may call this."""
        self._loop.call_soon_threadsafe(self._invoker.use_client, binding)

    def _start(self, call: Header, body: bytes) -> None:
        task = self._loop.create_task(self._run(call, body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, call: Header, body: bytes) -> None:
        header, reply = await self._invoker.run(call, body)
        self._channel.send({"i": call["i"], **header}, reply)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group, but the host decides
    sock = socket.socket(fileno=int(sys.argv[1]))
    sock.set_inheritable(False)
    channel, frames = Channel(sock), read_frames(sock)
    start = next(frames, None)
    if start is None:
        return
    runner: Future[Runner] = Future()
    threading.Thread(target=_read_until_closed, args=(frames, runner), daemon=True).start()
    options = start[0]
    invocations = Invocations()
    configure_worker_logging(OnlyInvocations(invocations, level_of(quiet=options["quiet"])))
    try:
        functions = load_app(Path(options["root"]))
    except StartupError as error:
        channel.send({"failed": str(error)})
        os._exit(1)  # a regular exit would wait for threads that the app has started
    if options["fast_history"]:
        speed_up_history_parsing()
    asyncio.run(_serve(Invoker(functions, function_threads(), invocations), invocations, channel, runner))


def _read_until_closed(frames: Frames, runner: "Future[Runner]") -> None:
    try:
        for call, body in frames:
            if "client" in call:
                runner.result().use_client(call["client"])
            else:
                runner.result().begin(call, body)
    finally:
        os._exit(0)


async def _serve(invoker: Invoker, invocations: Invocations, channel: Channel, runner: "Future[Runner]") -> None:
    loop = asyncio.get_running_loop()
    loop.set_task_factory(invocations.make_task)
    # The default executor, in which `asyncio.to_thread` runs functions, counts the cores as well.
    loop.set_default_executor(ThreadPoolExecutor(default_threads()))
    runner.set_result(Runner(invoker, channel))
    channel.send({"ready": [asdict(function.info) for function in invoker.functions.values()]})
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()
