"""Keeps worker processes alive, and picks the least loaded one for each invocation."""

import asyncio
import logging
from collections.abc import Callable

from devhost.functions import FunctionTable, Kind
from devhost.workers.worker import Worker, WorkerOptions

_log = logging.getLogger("devhost.workers")

_FIRST_BACKOFF_SECONDS = 0.2
_MAX_BACKOFF_SECONDS = 2.0
_HEALTHY_AFTER_SECONDS = 5.0


class WorkerPool:
    """Keeps `count` workers alive: starts a worker again when it ends, later each time if it keeps ending soon.

    Attributes:
        on_room: Called whenever a worker may have room for another invocation.
    """

    def __init__(self, count: int, options: WorkerOptions) -> None:
        self._options = options
        self._workers: list[Worker | None] = [None] * count
        self._watchers: list[asyncio.Task[None]] = []
        self._ready = asyncio.Event()
        self._stopping = False
        self._client: str | None = None
        self.on_room: Callable[[], None] = lambda: None

    async def start(self) -> FunctionTable:
        """Start all workers, wait until they have loaded the app, and return its functions.

        Raises:
            StartupError: A worker cannot load the app.
        """
        workers = [await self._start_worker(index) for index in range(len(self._workers))]
        tables = await asyncio.gather(*(worker.loaded for worker in workers))
        self._watchers = [asyncio.create_task(self._watch(i, worker)) for i, worker in enumerate(workers)]
        return tables[0]

    def give_client(self, binding: str) -> None:
        """Give all workers, also those that start later, the JSON from which the SDK builds a durable client."""
        self._client = binding
        for worker in self._workers:
            if worker:
                worker.give_client(binding)

    def pick(self, kind: Kind) -> Worker | None:
        """Return the least loaded worker that may run one more function of this kind, or None if all are full."""
        free = [worker for worker in self._workers if worker and worker.has_room(kind)]
        return min(free, key=lambda worker: worker.busy, default=None)

    async def wait_for(self, kind: Kind, timeout_seconds: float) -> Worker | None:
        """Pick a worker for a kind without a limit. While every worker is restarting, wait; after the timeout, give up.

        Returns:
            The worker, or None if the timeout has passed.
        """
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
        if self._client is not None:
            worker.give_client(self._client)
        self._workers[index] = worker
        return worker

    async def _watch(self, index: int, worker: Worker) -> None:
        """Start the worker again each time it ends."""
        loop, backoff = asyncio.get_running_loop(), 0.0
        while True:
            started = loop.time()
            await asyncio.wait([worker.closed])
            await worker.end()
            healthy = loop.time() - started > _HEALTHY_AFTER_SECONDS
            backoff = 0.0 if healthy else min(_MAX_BACKOFF_SECONDS, 2 * backoff)
            code, reason = worker.process.returncode, worker.loaded.exception() or "while it ran"
            _log.warning("worker %d ended (code %s: %s), restarting in %g s", worker.process.pid, code, reason, backoff)
            await asyncio.sleep(backoff)
            backoff = backoff or _FIRST_BACKOFF_SECONDS
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
