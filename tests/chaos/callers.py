"""Callers of the service: some repeat a request with the same key until they get a response, others try only once."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from typing import Any

from tests.chaos.rig import Rig
from tests.chaos.timeline import CallRecord, Timeline
from tests.support.http_client import Response
from tests.support.system import EXPORT

_TIMEOUT_SECONDS = 40.0
NO_RESPONSE = (OSError, http.client.HTTPException)


class Caller:
    """Calls the service and records every call with its response. Safe to use from several threads."""

    def __init__(self, rig: Rig, timeline: Timeline) -> None:
        self._rig, self._system, self._timeline = rig, rig.system, timeline

    def start(self, body: str, tenant: str, key: str) -> None:
        """Start an export; retry with the same key as long as there is an outage."""
        _retry(lambda: self._start(body, tenant, key))

    def start_once(self, body: str, tenant: str) -> None:
        """Start an export with a single request without a key. In an outage the caller does not learn if it exists."""
        self._start(body, tenant, None)

    def cancel(self, tenant: str, code: str) -> None:
        """Cancel a job; retry as long as there is an outage."""
        _retry(lambda: self._record("cancel", "DELETE", f"/tenants/{tenant}{EXPORT}/{code}", None, {}, code=code))

    def resume(self, tenant: str, code: str) -> None:
        """Resume a job; retry as long as there is an outage."""
        path = f"/tenants/{tenant}{EXPORT}/{code}/resume"
        _retry(lambda: self._record("resume", "POST", path, None, {}, code=code))

    def _start(self, body: str, tenant: str, key: str | None) -> CallRecord:
        headers = {"prefer": "respond-async"} | ({"idempotency_key": key} if key else {})
        path = f"/tenants/{tenant}{EXPORT}"
        return self._record("start", "POST", path, self._rig.body(body), headers, key=key, body=body)

    def _record(
        self, action: str, method: str, path: str, document: Any, headers: dict[str, str], **details: Any
    ) -> CallRecord:
        began = time.time()
        response = self._send(method, path, document, headers)
        shown = response.json if response and response.body else {}
        if response and response.status < 300:
            details["code"] = details.get("code") or shown.get("code")
        problem = shown.get("code") if response and response.status >= 400 else None
        call = CallRecord(action, began, time.time(), response.status if response else 0, problem=problem, **details)
        self._timeline.calls.append(call)
        return call

    def _send(self, method: str, path: str, document: Any, headers: dict[str, str]) -> Response | None:
        try:
            return self._system.call(method, path, document, **headers)
        except NO_RESPONSE:
            return None
        except (AssertionError, json.JSONDecodeError) as error:
            self._timeline.undocumented.append(f"{method} {path}: {error}")
            return None


def _retry(call: Callable[[], CallRecord]) -> None:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        status = call().status
        if status and status < 500 and status != 429:
            return
        time.sleep(0.2)
