"""Stands between the service and the storage emulator: passes requests on, strikes some, notes what was written.

Signatures of Azure Storage cover neither host nor port, so requests pass unchanged.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

from tests.chaos.operations import JobWrite, blob_operation, is_conditional, job_write, table_operation
from tests.chaos.schedule import Effect, StorageFault, kind_of

T = TypeVar("T")
_OF_ONE_HOP = ("connection", "keep-alive", "transfer-encoding")
_NOT_OURS_TO_ADD = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_REASONS = {412: "UpdateConditionNotSatisfied", 429: "TooManyRequests", 500: "InternalError", 503: "ServerBusy"}
_LARGEST_BODY = 128 * 1024 * 1024


@dataclass
class Rule:
    """A fault that waits for its requests."""

    fault: StorageFault
    seen: int = 0

    def strikes(self, operation: str, headers: Any) -> bool:
        """Count a request; whether it is to be struck. Only a conditional write can be told that it came too late."""
        fault = self.fault
        if operation != fault.operation or (fault.status == 412 and not is_conditional(headers)):
            return False
        self.seen += 1
        return fault.skip < self.seen <= fault.skip + fault.times


@dataclass
class Record:
    """What went by since the last `begin`."""

    job_writes: list[JobWrite] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)


class _CutError(Exception):
    """Close the caller's connection without an answer."""


class StorageProxy:
    """Two ports, one for blobs and one for tables. Runs on a thread of its own."""

    def __init__(self, blob_port: int, table_port: int) -> None:
        self._upstream = {"blob": blob_port, "table": table_port}
        self._rules: list[Rule] = []
        self._open = asyncio.Event()
        self._under_way = 0
        self._held: set[asyncio.Task[Any]] = set()
        self.record = Record()
        self.asked = 0
        self.ports: dict[str, int] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runners: list[web.AppRunner] = []
        self._wait(self._start())

    def arm(self, faults: list[StorageFault]) -> None:
        """Strike by these from now on, and by no others."""
        self._rules = [Rule(fault) for fault in faults]

    def begin(self) -> Record:
        """Note into a new record from now on."""
        self.record = Record()
        return self.record

    @property
    def busy(self) -> bool:
        """Whether a request is under way, or will be carried out late."""
        return bool(self._held)

    def shut(self) -> None:
        """Cut all that is under way and refuse what comes; returns when storage itself has no request any more."""
        self._wait(self._shut())

    def open(self) -> None:
        """Pass requests on again."""
        self._loop.call_soon_threadsafe(self._open.set)

    def stop(self) -> None:
        self._wait(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        done: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return done.result(60)

    async def _start(self) -> None:
        self._open.set()
        connector = TCPConnector(limit=0, force_close=False)
        timeout = ClientTimeout(total=60)
        self._session = ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False, skip_auto_headers=_NOT_OURS_TO_ADD
        )
        for service in self._upstream:
            application = web.Application(client_max_size=_LARGEST_BODY)
            application.router.add_route("*", "/{path:.*}", self._handler(service))
            runner = web.AppRunner(application, access_log=None, auto_decompress=False, shutdown_timeout=1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.ports[service] = runner.addresses[0][1]
            self._runners.append(runner)

    async def _stop(self) -> None:
        await asyncio.gather(*self._held, return_exceptions=True)
        for runner in self._runners:
            await runner.cleanup()
        await self._session.close()

    async def _shut(self) -> None:
        self._open.clear()
        while self._under_way:
            await asyncio.sleep(0.005)

    def _handler(self, service: str) -> Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            url = request.rel_url
            operation = (
                blob_operation(request.method, url.raw_path, url.raw_query_string)
                if service == "blob"
                else table_operation(request.method, url.raw_path)
            )
            try:
                return await self._answer(_Passing(request, await request.read(), service, operation))
            except (_CutError, ClientError, OSError, asyncio.IncompleteReadError):
                if request.transport:
                    request.transport.abort()
                raise asyncio.CancelledError from None

        return handle

    async def _answer(self, passing: _Passing) -> web.Response:
        self.asked += 1
        rule = next((rule for rule in self._rules if rule.strikes(passing.operation, passing.request.headers)), None)
        if rule is None:
            return await self._forward(passing)
        self.record.struck[kind_of(rule.fault)] += 1
        return await self._strike(rule.fault, passing)

    async def _strike(self, fault: StorageFault, passing: _Passing) -> web.Response:
        match fault.effect:
            case Effect.REFUSED:
                return _refusal(passing.service, fault.status)
            case Effect.ANSWER_REPLACED:
                await self._forward(passing)
                return _refusal(passing.service, fault.status)
            case Effect.CUT_AFTER:
                await self._forward(passing)
            case Effect.LATE:
                self._keep(self._forward_late(passing, fault.seconds))
            case Effect.DELAYED:
                await asyncio.sleep(fault.seconds)
                return await self._forward(passing)
        raise _CutError

    async def _forward_late(self, passing: _Passing, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._forward(passing)

    def _keep(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._held.add(task)
        task.add_done_callback(self._let_go)

    def _let_go(self, task: asyncio.Task[Any]) -> None:
        self._held.discard(task)
        if not task.cancelled():
            task.exception()  # it has nobody to tell

    async def _forward(self, passing: _Passing) -> web.Response:
        """Have storage carry the request out; its answer. What is under way is finished though the caller may go."""
        if not self._open.is_set():
            raise _CutError
        task = asyncio.get_running_loop().create_task(self._carry_out(passing))
        self._held.add(task)
        task.add_done_callback(self._let_go)
        response = await asyncio.shield(task)
        if not self._open.is_set():
            raise _CutError
        return response

    async def _carry_out(self, passing: _Passing) -> web.Response:
        record = self.record
        self._under_way += 1
        try:
            url = URL(f"http://127.0.0.1:{self._upstream[passing.service]}{passing.request.raw_path}", encoded=True)
            async with self._session.request(
                passing.request.method, url, data=passing.body, headers=_passed_on(passing.request.headers)
            ) as answer:
                body = await answer.read()
                self._note(record, passing, answer.status)
                headers = _passed_on(answer.headers)
                if passing.request.method != "HEAD":
                    headers.popall("Content-Length", None)
                return web.Response(status=answer.status, reason=answer.reason, headers=headers, body=body)
        finally:
            self._under_way -= 1

    @staticmethod
    def _note(record: Record, passing: _Passing, status: int) -> None:
        if status >= 300:
            return
        record.done[passing.operation] += 1
        write = job_write(passing.operation, passing.request.raw_path, passing.body, time.time())
        if write:
            record.job_writes.append(write)


@dataclass(frozen=True)
class _Passing:
    """A request on its way."""

    request: web.Request
    body: bytes
    service: str
    operation: str


def _passed_on(headers: Any) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _OF_ONE_HOP)


def _refusal(service: str, status: int) -> web.Response:
    """Answer as Azure Storage does."""
    code = _REASONS[status]
    headers = {"x-ms-error-code": code, "x-ms-version": "2019-02-02"}
    if status in (429, 503):
        headers["Retry-After"] = "1"
    if service == "blob":
        text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>as told</Message></Error>'
        return web.Response(status=status, text=text, content_type="application/xml", headers=headers)
    error = {"odata.error": {"code": code, "message": {"lang": "en-US", "value": "as told"}}}
    return web.json_response(error, status=status, headers=headers)
