"""A proxy between the service and the storage emulator. It injects faults and records the writes of job rows.

It passes requests on unchanged, which is possible because the signatures of Azure Storage cover neither host nor port.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

from tests.chaos.loop_thread import LoopThread
from tests.chaos.operations import (
    JobWrite,
    blob_operation,
    first_of_transaction,
    is_conditional,
    is_of_task_hub,
    is_refused_transaction,
    job_write,
    table_operation,
)
from tests.chaos.schedule import Effect, StorageFault, kind_of

T = TypeVar("T")
_HOP_BY_HOP_HEADERS = ("connection", "keep-alive", "transfer-encoding")
_HEADERS_NOT_TO_ADD = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_REASONS = {412: "UpdateConditionNotSatisfied", 429: "TooManyRequests", 500: "InternalError", 503: "ServerBusy"}
_MAX_BODY_BYTES = 128 * 1024 * 1024


@dataclass
class Rule:
    """A fault, and the number of matching requests so far."""

    fault: StorageFault
    seen: int = 0

    def matches(self, operation: str, headers: Any) -> bool:
        """Count a request, and return whether to inject the fault. Only conditional writes can get a 412."""
        fault = self.fault
        if operation != fault.operation or (fault.status == 412 and not is_conditional(headers)):
            return False
        self.seen += 1
        return fault.skip < self.seen <= fault.skip + fault.times


@dataclass
class Record:
    """The requests since the last `begin`.

    Attributes:
        done: Counts the successful requests by operation.
        injected: Counts the injected faults by kind.
    """

    job_writes: list[JobWrite] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)


class _CutError(Exception):
    """Tells the handler to close the caller's connection without a response."""


