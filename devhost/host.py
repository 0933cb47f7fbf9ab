"""The host process: puts the parts together, serves until told to stop."""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from aiohttp import web

from devhost.activities import ActivityDispatcher
from devhost.engine import Engine
from devhost.functions import Kind, StartupError
from devhost.http_front import HttpFront
from devhost.management import Management, client_binding
from devhost.routes import Router
from devhost.settings import HostSettings, load_settings
from devhost.store import Store
from devhost.timers import Timers
from devhost.workers import WorkerOptions, WorkerPool

_log = logging.getLogger("devhost")

_GRACE_SECONDS = 3.0


@dataclass(frozen=True)
class Options:
    root: Path
    port: int
    workers: int
    state: Path
    quiet: bool


async def serve(options: Options) -> None:
    """Run the app until SIGTERM or SIGINT.

    Raises:
        StartupError: It cannot be run; the text says why.
    """
    settings = load_settings(options.root)
    with (
        _listener(options.port) as listener,
        _only_host_of(options.state),
        contextlib.closing(_store(options)) as store,
    ):
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        pool = WorkerPool(options.workers, _worker_options(options, settings, origin))
        try:
            await _run(options, settings, store, pool, listener, origin)
        finally:
            await pool.stop()


async def _run(
    options: Options, settings: HostSettings, store: Store, pool: WorkerPool, listener: socket.socket, origin: str
) -> None:
    stop = _stop_signal()
    functions = await pool.start()
    if stop.is_set():
        return
    dispatcher = ActivityDispatcher(store, pool)
    engine = Engine(store, pool, dispatcher.scheduled)
    management = Management(store, settings.hub, functions, engine.wake)
    timers = Timers(functions.of_kind("timer"), store, pool)
    router = Router(functions.of_kind("http"), settings.route_prefix)
    front = HttpFront(router, pool, [management.handle, timers.handle_admin])

    def on_room() -> None:
        engine.pump()
        dispatcher.pump()

    pool.on_room = on_room
    runner = web.AppRunner(front.application(), access_log=None, auto_decompress=False, shutdown_timeout=_GRACE_SECONDS)
    engine.start(functions)
    dispatcher.start(functions, engine.wake)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    timers.start()
    count = len(functions.functions)
    sys.stdout.write(f"devhost ready {origin} ({options.workers} workers, {count} functions)\n")
    sys.stdout.flush()
    await stop.wait()
    _log.info("stopping")
    timers.stop()
    await runner.cleanup()
    await engine.stop()
    dispatcher.stop()


def _stop_signal() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT; the second one ends the process at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    return stop


@contextlib.contextmanager
def _listener(port: int) -> Iterator[socket.socket]:
    """A bound socket that does not listen yet: clients are refused until the host can serve."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            msg = f"port {port} is in use or not allowed: {error.strerror}"
            raise StartupError(msg) from error
        yield listener


@contextlib.contextmanager
def _only_host_of(state: Path) -> Iterator[TextIO]:
    """Hold a lock beside the state file; the system releases it however this process ends."""
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
        lock = state.with_name(state.name + ".lock").open("w")
    except OSError as error:
        msg = f"cannot write beside {state}: {error.strerror}"
        raise StartupError(msg) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            msg = f"another devhost is using {state}"
            raise StartupError(msg) from error
        yield lock


def _store(options: Options) -> Store:
    return Store(options.state)


def _worker_options(options: Options, settings: HostSettings, origin: str) -> WorkerOptions:
    limits: dict[Kind, int] = {
        "activity": _share(settings.max_activities, options.workers),
        "orchestrator": _share(settings.max_orchestrators, options.workers),
    }
    start = {
        "root": str(settings.root),
        "client": client_binding(origin, settings.hub),
        "orchestrators": limits["orchestrator"],
        "fast_history": os.environ.get("DEVHOST_FAST_HISTORY", "1") != "0",
        "quiet": options.quiet,
    }
    return WorkerOptions(start, limits, settings.function_timeout_seconds)


def _share(limit: int, workers: int) -> int:
    """Share out a limit of the host evenly, rounded up."""
    return -(-limit // workers)
