"""The HTTP API of Durable Functions: for the SDK's client under /durabletask, for everyone under /runtime/webhooks.

Every response body is empty or JSON, because the SDK's client parses each body as JSON.
"""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from devhost.durable.history import EventType, event, view
from devhost.durable.models import Filter, Instance, NewInstance
from devhost.durable.store import Store
from devhost.durable.urls import management_urls
from devhost.functions import FunctionTable
from devhost.settings import HostSettings

_BASES = ("/runtime/webhooks/durabletask/", "/durabletask/")
_BAD_ID = re.compile(r"^@|[/\\#?\x00-\x1f\x7f]")
_MAX_ID_CHARACTERS = 256
_SECONDS = re.compile(r"-?\d+(?:\.\d+)?")
_CONTROLS = {
    "terminate": (EventType.EXECUTION_TERMINATED, "Input"),
    "suspend": (EventType.EXECUTION_SUSPENDED, "Reason"),
    "resume": (EventType.EXECUTION_RESUMED, "Reason"),
}
_STATUSES = {"Running", "Completed", "ContinuedAsNew", "Failed", "Canceled", "Terminated", "Pending", "Suspended"}
_INVALID_OPERATION = "System.InvalidOperationException"
_NO_EFFECT = {"suspend": "Suspended", "resume": "Running"}
"""Controls that the API refuses in these states, because they would change nothing."""


class _BadRequestError(Exception):
    """Makes the API answer 400 with this text."""


class _NotJsonError(Exception):
    """Makes the API answer 400, because a body is not JSON."""


