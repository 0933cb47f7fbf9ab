"""Lets the log show what threads write: the Functions host drops a record that belongs to no running invocation.

The worker knows the invocation of a task and of the thread of a sync function, but of no thread that a function starts,
nor of those that `asyncio.to_thread` uses. Here, the invocation travels in a context variable. `asyncio.to_thread`
copies it, and `carried` copies it to other threads. Just before a record is handled, the worker is told the invocation
of the thread, in the two ways in which workers ask for it:

- `context.thread_local_storage.invocation_id`, up to Python 3.12
  (https://learn.microsoft.com/azure/azure-functions/functions-reference-python#logging-from-created-threads);
- the context variable `azure_functions_runtime.invocation_id_cv`, from Python 3.13 on.
"""

from __future__ import annotations

import functools
import inspect
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    import azure.functions as func

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_PARAMETER = "context"
_RUNTIME, _VARIABLE = "azure_functions_runtime", "invocation_id_cv"
_INVOCATION: ContextVar[func.Context | None] = ContextVar("invocation", default=None)


def with_invocation(trigger: F) -> F:
    """Decorate a trigger so that whatever its threads log belongs to its invocation.

    The worker passes the invocation to a parameter named `context`, which this adds to the signature. The trigger does
    not receive it.
    """
    import azure.functions as func  # here, because commands use no trigger, and this takes a while

    @functools.wraps(trigger)
    async def run_async(*args: Any, context: func.Context | None = None, **kwargs: Any) -> Any:
        with _running(context):
            return await trigger(*args, **kwargs)

    @functools.wraps(trigger)
    def run(*args: Any, context: func.Context | None = None, **kwargs: Any) -> Any:
        with _running(context):
            return trigger(*args, **kwargs)

    chosen: Any = run_async if inspect.iscoroutinefunction(trigger) else run
    own = inspect.signature(trigger)
    added = inspect.Parameter(_PARAMETER, inspect.Parameter.KEYWORD_ONLY, annotation=func.Context)
    chosen.__signature__ = own.replace(parameters=[*own.parameters.values(), added])
    chosen.__annotations__ = {**trigger.__annotations__, _PARAMETER: func.Context}
    return cast("F", chosen)


def host_trace_parent() -> str | None:
    """Return the `traceparent` of the host's span of this invocation; None if the host gives none."""
    trace = getattr(_INVOCATION.get(), "trace_context", None)
    return getattr(trace, "trace_parent", None) or None


def carried(function: Callable[..., T]) -> Callable[..., T]:
    """Bind a function to the context variables of the caller, for another thread to run, several at once if need be."""
    variables = copy_context()

    def run(*args: Any) -> T:
        return variables.copy().run(function, *args)

    return run


def name_invocations_of_records() -> None:
    """Tell the worker the invocation of every log record that this process makes from now on."""
    make = logging.getLogRecordFactory()
    if getattr(make, "names_invocations", False):
        return

    def make_named(*args: Any, **kwargs: Any) -> logging.LogRecord:
        _tell_worker()
        return make(*args, **kwargs)

    make_named.names_invocations = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(make_named)


def _tell_worker() -> None:
    invocation = _INVOCATION.get()
    if invocation is None:
        return
    invocation.thread_local_storage.invocation_id = invocation.invocation_id  # type: ignore[attr-defined]
    variable = getattr(sys.modules.get(_RUNTIME), _VARIABLE, None)
    if isinstance(variable, ContextVar):
        variable.set(invocation.invocation_id)


@contextmanager
def _running(context: func.Context | None) -> Iterator[None]:
    token = _INVOCATION.set(context)
    try:
        yield
    finally:
        _INVOCATION.reset(token)
