"""Polls every job of a run, all the time."""

from __future__ import annotations

import json
import time
from concurrent.futures import Executor, Future
from threading import Event as Flag
from typing import Any

from tests.chaos.callers import NO_RESPONSE
from tests.chaos.invariants import TERMINAL
from tests.chaos.storage_proxy import Record
from tests.chaos.timeline import Observation, Timeline
from tests.support.system import EXPORT, System

_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.03, 0.25


class Watchers:
    """One watcher for each job. A job is found by its row, so a job whose caller got no response is watched too."""

    def __init__(self, system: System, record: Record, timeline: Timeline) -> None:
        self._system, self._record, self._timeline = system, record, timeline
        self._stopped = Flag()
        self._last: dict[str, str] = {}
        self._tenants: dict[str, str] = {}
        self._work: list[Future[Any]] = []

    def start(self, threads: Executor) -> None:
        self._work.append(threads.submit(self._find_jobs, threads))

    def stop(self) -> None:
        """Stop polling. Raises the error of a watcher that failed, which would be a defect of these tests."""
        self._stopped.set()
        for each in self._work:
            each.result()

    def all_have_ended(self) -> bool:
        """Return whether there is a job, and the last status seen of every job is terminal."""
        return bool(self._last) and set(self._last.values()) <= TERMINAL

    def take_failed(self) -> list[tuple[str, str]]:
        """Return tenant and code of the failed jobs. From now on they no longer count as ended."""
        failed = [code for code, status in self._last.items() if status == "Failed"]
        self._last.update(dict.fromkeys(failed, "to be resumed"))
        return [(self._tenants[code], code) for code in failed]

    def wait_for_ends(self, seconds: float) -> None:
        """Wait until all jobs have ended, but not longer than `seconds`."""
        deadline = time.monotonic() + seconds
        while not self.all_have_ended() and time.monotonic() < deadline:
            time.sleep(0.02)

    def _find_jobs(self, threads: Executor) -> None:
        while not self._stopped.is_set():
            for write in list(self._record.job_writes):
                if write.code not in self._last:
                    self._last[write.code], self._tenants[write.code] = "not seen yet", write.tenant
                    self._work.append(threads.submit(self._watch, write.tenant, write.code))
            time.sleep(0.01)

    def _watch(self, tenant: str, code: str) -> None:
        """Poll a job often while its progress or status changes, and less often while it only waits."""
        path = f"/tenants/{tenant}{EXPORT}/{code}"
        pause_seconds, last = _SHORTEST_PAUSE_SECONDS, ""
        while not self._stopped.is_set():
            shown = self._poll(path, code)
            factor = 1.2 if shown == last else 0
            pause_seconds = min(_LONGEST_PAUSE_SECONDS, max(_SHORTEST_PAUSE_SECONDS, pause_seconds * factor))
            last = shown
            self._stopped.wait(pause_seconds)

    def _poll(self, path: str, code: str) -> str:
        """Record an observation, and return what it shows; empty without an answer."""
        began = time.time()
        try:
            response = self._system.call("GET", path)
        except NO_RESPONSE:
            return ""
        except (AssertionError, json.JSONDecodeError) as error:
            self._timeline.undocumented.append(f"GET {path}: {error}")
            return ""
        if response.status != 200:
            self._record_error(path, response.status)
            return ""
        shown = response.json
        self._timeline.observations.append(
            Observation(
                began,
                time.time(),
                code,
                shown["status"],
                shown["processedItems"],
                shown["totalItems"],
                shown.get("percentComplete"),
                shown["downloadUrl"] is not None,
                (shown.get("failure") or {}).get("code"),
            )
        )
        self._last[code] = shown["status"]
        return f"{shown['status']} {shown['processedItems']}"

    def _record_error(self, path: str, status: int) -> None:
        """Record any status but those of an outage: the job exists, so the service must find it."""
        if status not in (502, 503):
            self._timeline.undocumented.append(f"GET {path} had the status {status}")
