"""Runs the functions that the real Durable extension calls: one HTTP request per orchestrator episode or activity."""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass

from aiohttp import web

from devhost.durable.activities import MAX_WORKER_DEATHS
from devhost.functions import FunctionInfo, FunctionTable, Kind
from devhost.workers.pool import WorkerPool
from devhost.workers.worker import FunctionTimeoutError, Reply, WorkerDiedError

_log = logging.getLogger("devhost.invocations")

# The input of an episode holds the whole history of the orchestration.
_MAX_BODY_BYTES = 1024 * 1024 * 1024
_KINDS: tuple[Kind, ...] = ("orchestrator", "activity")


@dataclass(frozen=True)
class _Waiting:
    function: FunctionInfo
    body: bytes
    begun: asyncio.Future[asyncio.Future[Reply]]


class Invocations:
    """Answers `POST /engine/{kind}/{name}` with the result of the function, or with its failure.

    A function waits in the order of the requests until a worker has room for it. If its worker dies, the function runs
    again on another one, as the extension would repeat it after the platform has replaced a language worker.
    """

    def __init__(self, functions: FunctionTable, pool: WorkerPool) -> None:
        self._functions = functions
        self._pool = pool
        self._waiting: dict[Kind, deque[_Waiting]] = {kind: deque() for kind in _KINDS}

    def application(self) -> web.Application:
        application = web.Application(client_max_size=_MAX_BODY_BYTES)
        application.router.add_post("/engine/{kind}/{name}", self._handle)
        return application

    def pump(self) -> None:
        """Begin the functions that wait, while workers have room."""
        for kind, waiting in self._waiting.items():
            while waiting and (worker := self._pool.pick(kind)):
                first = waiting.popleft()
                if not first.begun.cancelled():
                    first.begun.set_result(worker.invoke(first.function, {}, first.body))

    async def _handle(self, request: web.Request) -> web.Response:
        kind, name = request.match_info["kind"], request.match_info["name"]
        function = self._functions.activity(name) if kind == "activity" else self._functions.orchestrator(name)
        if function is None:
            return _failure("Missing", f"The {kind} function '{name}' does not exist.", "")
        try:
            reply = await self._run(function, await request.read())
        except FunctionTimeoutError as error:
            return _failure("TimeoutException", str(error), "")
        except WorkerDiedError as error:
            return _failure("WorkerDied", str(error), "")
        if not reply.ok:
            return _failure(reply.header["type"], reply.body.decode(), reply.header["stack"])
        return web.Response(body=reply.body, content_type="application/json")

    async def _run(self, function: FunctionInfo, body: bytes) -> Reply:
        deaths = 0
        while True:
            begun: asyncio.Future[asyncio.Future[Reply]] = asyncio.get_running_loop().create_future()
            self._waiting[function.kind].append(_Waiting(function, body, begun))
            self.pump()
            try:
                reply = await (await begun)
                _log.info("%s %s %s", function.kind, function.durable_name, "ended" if reply.ok else "failed")
                return reply
            except WorkerDiedError:
                deaths += 1
                if deaths > MAX_WORKER_DEATHS:
                    raise


def _failure(kind: str, message: str, stack: str) -> web.Response:
    """Return the failure in the form that the program expects from a language worker."""
    return web.json_response({"type": kind, "message": message, "stack": stack}, status=500)
