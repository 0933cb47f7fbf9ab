"""The HTTP listener: turns each request into an invocation, and sends the reply back byte for byte."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import parse_qsl

from aiohttp import web

from devhost.http.routes import NotFound, Router
from devhost.workers.channel import Header
from devhost.workers.pool import WorkerPool
from devhost.workers.worker import FunctionTimeoutError, Reply, WorkerDiedError

_log = logging.getLogger("devhost.http")

MAX_BODY_BYTES = 100 * 1024 * 1024
_WORKER_WAIT_SECONDS = 15.0
# These headers describe the connection, so the host sets them itself.
_CONNECTION_HEADERS = {"content-length", "transfer-encoding", "connection", "keep-alive"}
_FORBIDDEN = set("\r\n\0")
# The real host's server, Kestrel, throws when a body is written to such a response.
_WITHOUT_BODY = {204, 205, 304}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


class HttpFront:
    """Passes each request to the `built_in` handlers (durable API, admin API) first, then to the routes of the app."""

    def __init__(self, router: Router, pool: WorkerPool, built_in: list[Handler]) -> None:
        self._router = router
        self._pool = pool
        self._built_in = built_in

    def application(self) -> web.Application:
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.router.add_route("*", r"/{path:[\s\S]*}", self._handle)  # a dot does not match a line break
        application.on_response_prepare.append(_drop_empty_content_type)
        return application

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        began = time.monotonic()
        try:
            response = await self._respond(request)
        except ConnectionError:  # the client left while it sent its body, so no one reads the response
            response = web.Response(status=400)
        except Exception:
            _log.exception("%s %s", request.method, request.rel_url.raw_path)
            response = web.Response(status=500)
        milliseconds = (time.monotonic() - began) * 1000
        _log.info("%s %s %d %.1f ms", request.method, request.rel_url.raw_path, response.status, milliseconds)
        return response

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        for handler in self._built_in:
            if (response := await handler(request)) is not None:
                return response
        found = self._router.find(request.method, request.rel_url.raw_path)
        if isinstance(found, NotFound):
            headers = {"Allow": ", ".join(found.allowed)} if found.allowed else None
            return web.Response(status=405 if found.allowed else 404, headers=headers)
        body = await _read(request)
        if isinstance(body, web.Response):
            return body
        worker = await self._pool.wait_for("http", _WORKER_WAIT_SECONDS)
        if worker is None:
            return web.Response(status=503)
        return _response(await _outcome(worker.invoke(found.function, _call(request, found.parameters), body)))


async def _drop_empty_content_type(_request: web.Request, response: web.StreamResponse) -> None:
    """Send no empty `Content-Type`: where the real host sets one, ASP.NET Core removes the header."""
    if response.headers.get("Content-Type") == "":
        del response.headers["Content-Type"]


async def _read(request: web.Request) -> bytes | web.Response:
    """Return the body of a request. The real host gives workers none if the request has no `Content-Length`.

    It does so in `ToRpcHttp` of azure-functions-host, whatever the version of HTTP.
    """
    if not request.content_length:
        return b""
    if request.content_length > MAX_BODY_BYTES:
        return web.Response(status=413)
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        return web.Response(status=413)


async def _outcome(reply: asyncio.Future[Reply]) -> Reply | int:
    """Wait for the reply. Return an HTTP status instead if there will be none."""
    try:
        return await reply
    except WorkerDiedError:
        return 502
    except FunctionTimeoutError:
        return 500


def _call(request: web.Request, parameters: dict[str, str]) -> Header:
    return {
        "method": request.method,
        "url": f"{request.scheme}://{request.host}{request.rel_url.raw_path_qs}",
        "headers": _joined((name.lower(), value) for name, value in request.headers.items()),
        "query": _joined(parse_qsl(request.rel_url.raw_query_string)),  # like the real host, drops empty values
        "params": parameters,
    }


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Join the values of repeated names with commas, as the real host does."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _response(outcome: Reply | int) -> web.Response:
    if isinstance(outcome, int):
        return web.Response(status=outcome)
    if not outcome.ok:
        return web.Response(status=500)
    if any(_FORBIDDEN & set(name + value) for name, value in outcome.header["headers"]):
        _log.error("a function returned a header that holds a line break")
        return web.Response(status=500)
    status = outcome.header["status"]
    if outcome.body and status in _WITHOUT_BODY:
        _log.error("a function returned a body with the status %d, which has none", status)
        return web.Response(status=500)
    response = web.Response(status=status, body=outcome.body)
    for name, value in outcome.header["headers"]:
        if name.lower() == "set-cookie":
            response.headers.add(name, value)
        elif name.lower() not in _CONNECTION_HEADERS:
            response.headers[name] = value
    return response
