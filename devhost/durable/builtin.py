"""The engine of devhost itself: keeps all durable state in the host's SQLite file."""

import asyncio

from aiohttp import web

from devhost.database import Database
from devhost.durable.activities import ActivityDispatcher
from devhost.durable.engine import Engine
from devhost.durable.management import Management
from devhost.durable.store import Store
from devhost.durable.urls import client_binding
from devhost.functions import FunctionTable
from devhost.settings import HostSettings
from devhost.workers.pool import WorkerPool


class BuiltInService:
    """Runs orchestrations and activities in this process. A `DurableService`.

    Args:
        origin: Scheme, host and port where this host serves HTTP.
    """

    def __init__(self, database: Database, origin: str, settings: HostSettings) -> None:
        self._store = Store(database)
        self._origin = origin
        self._settings = settings

    async def client_binding(self, functions: FunctionTable) -> str:
        return client_binding(self._origin, self._settings.hub)

    async def start(self, functions: FunctionTable, pool: WorkerPool) -> None:
        self._activities = ActivityDispatcher(self._store, pool)
        self._engine = Engine(self._store, pool, self._activities.scheduled)
        self._management = Management(self._store, self._settings, functions, self._engine.wake)
        self._engine.start(functions)
        self._activities.start(functions, self._engine.wake)

    async def handle(self, request: web.Request) -> web.Response | None:
        return await self._management.handle(request)

    def pump(self) -> None:
        self._engine.pump()
        self._activities.pump()

    async def failed(self) -> str:
        """Wait without end: this engine fails only together with the host."""
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async def stop(self) -> None:
        await self._engine.stop()
        self._activities.stop()
