"""Callers of the service: patient ones, who repeat with the same key until they are answered, and others."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any

from tests.chaos.rig import Rig
from tests.chaos.timeline import CallMade, Timeline
from tests.support.http_client import Response
from tests.support.system import EXPORT

_PATIENCE_SECONDS = 40.0
NO_ANSWER = (OSError, http.client.HTTPException)


class Caller:
    """Calls, and notes every call with its answer. Safe to use from several threads."""

    def __init__(self, rig: Rig, timeline: Timeline) -> None:
        self._rig, self._system, self._timeline = rig, rig.system, timeline

    def start(self, body: str, tenant: str, key: str) -> None:
        """Ask until the answer is not an outage."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            call = self._start(body, tenant, key)
            if call.answer and call.answer < 500 and call.answer != 429:
                return
            time.sleep(0.2)

    def start_once(self, body: str, tenant: str) -> None:
        """Ask once, without a key: whether there is a job after an outage, nobody knows."""
        self._start(body, tenant, None)

    def cancel(self, tenant: str, code: str) -> None:
        """Ask until the answer is not an outage."""
        self._insist("cancel", "DELETE", tenant, code)

    def resume(self, tenant: str, code: str) -> None:
        """Ask until the answer is not an outage."""
        self._insist("resume", "POST", tenant, code, "/resume")

    def _start(self, body: str, tenant: str, key: str | None) -> CallMade:
        headers = {"prefer": "respond-async"} | ({"idempotency_key": key} if key else {})
        return self._note(
            "start", "POST", f"/tenants/{tenant}{EXPORT}", self._rig.body(body), headers, key=key, body=body
        )

    def _insist(self, what: str, method: str, tenant: str, code: str, suffix: str = "") -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            path = f"/tenants/{tenant}{EXPORT}/{code}{suffix}"
            call = self._note(what, method, path, None, {}, code=code)
            if call.answer and call.answer < 500 and call.answer != 429:
                return
            time.sleep(0.2)

    def _note(
        self, what: str, method: str, path: str, document: Any, headers: dict[str, str], **facts: Any
    ) -> CallMade:
        begun = time.time()
        answer = self._answer(method, path, document, headers)
        shown = answer.json if answer and answer.body else {}
        facts["code"] = facts.get("code") or shown.get("code") if answer and answer.status < 300 else facts.get("code")
        problem = shown.get("code") if answer and answer.status >= 400 else None
        call = CallMade(what, begun, time.time(), answer.status if answer else 0, problem=problem, **facts)
        self._timeline.calls.append(call)
        return call

    def _answer(self, method: str, path: str, document: Any, headers: dict[str, str]) -> Response | None:
        try:
            return self._system.call(method, path, document, **headers)
        except NO_ANSWER:
            return None
        except (AssertionError, json.JSONDecodeError) as error:
            self._timeline.undocumented.append(f"{method} {path}: {error}")
            return None
