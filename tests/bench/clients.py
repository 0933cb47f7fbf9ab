"""Speaks to the running system as a program of its users does, without the checks that tests make of every answer."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tests.support.system import EXPORT, KEY, Answer, System, request

_HEADERS = {"x-api-key": KEY, "content-type": "application/json"}
_POLL_SECONDS = 0.25

_LONGEST_SECONDS = 3_600


def start(system: System, tenant: str, body: Any = None, **headers: str) -> tuple[int, str, Any]:
    """Start an export; status, address and job of the answer."""
    url = f"{system.url}/tenants/{tenant}{EXPORT}"
    answer = request("POST", url, json.dumps(body or {}).encode(), {**_HEADERS, **headers})
    if answer.status not in (201, 202):
        message = f"{answer.status}: {answer.body.decode(errors='replace')}"
        raise RuntimeError(message)
    return answer.status, answer.headers["location"], answer.json


def start_async(system: System, tenant: str, body: Any = None) -> str:
    """Start an export without waiting; where its job is."""
    return start(system, tenant, body, prefer="respond-async")[1]


def look(location: str) -> Any:
    """A job as it is now."""
    return _ask(location).json


def _ask(location: str) -> Answer:
    return request("GET", location, headers=_HEADERS)


def wait(locations: Sequence[str]) -> list[Any]:
    """Wait until all jobs are completed, and look as often as the service asks for; the jobs.

    Looks cost the system time. When a job ended `completedDate` tells, by this machine's clock.
    """
    jobs = []
    deadline = time.monotonic() + _LONGEST_SECONDS
    for location in locations:
        while pause := (answer := _ask(location)).headers.get("retry-after"):  # until the job has ended
            if time.monotonic() > deadline:
                raise TimeoutError(location)
            time.sleep(float(pause))
        if answer.json["status"] != "Completed":
            message = f"An export did not complete: {answer.json}"
            raise RuntimeError(message)
        jobs.append(answer.json)
    return jobs


def ended(jobs: Sequence[Any]) -> float:
    """When the last of some jobs was completed, in seconds since 1970."""
    return max(datetime.fromisoformat(job["completedDate"]).timestamp() for job in jobs)


def seconds_of_export(system: System, tenant: str, rows: int, body: Any = None) -> float:
    """Seconds from the request to a completed job of so many clients."""
    began = time.time()
    jobs = wait([start_async(system, tenant, body)])
    _require(jobs[0], rows)
    return ended(jobs) - began


REQUESTS_OF_A_LOOK = 2
"""What a look at a running job asks of storage: its row, and the records of the pages in flight."""


def watched_export(system: System, tenant: str, rows: int, body: Any = None) -> tuple[float, int]:
    """As `seconds_of_export`, but with looks that grow rare, for they are requests too; seconds, and how many looks."""
    began = time.time()
    location = start_async(system, tenant, body)
    looks = 1
    while (job := look(location))["status"] in ("Queued", "InProgress"):
        time.sleep(max(_POLL_SECONDS, (time.time() - began) / 50))
        looks += 1
    _require(job, rows)
    return ended([job]) - began, looks


def _require(job: Any, rows: int) -> None:
    if job["status"] != "Completed" or job["processedItems"] != rows:
        message = f"Not an export of {rows:,} clients: {job}"
        raise RuntimeError(message)
