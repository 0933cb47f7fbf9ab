"""Calls the running system over HTTP, without the checks that tests run on every response."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tests.support.http_client import Response, request
from tests.support.system import EXPORT, KEY, System

_HEADERS = {"x-api-key": KEY, "content-type": "application/json"}
_POLL_SECONDS = 0.25
_TIMEOUT_SECONDS = 3_600


def start(system: System, tenant: str, body: Any = None, **headers: str) -> tuple[int, str, Any]:
    """Start an export; return the HTTP status, the address of the job, and the job."""
    url = f"{system.url}/tenants/{tenant}{EXPORT}"
    answer = request("POST", url, json.dumps(body or {}).encode(), {**_HEADERS, **headers})
    if answer.status not in (201, 202):
        message = f"{answer.status}: {answer.body.decode(errors='replace')}"
        raise RuntimeError(message)
    return answer.status, answer.headers["location"], answer.json


def start_async(system: System, tenant: str, body: Any = None) -> str:
    """Start an export without waiting for it; return the address of its job."""
    return start(system, tenant, body, prefer="respond-async")[1]


def get_job(location: str) -> Any:
    """Get the current status of a job."""
    return _get(location).json


def _get(location: str) -> Response:
    return request("GET", location, headers=_HEADERS)


def wait(locations: Sequence[str]) -> list[Any]:
    """Wait until all jobs are completed, and return them.

    Polls as often as `Retry-After` says, because every poll costs the system time. `completedDate`, by this
    machine's clock, tells when a job really ended.
    """
    jobs = []
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    for location in locations:
        while pause := (answer := _get(location)).headers.get("retry-after"):  # absent once the job has ended
            if time.monotonic() > deadline:
                raise TimeoutError(location)
            time.sleep(float(pause))
        if answer.json["status"] != "Completed":
            message = f"An export did not complete: {answer.json}"
            raise RuntimeError(message)
        jobs.append(answer.json)
    return jobs


def last_end(jobs: Sequence[Any]) -> float:
    """Return when the last of some jobs was completed, in seconds since 1970."""
    return max(datetime.fromisoformat(job["completedDate"]).timestamp() for job in jobs)


def seconds_of_export(system: System, tenant: str, rows: int, body: Any = None) -> float:
    """Run an export of a known number of clients; return the seconds from the request to its completion."""
    began = time.time()
    jobs = wait([start_async(system, tenant, body)])
    _require(jobs[0], rows)
    return last_end(jobs) - began


STORAGE_REQUESTS_PER_POLL = 2
"""Storage requests for the status of a running job: its row, and the records of the pages in flight."""


def polled_export(system: System, tenant: str, rows: int, body: Any = None) -> tuple[float, int, str]:
    """Run an export as `seconds_of_export` does, but poll at growing intervals, because polls send storage requests.

    Returns:
        The seconds, the number of polls, and the address of the job.
    """
    began = time.time()
    location = start_async(system, tenant, body)
    polls = 1
    while (job := get_job(location))["status"] in ("Queued", "InProgress"):
        time.sleep(max(_POLL_SECONDS, (time.time() - began) / 50))
        polls += 1
    _require(job, rows)
    return last_end([job]) - began, polls, location


def _require(job: Any, rows: int) -> None:
    if job["status"] != "Completed" or job["processedItems"] != rows:
        message = f"Not an export of {rows:,} clients: {job}"
        raise RuntimeError(message)