class StorageProxy:
    """Listens on two ports, one for blobs and one for tables, with an event loop on its own thread.

    Attributes:
        request_count: How many requests the app has sent. Those of the Durable extension do not count.
    """

    def __init__(self, blob_port: int, table_port: int) -> None:
        self._upstream = {"blob": blob_port, "table": table_port}
        self._rules: list[Rule] = []
        self._connected = asyncio.Event()
        self._running_requests = 0
        self._requests_of_the_app = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self.record = Record()
        self.request_count = 0
        self.ports: dict[str, int] = {}
        self._loop = LoopThread()
        self._runners: list[web.AppRunner] = []
        self._loop.run(self._start())

    def arm(self, faults: list[StorageFault]) -> None:
        """Inject these faults from now on, and no others."""
        self._rules = [Rule(fault) for fault in faults]

    def begin(self) -> Record:
        """Start a new record, and return it."""
        self.record = Record()
        return self.record

    @property
    def busy(self) -> bool:
        """Whether a request of the app is running, or is waiting to be carried out late."""
        return bool(self._requests_of_the_app)

    def disconnect(self) -> None:
        """Cut the connections of running and new requests. Returns when storage has finished its last request."""
        self._loop.run(self._disconnect())

    def connect(self) -> None:
        """Pass requests on again."""
        self._loop.call_soon(self._connected.set)

    def stop(self) -> None:
        self._loop.run(self._stop())
        self._loop.close()

    async def _start(self) -> None:
        self._connected.set()
        connector = TCPConnector(limit=0, force_close=False)
        timeout = ClientTimeout(total=60)
        self._session = ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False, skip_auto_headers=_HEADERS_NOT_TO_ADD
        )
        for service in self._upstream:
            application = web.Application(client_max_size=_MAX_BODY_BYTES)
            application.router.add_route("*", "/{path:.*}", self._handler(service))
            runner = web.AppRunner(application, access_log=None, auto_decompress=False, shutdown_timeout=1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.ports[service] = runner.addresses[0][1]
            self._runners.append(runner)

    async def _stop(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for runner in self._runners:
            await runner.cleanup()
        await asyncio.gather(*self._tasks, return_exceptions=True)  # a delayed request may have begun meanwhile
        await self._session.close()

    async def _disconnect(self) -> None:
        self._connected.clear()
        while self._running_requests:
            await asyncio.sleep(0.005)

    def _handler(self, service: str) -> Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            url = request.rel_url
            try:
                body = await request.read()
                operation = (
                    blob_operation(request.method, url.raw_path, url.raw_query_string)
                    if service == "blob"
                    else table_operation(*first_of_transaction(request.method, url.raw_path, body)[:2])
                )
                return await self._respond(_ProxiedRequest(request, body, service, operation))
            except (_CutError, ClientError, OSError, asyncio.IncompleteReadError):
                if request.transport:
                    request.transport.abort()
                raise asyncio.CancelledError from None

        return handle

    async def _respond(self, proxied: _ProxiedRequest) -> web.Response:
        self.request_count += proxied.of_app
        rule = next((rule for rule in self._rules if rule.matches(proxied.operation, proxied.request.headers)), None)
        if rule is None:
            return await self._forward(proxied)
        self.record.injected[kind_of(rule.fault)] += 1
        return await self._inject(rule.fault, proxied)

    async def _inject(self, fault: StorageFault, proxied: _ProxiedRequest) -> web.Response:
        match fault.effect:
            case Effect.REFUSED:
                return _refusal(proxied.service, fault.status)
            case Effect.ANSWER_REPLACED:
                await self._forward(proxied)
                return _refusal(proxied.service, fault.status)
            case Effect.CUT_AFTER:
                await self._forward(proxied)
            case Effect.LATE:
                self._run_in_background(self._forward_late(proxied, fault.seconds), proxied)
            case Effect.DELAYED:
                await asyncio.sleep(fault.seconds)
                return await self._forward(proxied)
        raise _CutError

    async def _forward_late(self, proxied: _ProxiedRequest, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._forward(proxied)

    def _run_in_background(self, work: Coroutine[Any, Any, T], proxied: _ProxiedRequest) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        self._requests_of_the_app += proxied.of_app
        task.add_done_callback(partial(self._forget, proxied))
        return task

    def _forget(self, proxied: _ProxiedRequest, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self._requests_of_the_app -= proxied.of_app
        if not task.cancelled():
            task.exception()  # marks the exception as retrieved, because no caller waits for it

    async def _forward(self, proxied: _ProxiedRequest) -> web.Response:
        """Send the request to storage, and return its response. The request is completed even if the caller leaves."""
        if not self._connected.is_set():
            raise _CutError
        response = await asyncio.shield(self._run_in_background(self._carry_out(proxied), proxied))
        if not self._connected.is_set():
            raise _CutError
        return response

    async def _carry_out(self, proxied: _ProxiedRequest) -> web.Response:
        record = self.record
        self._running_requests += 1
        try:
            url = URL(f"http://127.0.0.1:{self._upstream[proxied.service]}{proxied.request.raw_path}", encoded=True)
            async with self._session.request(
                proxied.request.method, url, data=proxied.body, headers=_passed_on(proxied.request.headers)
            ) as response:
                body = await response.read()
                if response.status < 300 and not is_refused_transaction(proxied.request.path, body):
                    self._record_success(record, proxied)
                headers = _passed_on(response.headers)
                if proxied.request.method != "HEAD":
                    headers.popall("Content-Length", None)
                return web.Response(status=response.status, reason=response.reason, headers=headers, body=body)
        finally:
            self._running_requests -= 1

    @staticmethod
    def _record_success(record: Record, proxied: _ProxiedRequest) -> None:
        record.done[proxied.operation] += 1
        _, path, body = first_of_transaction(proxied.request.method, proxied.request.raw_path, proxied.body)
        write = job_write(proxied.operation, path, body, time.time())
        if write:
            record.job_writes.append(write)


@dataclass(frozen=True)
class _ProxiedRequest:
    """A request on its way to storage."""

    request: web.Request
    body: bytes
    service: str
    operation: str

    @property
    def of_app(self) -> bool:
        """Whether the app has sent the request, and not the Durable extension."""
        return not is_of_task_hub(self.request.raw_path)


def _passed_on(headers: Any) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP_HEADERS)


def _refusal(service: str, status: int) -> web.Response:
    """Build an error response in the format of Azure Storage."""
    code = _REASONS[status]
    headers = {"x-ms-error-code": code, "x-ms-version": "2019-02-02"}
    if status in (429, 503):
        headers["Retry-After"] = "1"
    if service == "blob":
        text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>injected</Message></Error>'
        return web.Response(status=status, text=text, content_type="application/xml", headers=headers)
    error = {"odata.error": {"code": code, "message": {"lang": "en-US", "value": "injected"}}}
    return web.json_response(error, status=status, headers=headers)
