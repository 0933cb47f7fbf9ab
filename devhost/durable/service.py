"""Durable Functions as the rest of the host sees them.

The host knows orchestrations only through this protocol. Two services offer it: the engine of devhost itself
(`builtin`) and the real Durable extension (`extension`).
"""

from typing import Protocol

from aiohttp import web

from devhost.functions import FunctionTable
from devhost.workers.pool import WorkerPool


class DurableService(Protocol):
    """Runs the orchestrations and activities of the app on the worker pool, and answers the durable HTTP API."""

    async def client_binding(self, functions: FunctionTable) -> str:
        """Prepare to run these functions. Return the JSON from which the SDK builds a function's durable client."""
        ...

    async def start(self, functions: FunctionTable, pool: WorkerPool) -> None:
        """Continue the work that an earlier host left unfinished, and accept new work."""
        ...

    async def handle(self, request: web.Request) -> web.StreamResponse | None:
        """Answer a request to the durable HTTP API, or return None if its path does not belong to that API."""
        ...

    def pump(self) -> None:
        """Start waiting work while workers have room. The host calls this when a worker may have room again."""
        ...

    async def failed(self) -> str:
        """Wait until the service can no longer run orchestrations, and return the reason."""
        ...

    async def stop(self) -> None:
        """Start no more work. Unfinished work is kept, and continues at the next start."""
        ...