class Management:
    """Answers requests of that API.

    Args:
        wake: Called with the id of each instance that got a message.
    """

    def __init__(
        self, store: Store, settings: HostSettings, functions: FunctionTable, wake: Callable[[str], None]
    ) -> None:
        self._store = store
        self._hub = settings.hub
        self._replaces_running = settings.replaces_running
        self._functions = functions
        self._wake = wake

    async def handle(self, request: web.Request) -> web.Response | None:
        """Answer a request, or return None if its path does not belong to this API."""
        path = request.rel_url.raw_path
        base = next((base for base in _BASES if path.lower().startswith(base)), None)
        if base is None:
            return None
        parts = [unquote(part) for part in path[len(base) :].split("/") if part]
        try:
            return await self._route(request, parts)
        except _BadRequestError as error:
            return _error(400, str(error))
        except _NotJsonError as error:
            return _error(400, str(error), "Invalid JSON content", "Newtonsoft.Json.JsonReaderException")

    async def _route(self, request: web.Request, parts: list[str]) -> web.Response:
        match [part.lower() for part in parts[:1]] + parts[1:]:
            case ["orchestrators", *rest]:
                return await self._on_orchestrators(request, rest)
            case ["instances"]:
                return self._on_all(request)
            case ["instances", instance_id, *rest]:
                return await self._on_one(request, instance_id, rest)
            case ["entities", *_]:
                return _error(501, "devhost does not support entities")
        return web.Response(status=404)

    async def _on_orchestrators(self, request: web.Request, parts: list[str]) -> web.Response:
        match (request.method, *parts):
            case ("POST", name):
                return await self._start(request, name, uuid.uuid4().hex)
            case ("POST", name, instance_id):
                return await self._start(request, name, instance_id)
        return web.Response(status=404)

    def _on_all(self, request: web.Request) -> web.Response:
        match request.method:
            case "GET":
                return self._list(request)
            case "DELETE":
                return self._purge_many(request)
        return web.Response(status=404)

    async def _on_one(self, request: web.Request, instance_id: str, rest: list[str]) -> web.Response:
        match (request.method, *(part.lower() for part in rest[:1]), *rest[1:]):
            case ("GET",):
                return self._status(request, instance_id)
            case ("DELETE",):
                return self._purge(instance_id)
            case ("POST", "raiseevent", name):
                return await self._raise_event(request, instance_id, name)
            case ("POST", ("terminate" | "suspend" | "resume") as verb):
                return self._control(request, instance_id, verb)
            case ("POST", ("rewind" | "restart") as verb):
                return _error(501, f"devhost does not support {verb}")
        return web.Response(status=404)

    async def _start(self, request: web.Request, name: str, instance_id: str) -> web.Response:
        function = self._functions.orchestrator(name)  # an unknown one fails when the engine comes to run it
        if _BAD_ID.search(instance_id) or len(instance_id) > _MAX_ID_CHARACTERS:
            msg = f"The instance id {instance_id!r} is not allowed."
            raise _BadRequestError(msg)
        body = await request.text()
        if body:
            _parse(body)
        new = NewInstance(
            instance_id, function.durable_name if function else name, body or None, request.query.get("version")
        )
        if not self._store.create(new, replaces_running=self._replaces_running):
            return _json({"Message": "An Orchestration instance with the status Running already exists."}, 409)
        self._wake(instance_id)
        query = _query(request)
        seconds, pause = _seconds(query.get("timeout")), _seconds(query.get("pollinginterval"))
        if seconds is not None and pause is not None:
            if pause > seconds:
                msg = f"Total timeout {seconds:g} should be bigger than retry timeout {pause:g}"
                return _json({"Message": msg}, 400)
            ended = await self._wait_for_end(instance_id, seconds, pause)
            if ended is not None:
                return ended
        urls = management_urls(str(request.url.origin()), self._hub, instance_id)
        del urls["rewindPostUri"]  # only the client of a function gets this one
        return _json(urls, 202, {"Location": urls["statusQueryGetUri"], "Retry-After": "10"})

    async def _wait_for_end(self, instance_id: str, seconds: float, pause: float) -> web.Response | None:
        """Wait for a limited time until an instance has ended.

        Returns:
            The output of a completed instance, or the status of another one that has ended; None if it still runs.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            await asyncio.sleep(min(max(pause, 0.01), left))
            instance = self._store.instance(instance_id)
            if instance is not None and instance.is_finished:
                if instance.status == "Completed":
                    return _json(_value(instance.output))
                return _json(_present(instance, show_input=True))
        return None

    async def _raise_event(self, request: web.Request, instance_id: str, name: str) -> web.Response:
        if request.content_type != "application/json":
            return _json({"Message": "Only application/json request content is supported"}, 400)
        text = event(EventType.EVENT_RAISED, time.time(), Name=name, Input=json.dumps(_parse(await request.text())))
        return self._post(instance_id, EventType.EVENT_RAISED, text)

    def _control(self, request: web.Request, instance_id: str, verb: str) -> web.Response:
        kind, key = _CONTROLS[verb]
        reason = _query(request).get("reason")
        instance = self._store.instance(instance_id)
        if instance is not None and instance.status == _NO_EFFECT.get(verb):
            msg = f"Cannot {verb} the orchestration instance {instance_id} because instance is in the "
            msg += f"{instance.status} state."
            return _error(500, msg, "Something went wrong while processing your request", _INVALID_OPERATION)
        fields: dict[str, Any] = {key: reason}
        return self._post(instance_id, kind, event(kind, time.time(), **fields))

    def _post(self, instance_id: str, kind: EventType, text: str) -> web.Response:
        instance = self._store.instance(instance_id)
        if instance is None:
            return web.Response(status=404)
        if instance.is_finished:
            return web.Response(status=410)
        self._store.post(instance_id, kind, text)
        self._wake(instance_id)
        return web.Response(status=202)

    def _status(self, request: web.Request, instance_id: str) -> web.Response:
        instance = self._store.instance(instance_id)
        if instance is None:
            return web.Response(status=404)
        query = _query(request)
        show_input = _flag(query, "showinput", default=True)
        body = _present(instance, show_input=show_input)
        if _flag(query, "showhistory"):
            history, show_output = self._store.history(instance_id), _flag(query, "showhistoryoutput")
            body["historyEvents"] = view(history, show_input=show_input, show_output=show_output)
        if not instance.is_finished:
            return _json(body, 202, {"Location": str(request.url), "Retry-After": "5"})
        failed = instance.status == "Failed" and _flag(query, "returninternalservererroronfailure")
        return _json(body, 500 if failed else 200)

    def _list(self, request: web.Request) -> web.Response:
        show_input = _flag(_query(request), "showinput", default=True)
        found = self._store.find(_filter(request))
        return _json([_present(instance, show_input=show_input) for instance in found])

    def _purge(self, instance_id: str) -> web.Response:
        instance = self._store.instance(instance_id)
        if instance is None:
            return web.Response(status=404)
        if not instance.is_finished:
            msg = (
                "Only orchestrations in a terminal state can be purged, but the orchestration with instance ID "
                f"{instance_id} has status {instance.status}"
            )
            return _json(msg, 412)
        self._store.delete(instance_id)
        return _json({"instancesDeleted": 1})

    def _purge_many(self, request: web.Request) -> web.Response:
        if "createdtimefrom" not in _query(request):
            return _json("Please provide value for 'createdTimeFrom' parameter.", 400)
        criteria = replace(_filter(request), prefix=None, top=None)  # as the real API, which ignores these two here
        wanted = [i for i in self._store.find(criteria) if i.is_finished]
        with self._store.transaction():
            for instance in wanted:
                self._store.delete(instance.id)
        return _json({"instancesDeleted": len(wanted)}) if wanted else web.Response(status=404)


def _present(instance: Instance, *, show_input: bool) -> dict[str, Any]:
    return {
        "name": instance.name,
        "instanceId": instance.id,
        **({"parentInstanceId": instance.parent.id} if instance.parent else {}),
        "runtimeStatus": instance.status,
        "input": _value(instance.input) if show_input else None,
        "customStatus": _value(instance.custom_status),
        "output": _value(instance.output),
        "createdTime": _whole_seconds(instance.created),
        "lastUpdatedTime": _whole_seconds(instance.updated),
    }


def _value(text: str | None) -> Any:
    """Return the value of a JSON text. Return other texts (reasons, failures) as they are."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


def _whole_seconds(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _query(request: web.Request) -> dict[str, str]:
    return {key.lower(): value for key, value in request.query.items()}


def _filter(request: web.Request) -> Filter:
    query = _query(request)
    given = ",".join(value for key, value in request.query.items() if key.lower() == "runtimestatus")
    statuses = [text for text in (part.strip() for part in given.split(",")) if text in _STATUSES]
    return Filter(
        created_from=_time(query.get("createdtimefrom")),
        created_to=_time(query.get("createdtimeto")),
        statuses=statuses,
        prefix=query.get("instanceidprefix"),
        top=int(query["top"]) if query.get("top", "").isdigit() else None,
    )


def _time(text: str | None) -> float | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None  # the real API ignores what is not a time
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _flag(query: dict[str, str], name: str, *, default: bool = False) -> bool:
    """Return a flag of a query. Like the real API, take anything but `true` and `false` as if it were not there."""
    return {"true": True, "false": False}.get(query.get(name, "").strip().lower(), default)


def _seconds(text: str | None) -> float | None:
    return float(text) if text and _SECONDS.fullmatch(text) else None


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _NotJsonError(error) from error


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(body, status=status, headers=headers)


def _error(status: int, text: str, message: str | None = None, kind: str = "") -> web.Response:
    """Return the answer to a request that failed: the text says why, the message may be more general."""
    content = {"Message": message or text, "ExceptionMessage": text, "ExceptionType": kind, "StackTrace": ""}
    return _json(content, status)
