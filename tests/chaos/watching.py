"""Looks at every job of a run, all the time."""

from __future__ import annotations

import json
import time
from concurrent.futures import Executor, Future
from threading import Event as Flag
from typing import Any

from tests.chaos.callers import NO_ANSWER
from tests.chaos.invariants import TERMINAL
from tests.chaos.storage_proxy import Record
from tests.chaos.timeline import Observation, Timeline
from tests.support.system import EXPORT, System

_PAUSE_SECONDS = 0.03


class Watchers:
    """One watcher a job; a job is found by its row, so one whose caller got no answer is watched as well."""

    def __init__(self, system: System, record: Record, timeline: Timeline) -> None:
        self._system, self._record, self._timeline = system, record, timeline
        self._stopped = Flag()
        self._last: dict[str, str] = {}
        self._tenants: dict[str, str] = {}
        self._work: list[Future[Any]] = []

    def start(self, threads: Executor) -> None:
        self._work.append(threads.submit(self._find_jobs, threads))

    def stop(self) -> None:
        """Look no more. Raises what kept a watcher from looking, which is a fault of the suite."""
        self._stopped.set()
        for each in self._work:
            each.result()

    def all_have_ended(self) -> bool:
        """Whether there is a job, and none that goes on, as far as was seen."""
        return bool(self._last) and set(self._last.values()) <= TERMINAL

    def take_failed(self) -> list[tuple[str, str]]:
        """Tenant and code of the jobs that were seen to have failed; they do not count as ended any more."""
        failed = [code for code, status in self._last.items() if status == "Failed"]
        self._last.update(dict.fromkeys(failed, "to be resumed"))
        return [(self._tenants[code], code) for code in failed]

    def wait_for_ends(self, seconds: float) -> None:
        """Wait until every job was seen to have ended, but not longer than that."""
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
        path = f"/tenants/{tenant}{EXPORT}/{code}"
        while not self._stopped.is_set():
            self._look(path, code)
            self._stopped.wait(_PAUSE_SECONDS)

    def _look(self, path: str, code: str) -> None:
        begun = time.time()
        try:
            answer = self._system.call("GET", path)
        except NO_ANSWER:
            return
        except (AssertionError, json.JSONDecodeError) as error:
            self._timeline.undocumented.append(f"GET {path}: {error}")
            return
        if answer.status != 200:
            self._complain(path, answer.status)
            return
        shown = answer.json
        self._timeline.observations.append(
            Observation(
                begun,
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

    def _complain(self, path: str, status: int) -> None:
        """An outage is no fault; anything else is: the job is there."""
        if status not in (502, 503):
            self._timeline.undocumented.append(f"GET {path} was answered {status}")
