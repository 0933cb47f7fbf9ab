"""Knows the invocation that a log record belongs to, in the way of the real Functions worker.

The real host drops a record that belongs to no running invocation. The worker attaches the invocation to its asyncio
task, which tasks made by it inherit, and to the thread of a sync function. A thread that a function starts has none,
unless the function says so:

- Workers for Python up to 3.12 read `context.thread_local_storage.invocation_id` of the thread (dispatcher.py of
  azure-functions-python-worker).
- Workers from Python 3.13 on ignore it. They read the context variable `azure_functions_runtime.invocation_id_cv`,
  which is set while a sync function runs, and not for an async one (proxy_worker/dispatcher.py, and
  azure-functions-runtime 1.3).
"""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

_log = logging.getLogger("devhost.logs")

_RULES_SETTING = "DEVHOST_LOG_RULES"
_RUNTIME = "azure_functions_runtime"
# The host keeps these to itself (`is_system_log_category` of the worker), so a user never sees them.
_SYSTEM = "azure.functions"


class Invocations:
    """The invocations that run in this worker.

    Attributes:
        storage: What a function receives as `context.thread_local_storage`.
    """

    def __init__(self, *, by_variable: bool | None = None) -> None:
        """Choose the rules of Python up to 3.12, or with `by_variable` those from 3.13 on (default: this Python's)."""
        self.storage = threading.local()
        self._by_variable = _has_new_rules() if by_variable is None else by_variable
        self._variable: ContextVar[str | None] = ContextVar("invocation_id", default=None)
        self._tasks: WeakKeyDictionary[asyncio.Future[Any], str] = WeakKeyDictionary()
        self._running: set[str] = set()
        if self._by_variable:
            self._offer_variable()

    def make_task(self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        """Make a task that belongs to the invocation of the task that makes it. This is a task factory."""
        task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
        parent = asyncio.current_task(loop)
        if parent is not None and parent in self._tasks:
            self._tasks[task] = self._tasks[parent]
        return task

    @contextmanager
    def running(self, invocation_id: str) -> Iterator[None]:
        """Let an invocation run in the current task."""
        task = asyncio.current_task()
        if task is not None:
            self._tasks[task] = invocation_id
        self._running.add(invocation_id)
        try:
            yield
        finally:
            self._running.discard(invocation_id)

    def call(self, invocation_id: str, function: Callable[[], Any]) -> Any:
        """Call a sync function of an invocation, in a thread of the pool."""
        self.storage.invocation_id = invocation_id
        token = self._variable.set(invocation_id)
        try:
            return function()
        finally:
            self._variable.reset(token)
            self.storage.invocation_id = None

    def current(self) -> str | None:
        """Return the running invocation that the caller belongs to, if there is one."""
        found = self._of_task() or self._of_thread()
        return found if found in self._running else None

    def _of_task(self) -> str | None:
        try:
            task = asyncio.current_task()
        except RuntimeError:  # this thread has no event loop
            return None
        return None if task is None else self._tasks.get(task)

    def _of_thread(self) -> str | None:
        if self._by_variable:
            return self._variable.get()
        return getattr(self.storage, "invocation_id", None)

    def _offer_variable(self) -> None:
        """Let the app find the context variable where the real worker has it."""
        runtime = sys.modules.setdefault(_RUNTIME, ModuleType(_RUNTIME))
        runtime.invocation_id_cv = self._variable  # type: ignore[attr-defined]


class OnlyInvocations(logging.Filter):
    """Drops and counts the records outside of an invocation. Records of devhost itself pass."""

    def __init__(self, invocations: Invocations, level: int) -> None:
        super().__init__()
        self._invocations = invocations
        self._level = level
        self._dropped = 0
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the real host would show the record, and it has the level of this host."""
        if record.name.partition(".")[0] != "devhost":
            if record.name.startswith(_SYSTEM):
                return False
            if self._invocations.current() is None:
                self._report(record)
                return False
        return record.levelno >= self._level

    def _report(self, record: logging.LogRecord) -> None:
        with self._lock:
            self._dropped += 1
            count = self._dropped
        place = f"{record.name}, {record.filename}:{record.lineno}"
        _log.warning(
            "dropped a log record outside of an invocation, as the real host does (%d so far): %s", count, place
        )


def _has_new_rules() -> bool:
    version = os.environ.get(_RULES_SETTING, "")
    return version == "3.13" if version else sys.version_info >= (3, 13)
