"""The host process: connects its parts, and serves until a signal stops it."""

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

from devhost.database import Database
from devhost.durable.builtin import BuiltInService
from devhost.durable.extension import ExtensionService
from devhost.durable.service import DurableService
from devhost.functions import FunctionTable, Kind, StartupError
from devhost.http.front import HttpFront
from devhost.http.routes import Router
from devhost.settings import HostSettings, is_disabled, load_settings
from devhost.timers.due_times import DueTimes
from devhost.timers.triggers import Timers
from devhost.workers.pool import WorkerPool
from devhost.workers.worker import WorkerOptions

_log = logging.getLogger("devhost")

_HEADER_BYTES = 32 * 1024
"""The longest header, as in the Functions host: the limit of its server, Kestrel, for all headers together."""

_SHUTDOWN_SECONDS = 3.0


@dataclass(frozen=True)
class Options:
    """The options of the command line.

    Attributes:
        durable: The program with the real Durable extension; None: the engine of devhost.
    """

    root: Path
    port: int
    workers: int
    state: Path
    quiet: bool
    durable: Path | None = None


@dataclass(frozen=True)
class _Host:
    """The parts that exist before the app is loaded."""

    options: Options
    settings: HostSettings
    listener: socket.socket
    origin: str
    database: Database
    durable: DurableService
    pool: WorkerPool


async def serve(options: Options) -> None:
    """Run the app until SIGTERM or SIGINT.

    Raises:
        StartupError: The host cannot run the app; the text says why.
    """
    settings = load_settings(options.root)
    with (
        _listener(options.port) as listener,
        _only_host_of(options.state),
        contextlib.closing(Database(options.state)) as database,
    ):
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        durable = _durable_service(options, settings, origin, database)
        pool = WorkerPool(options.workers, _worker_options(options, settings))
        try:
            await _run(_Host(options, settings, listener, origin, database, durable, pool))
        finally:
            await pool.stop()


def _durable_service(options: Options, settings: HostSettings, origin: str, database: Database) -> DurableService:
    if options.durable is not None:
        return ExtensionService(options.durable, settings.root, origin)
    if settings.unsupported:
        msg = (
            f"host.json: devhost's own engine does not support {', '.join(settings.unsupported)} of durableTask. Leave "
            "it out, or run on the real Durable extension: --durable PROGRAM"
        )
        raise StartupError(msg)
    return BuiltInService(database, origin, settings)


async def _run(host: _Host) -> None:
    stop = _stop_signal()
    functions = (await host.pool.start()).without(is_disabled)
    if stop.is_set():
        return
    timers = Timers(functions.of_kind("timer"), DueTimes(host.database), host.pool)
    router = Router(functions.of_kind("http"), host.settings.route_prefix)
    front = HttpFront(router, host.pool, [host.durable.handle, timers.handle_admin])
    runner = web.AppRunner(
        front.application(),
        access_log=None,
        auto_decompress=False,
        max_field_size=_HEADER_BYTES,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    host.pool.give_client(await host.durable.client_binding(functions))
    await host.durable.start(functions, host.pool)
    host.pool.on_room = host.durable.pump
    host.durable.pump()
    await runner.setup()
    await web.SockSite(runner, host.listener).start()
    timers.start()
    _print_ready_line(host, functions)
    try:
        await _until(stop, host.durable)
    finally:
        _log.info("stopping")
        timers.stop()
        await runner.cleanup()
        await host.durable.stop()


async def _until(stop: asyncio.Event, durable: DurableService) -> None:
    """Wait for the signal to stop.

    Raises:
        StartupError: The durable service failed before that.
    """
    signalled, failed = asyncio.create_task(stop.wait()), asyncio.create_task(durable.failed())
    await asyncio.wait({signalled, failed}, return_when=asyncio.FIRST_COMPLETED)
    if not signalled.done():
        signalled.cancel()
        raise StartupError(failed.result())
    failed.cancel()


def _print_ready_line(host: _Host, functions: FunctionTable) -> None:
    workers, count = host.options.workers, len(functions.functions)
    sys.stdout.write(f"devhost ready {host.origin} ({workers} workers, {count} functions)\n")
    sys.stdout.flush()


def _stop_signal() -> asyncio.Event:
    """Return an event that the first SIGTERM or SIGINT sets. A second signal ends the process at once."""
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
    """Bind a socket that does not listen yet. Until the host can serve, connections to it are refused."""
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
    """Hold a lock on a file beside the state file. The system releases the lock even if this process is killed."""
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


def _worker_options(options: Options, settings: HostSettings) -> WorkerOptions:
    limits: dict[Kind, int] = {
        "activity": _share(settings.max_activities, options.workers),
        "orchestrator": _share(settings.max_orchestrators, options.workers),
    }
    start = {
        "root": str(settings.root),
        "fast_history": options.durable is None and os.environ.get("DEVHOST_FAST_HISTORY", "1") != "0",
        "quiet": options.quiet,
    }
    return WorkerOptions(start, limits, settings.function_timeout_seconds)


def _share(limit: int, workers: int) -> int:
    """Divide a limit of the host evenly among the workers, rounded up."""
    return -(-limit // workers)
