"""The real Durable extension: the code that runs in production, in a program of its own beside this host.

The extension keeps its state in the storage account of `AzureWebJobsStorage`. It calls this host to run functions, and
answers the durable HTTP API.
"""

import json
import socket
from pathlib import Path

from aiohttp import ClientError, ClientSession, DummyCookieJar, web
from yarl import URL

from devhost.durable.invocations import Invocations
from devhost.durable.program import Addresses, start_program
from devhost.functions import FunctionTable
from devhost.workers.pool import WorkerPool

_PUBLIC_BASE = "/runtime/webhooks/durabletask/"
_SHUTDOWN_SECONDS = 1.0
# These headers describe one connection, so each of the two connections has its own.
_CONNECTION_HEADERS = {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "expect"}


class ExtensionService:
    """Joins the extension's program to the workers of this host. A `DurableService`.

    Args:
        program: The executable.
        origin: Scheme, host and port where this host serves HTTP.
    """

    def __init__(self, program: Path, root: Path, origin: str) -> None:
        self._path = program
        self._host_json = root / "host.json"
        self._origin = origin
        self._listener = socket.socket()

    async def client_binding(self, functions: FunctionTable) -> str:
        """Start the program. Until `start`, it waits with the functions that it wants to run."""
        self._listener.bind(("127.0.0.1", 0))
        bridge = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._program = await start_program(self._path, self._host_json, functions, Addresses(bridge, self._origin))
        self._rpc: str = json.loads(self._program.binding)["rpcBaseUrl"]
        return self._program.binding

    async def start(self, functions: FunctionTable, pool: WorkerPool) -> None:
        self._session = ClientSession(auto_decompress=False, cookie_jar=DummyCookieJar())
        self._invocations = Invocations(functions, pool)
        application = self._invocations.application()
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        await web.SockSite(self._runner, self._listener).start()

    async def handle(self, request: web.Request) -> web.Response | None:
        """Pass a request for the durable HTTP API on to the program."""
        path = request.rel_url.raw_path
        if not path.lower().startswith(_PUBLIC_BASE):
            return None
        url = URL(self._rpc + path[len(_PUBLIC_BASE) :], encoded=True).with_query(None)
        if request.rel_url.raw_query_string:
            url = URL(f"{url}?{request.rel_url.raw_query_string}", encoded=True)
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _CONNECTION_HEADERS]
        body = await request.read()
        try:
            sent = self._session.request(request.method, url, data=body or None, headers=headers, allow_redirects=False)
            async with sent as answer:
                content = await answer.read()
        except ClientError:
            return web.Response(status=503)
        response = web.Response(status=answer.status, body=content)
        for name, value in answer.headers.items():
            if name.lower() not in _CONNECTION_HEADERS:
                response.headers.add(name, self._public(value) if name.lower() == "location" else value)
        return response

    def _public(self, url: str) -> str:
        """Return where clients find an address of the program. It names its own, from the request that it received."""
        return url.replace(self._rpc, self._origin + _PUBLIC_BASE, 1) if url.startswith(self._rpc) else url

    def pump(self) -> None:
        self._invocations.pump()

    async def failed(self) -> str:
        code = await self._program.ended()
        return f"the Durable extension ended by itself with code {code}; the log shows why"

    async def stop(self) -> None:
        """End the program in order. While it ends, this host still runs functions for it."""
        await self._program.stop()
        await self._runner.cleanup()
        await self._session.close()
