"""Runs activities: hands them to workers in the order they were scheduled, and stores their results in groups.

An activity whose result was not stored before the host or its worker died runs again. So every activity runs at least
once.
"""

import asyncio
import json
import logging
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from devhost.durable.history import EventType, event
from devhost.durable.models import Activity
from devhost.durable.store import Store
from devhost.functions import FunctionTable
from devhost.workers.pool import WorkerPool
from devhost.workers.worker import FunctionTimeoutError, Reply, WorkerDiedError

_log = logging.getLogger("devhost.activities")

# Workers that may die while one activity runs. A low limit would fail healthy activities that ran beside a deadly one.
MAX_WORKER_DEATHS = int(os.environ.get("DEVHOST_POISON_DEATHS", "20"))
_COMMIT_INTERVAL_SECONDS = 0.002
_RETRY_SECONDS = 1.0

Completion = tuple[Activity, EventType, str]


class ActivityDispatcher:
    """Runs the activities that instances schedule."""

    def __init__(self, store: Store, pool: WorkerPool) -> None:
        self._store = store
        self._pool = pool
        self._wake: Callable[[str], None] = lambda _: None
        self._functions = FunctionTable([])
        self._queue: deque[int] = deque()
        self._newest = 0
        self._finished: list[Completion] = []
        self._flushing: asyncio.Handle | None = None
        self._last_commit = 0.0
        self._stopping = False

    def start(self, functions: FunctionTable, wake: Callable[[str], None]) -> None:
        """Queue the activities that an earlier host left unfinished.

        Args:
            wake: Called with the id of each instance whose activities have reported a result.
        """
        self._functions = functions
        self._wake = wake
        self._enqueue(self._store.pending_activities())

    def scheduled(self, instance_id: str) -> None:
        """Queue the activities that the instance has just scheduled."""
        self._enqueue(self._store.activities_of(instance_id, after=self._newest))

    def stop(self) -> None:
        """Start no more activities; store the results that have arrived."""
        self._stopping = True
        if self._finished:
            self._flush()

    def pump(self) -> None:
        """Start queued activities while workers have room."""
        while self._queue and not self._stopping and (worker := self._pool.pick("activity")):
            activity = self._store.activity(self._queue.popleft())
            if activity is None:  # its instance was purged
                continue
            function = self._functions.activity(activity.name)
            if function is None:
                reason = f"The activity function '{activity.name}' does not exist."
                self._complete((activity, EventType.TASK_FAILED, _failed(activity, "Missing", reason, "")))
                continue
            future = worker.invoke(function, {}, activity.input.encode())
            future.add_done_callback(partial(self._returned, activity))

    def _enqueue(self, numbers: list[int]) -> None:
        self._queue += numbers
        self._newest = max(self._newest, *numbers[-1:], 0)
        self.pump()

    def _returned(self, activity: Activity, done: asyncio.Future[Reply]) -> None:
        if done.cancelled() or self._stopping:
            return
        error = done.exception()
        if error is None:
            self._complete((activity, *_result(activity, done.result())))
        elif isinstance(error, WorkerDiedError) and activity.deaths < MAX_WORKER_DEATHS:
            self._store.count_worker_death(activity.number)
            self._queue.appendleft(activity.number)
            asyncio.get_running_loop().call_soon(self.pump)
        else:
            kind = "TimeoutException" if isinstance(error, FunctionTimeoutError) else "WorkerDied"
            text = _failed(activity, kind, str(error), "")
            self._complete((activity, EventType.TASK_FAILED, text))

    def _complete(self, completion: Completion) -> None:
        """Store the result soon, together with the others of the same interval."""
        self._finished.append(completion)
        if self._flushing is None:
            loop = asyncio.get_running_loop()
            due = self._last_commit + _COMMIT_INTERVAL_SECONDS
            self._flushing = loop.call_soon(self._flush) if loop.time() >= due else loop.call_at(due, self._flush)

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        finished, self._finished, self._flushing = self._finished, [], None
        try:
            self._store.complete_activities(finished)
        except sqlite3.Error:
            _log.exception("results of %d activities could not be stored, trying again", len(finished))
            self._finished = finished
            self._flushing = loop.call_later(_RETRY_SECONDS, self._flush)
            return
        self._last_commit = loop.time()
        for instance_id in {activity.instance_id for activity, _, _ in finished}:
            self._wake(instance_id)


def _result(activity: Activity, reply: Reply) -> tuple[EventType, str]:
    text = reply.body.decode()
    if reply.ok:
        return EventType.TASK_COMPLETED, event(
            EventType.TASK_COMPLETED, time.time(), TaskScheduledId=activity.task, Result=text
        )
    return EventType.TASK_FAILED, _failed(activity, reply.header["type"], text, reply.header["stack"])


def _failed(activity: Activity, kind: str, message: str, stack: str) -> str:
    details = {"ClassName": kind, "Message": message, "StackTraceString": stack}
    # Two blanks, as in production: the real extension cuts the worker's text after "Exception:".
    reason = f"Activity function '{activity.name}' failed:  {kind}: {message}"
    return event(
        EventType.TASK_FAILED, time.time(), TaskScheduledId=activity.task, Reason=reason, Details=json.dumps(details)
    )
