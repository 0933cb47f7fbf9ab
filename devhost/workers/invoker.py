"""Decodes an invocation, calls the function, and encodes its result, as the real Functions worker does."""

import asyncio
import logging
import traceback
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from azure.functions import meta

from devhost.functions import FunctionInfo
from devhost.workers.app_loader import LoadedFunction
from devhost.workers.channel import Header
from devhost.workers.invocations import Invocations

_log = logging.getLogger("devhost.function")


@dataclass(frozen=True)
class InvocationContext:
    """The object that a function receives as `context: func.Context`."""

    function_name: str
    function_directory: str
    invocation_id: str
    thread_local_storage: Any
    trace_context: Any = field(default_factory=lambda: SimpleNamespace(trace_parent="", trace_state="", attributes={}))
    retry_context: Any = None


class Invoker:
    """Runs async functions on the current event loop, and sync functions and orchestrators in one thread pool."""

    def __init__(self, functions: dict[str, LoadedFunction], threads: int, invocations: Invocations) -> None:
        self.functions = functions
        self._client = ""
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="function")
        self._invocations = invocations

    def use_client(self, binding: str) -> None:
        """Set the JSON from which the SDK builds the durable client of a function."""
        self._client = binding

    async def run(self, call: Header, body: bytes) -> tuple[Header, bytes]:
        """Run one invocation, and return its reply. An exception of the function becomes a reply too."""
        function = self.functions.get(call["fn"])
        if function is None:  # function_app.py has changed since the host loaded it
            return _failure(LookupError(f"no function {call['fn']!r} any more; restart devhost"))
        invocation_id = str(uuid.uuid4())
        try:
            with self._invocations.running(invocation_id):
                arguments = self._arguments(function.info, call, body, invocation_id)
                result = await self._call(function, arguments, invocation_id)
            if result is not None and not function.has_return:
                msg = f"function {function.info.name!r} has no binding for a result, but it returned one"
                raise RuntimeError(msg)
            return _ENCODERS[function.info.kind](result)
        except (Exception, asyncio.CancelledError) as error:
            # An orchestrator fails again at every replay, so only the host logs the failure, once.
            if function.info.kind != "orchestrator":
                _log.exception("%s failed", function.info.name)
            return _failure(error)

    async def _call(self, function: LoadedFunction, arguments: dict[str, Any], invocation_id: str) -> Any:
        if function.is_async:
            return await function.call(**arguments)
        loop, work = asyncio.get_running_loop(), partial(function.call, **arguments)
        return await loop.run_in_executor(self._pool, self._invocations.call, invocation_id, work)

    def _arguments(self, info: FunctionInfo, call: Header, body: bytes, invocation_id: str) -> dict[str, Any]:
        arguments = {info.trigger: _DECODERS[info.kind](call, body)}
        if info.client:
            arguments[info.client] = self._client
        if info.wants_context:
            storage = self._invocations.storage
            arguments["context"] = InvocationContext(info.name, str(Path.cwd()), invocation_id, storage)
        return arguments


def _converter(binding: str) -> Any:
    registry: Any = meta.get_binding_registry
    return registry().get(binding)


def _decode_json(binding: str) -> Callable[[Header, bytes], Any]:
    def decode(_call: Header, body: bytes) -> Any:
        return _converter(binding).decode(meta.Datum(body.decode(), "json"), trigger_metadata=None)

    return decode


def _decode_http(call: Header, body: bytes) -> Any:
    def strings(values: dict[str, str]) -> dict[str, meta.Datum]:
        return {name: meta.Datum(value, "string") for name, value in values.items()}

    request = {
        "method": meta.Datum(call["method"], "string"),
        "url": meta.Datum(call["url"], "string"),
        "headers": strings(call["headers"]),
        "query": strings(call["query"]),
        "params": strings(call["params"]),
        "body": meta.Datum(body, "bytes"),
    }
    return _converter("httpTrigger").decode(meta.Datum(request, "http"), trigger_metadata=None)


def _encode_http(result: Any) -> tuple[Header, bytes]:
    datum = _converter("http").encode(result, expected_type=None)
    if datum.type == "string":
        headers = [("Content-Type", "text/plain; charset=utf-8")]
        return {"ok": True, "status": 200, "headers": headers}, datum.value.encode()
    response = datum.value
    headers = [(name, value.value) for name, value in response["headers"].items()]
    for jar in response["cookies"] or ():
        headers += [("Set-Cookie", morsel.OutputString()) for morsel in jar.values()]
    return {"ok": True, "status": int(response["status_code"].value), "headers": headers}, response["body"].value


def _encode_activity(result: Any) -> tuple[Header, bytes]:
    return {"ok": True}, _converter("activityTrigger").encode(result, expected_type=None).value.encode()


def _encode_text(result: Any) -> tuple[Header, bytes]:
    return {"ok": True}, str(result).encode()


def _encode_nothing(_result: Any) -> tuple[Header, bytes]:
    return {"ok": True}, b""


def _failure(error: BaseException) -> tuple[Header, bytes]:
    stack = "".join(traceback.format_exception(error))
    return {"ok": False, "type": type(error).__name__, "stack": stack}, str(error).encode(errors="replace")


_DECODERS = {
    "http": _decode_http,
    "timer": _decode_json("timerTrigger"),
    "activity": _decode_json("activityTrigger"),
    "orchestrator": _decode_json("orchestrationTrigger"),
}
_ENCODERS = {
    "http": _encode_http,
    "timer": _encode_nothing,
    "activity": _encode_activity,
    "orchestrator": _encode_text,
}
