"""Runs timer triggers: stores due times, makes up for missed runs once at the next start, never overlaps two runs."""

import asyncio
import json
import logging
import os
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from aiohttp import web

from devhost.functions import FunctionInfo, StartupError
from devhost.settings import resolve
from devhost.timers.due_times import DueTimes
from devhost.timers.ncrontab import Schedule
from devhost.workers.pool import WorkerPool
from devhost.workers.worker import FunctionTimeoutError, WorkerDiedError

_log = logging.getLogger("devhost.timers")

_MAX_SLEEP_SECONDS = 30.0  # the wall clock may jump, so look at it again now and then
_WORKER_WAIT_SECONDS = 60.0
_ADMIN = "/admin/functions/"
_STATUS = "/admin/host/status"


class Timer:
    """One timer trigger.

    Attributes:
        unfinished_runs: Runs that have begun or wait for an earlier run to end.
    """

    def __init__(self, function: FunctionInfo, due_times: DueTimes, pool: WorkerPool) -> None:
        self.function = function
        self._due_times = due_times
        self._pool = pool
        self._zone = _zone()
        self._one_at_a_time = asyncio.Lock()
        self.unfinished_runs = 0
        self._text = resolve(function.schedule)
        try:
            self._schedule = Schedule(self._text)
            self._schedule.next_after(datetime.now(UTC))
        except ValueError as error:
            msg = f"function {function.name!r}: {error}"
            raise StartupError(msg) from error

    async def run(self) -> None:
        """Run the function each time it is due, without end."""
        last, next_due = self._stored()
        self._save(last, next_due)
        missed = next_due < datetime.now(UTC).timestamp()
        if missed or self.function.run_on_startup:
            next_due = await self.fire(past_due=missed)
        while True:
            while (wait := next_due - datetime.now(UTC).timestamp()) > 0:
                await asyncio.sleep(min(wait, _MAX_SLEEP_SECONDS))
            next_due = await self.fire()

    async def fire(self, *, past_due: bool = False) -> float:
        """Run the function once, with its retry policy, and return when it is due next (Unix seconds)."""
        self.unfinished_runs += 1
        try:
            async with self._one_at_a_time:
                return await self._fire(past_due=past_due)
        finally:
            self.unfinished_runs -= 1

    async def _fire(self, *, past_due: bool) -> float:
        began = datetime.now(UTC).timestamp()
        try:
            await self._attempts(past_due=past_due)
        except Exception:
            _log.exception("timer %s", self.function.name)
        next_due = self._next()
        self._save(began, next_due)
        return next_due

    async def _attempts(self, *, past_due: bool) -> None:
        policy, attempt = self.function.retry or {}, 0
        while not await self._invoke(past_due=past_due):
            max_retries = int(policy.get("max_retry_count", 0))
            if 0 <= max_retries <= attempt:
                return
            await asyncio.sleep(_pause(policy, attempt))
            attempt += 1

    async def _invoke(self, *, past_due: bool) -> bool:
        """Run the function once, and return whether it succeeded."""
        worker = await self._pool.wait_for("timer", _WORKER_WAIT_SECONDS)
        if worker is None:
            return False
        try:
            reply = await worker.invoke(self.function, {}, self._request(past_due=past_due))
        except (WorkerDiedError, FunctionTimeoutError) as error:
            _log.error("timer %s: %s", self.function.name, error)
            return False
        _log.info("timer %s: %s", self.function.name, "done" if reply.ok else "failed")
        return reply.ok

    def _request(self, *, past_due: bool) -> bytes:
        last, next_due = self._stored()
        status = {"Last": _text(last), "LastUpdated": _text(last), "Next": _text(next_due)}
        body = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": past_due}
        return json.dumps(body).encode()

    def _stored(self) -> tuple[float | None, float]:
        """Return the last run and the next due time. Ignores times that were stored under another schedule."""
        return self._due_times.load(self.function.name, self._text) or (None, self._next())

    def _save(self, last: float | None, next_due: float) -> None:
        self._due_times.save(self.function.name, self._text, last, next_due)

    def _next(self) -> float:
        now = datetime.now(self._zone)
        local = self._schedule.next_after(now.replace(tzinfo=None))
        while local.replace(tzinfo=self._zone) <= now:  # the hour that occurs twice when summer time ends
            local = self._schedule.next_after(local)
        return local.replace(tzinfo=self._zone).timestamp()


class Timers:
    """All timer triggers of the app."""

    def __init__(self, functions: list[FunctionInfo], due_times: DueTimes, pool: WorkerPool) -> None:
        self._timers = {function.name.lower(): Timer(function, due_times, pool) for function in functions}
        self._tasks: set[asyncio.Task[object]] = set()

    def start(self) -> None:
        for timer in self._timers.values():
            self._keep(asyncio.create_task(timer.run()))

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def handle_admin(self, request: web.Request) -> web.Response | None:
        """Answer a request to the admin API, or return None if its path does not belong to that API.

        POST /admin/functions/{name} runs a timer now. GET /admin/host/status counts the unfinished runs of timers.
        """
        path = request.rel_url.path
        if path == _STATUS:
            runs = sum(timer.unfinished_runs for timer in self._timers.values())
            return web.json_response({"state": "Running", "timersUnderWay": runs})
        if not path.startswith(_ADMIN):
            return None
        timer = self._timers.get(path.removeprefix(_ADMIN).lower())
        if timer is None:
            return web.Response(status=404)
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        self._keep(asyncio.create_task(timer.fire()))
        return web.Response(status=202)

    def _keep(self, task: asyncio.Task[object]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _zone() -> tzinfo:
    return ZoneInfo(os.environ.get("WEBSITE_TIME_ZONE", "UTC"))


def _text(seconds: float | None) -> str:
    moment = datetime.fromtimestamp(seconds, UTC) if seconds is not None else datetime(1, 1, 1, tzinfo=UTC)
    return moment.isoformat()


def _pause(policy: dict[str, str], attempt: int) -> float:
    if policy.get("strategy") == "exponential_backoff":
        low, high = _span(policy["minimum_interval"]), _span(policy["maximum_interval"])
        return min(high, low * 2.0**attempt)
    return _span(policy["delay_interval"])


def _span(text: str) -> float:
    hours, minutes, seconds = (float(part) for part in text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds).total_seconds()
