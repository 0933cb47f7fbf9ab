"""Durable Functions as the rest of the host sees them.

The host knows orchestrations only through this class. Another engine can take its place by offering the same methods.
"""

from aiohttp import web

from devhost.database import Database
from devhost.durable.activities import ActivityDispatcher
from devhost.durable.engine import Engine
from devhost.durable.management import Management, client_binding
from devhost.durable.store import Store
from devhost.functions import FunctionTable
from devhost.workers.pool import WorkerPool


class DurableService:
    """Runs the orchestrations and activities of the app on the worker pool, and answers the durable HTTP API.

    Args:
        origin: Scheme, host and port where this host serves HTTP.
        hub: Name of the task hub, from `host.json`.
    """

    def __init__(self, database: Database, origin: str, hub: str) -> None:
        self._store = Store(database)
        self._origin = origin
        self._hub = hub

    def client_binding(self) -> str:
        """Return the JSON from which the SDK builds a function's durable client."""
        return client_binding(self._origin, self._hub)

    def start(self, functions: FunctionTable, pool: WorkerPool) -> None:
        """Continue the work that an earlier host left unfinished, and accept new work."""
        self._activities = ActivityDispatcher(self._store, pool)
        self._engine = Engine(self._store, pool, self._activities.scheduled)
        self._management = Management(self._store, self._hub, functions, self._engine.wake)
        self._engine.start(functions)
        self._activities.start(functions, self._engine.wake)

    async def handle(self, request: web.Request) -> web.Response | None:
        """Answer a request to the durable HTTP API, or return None if its path does not belong to that API."""
        return await self._management.handle(request)

    def pump(self) -> None:
        """Start waiting work while workers have room. The host calls this when a worker may have room again."""
        self._engine.pump()
        self._activities.pump()

    async def stop(self) -> None:
        """Start no more work. Unfinished work stays in the state file and continues at the next start."""
        await self._engine.stop()
        self._activities.stop()
