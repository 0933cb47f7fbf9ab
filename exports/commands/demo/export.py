"""Runs one export over HTTP, as a user would. `dev.py run` shows it. Standard library only."""

from __future__ import annotations

import contextlib
import csv
import http.client
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

from exports.commands.demo.answers import DemoError, expect, json_object
from shared.local_http import call, request
from shared.text import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NO_PROGRESS_SECONDS = 300.0
POLL_SECONDS = 0.2


class RowCounter:
    """Counts the records of an RFC 4180 file that arrives in pieces. Ignores line breaks inside quotes."""

    def __init__(self) -> None:
        self.rows = 0
        self._quoted = False

    def feed(self, piece: bytes) -> None:
        for segment in piece.split(b'"'):
            if not self._quoted:
                self.rows += segment.count(b"\n")
            self._quoted = not self._quoted
        self._quoted = not self._quoted  # n quotes make n + 1 segments


@dataclass(frozen=True)
class Export:
    """The result of one export."""

    code: str
    rows: int
    size_bytes: int
    seconds: float


def key_opens(base_url: str, key: str, tenant: str) -> bool:
    """Return whether the service accepts this API key for the tenant. Asks for a job that does not exist."""
    url = f"{base_url}/tenants/{quote(tenant, safe='')}/clients/export/csv/none"
    return call("GET", url, {"x-api-key": key}).status not in (401, 403)


def run_export(base_url: str, tenant: str, key: str, target: Path, show: Callable[[int, int | None], None]) -> Export:
    """Start an export of all clients, follow its progress, and save its file as `target`.

    Args:
        show: Called with the rows written so far, and the rows in total (None while they are not known).

    Raises:
        DemoError: The service refused or failed the export, or the file does not have as many rows as the job reports.
    """
    started = time.monotonic()
    headers = {"x-api-key": key, "Content-Type": "application/json", "Prefer": "respond-async"}
    url = f"{base_url}/tenants/{tenant}/clients/export/csv"
    answer = expect(call("POST", url, headers, "{}"), (201, 202), "Starting the export")
    job = json_object(answer)
    if answer.status == 202:
        job = follow(urljoin(url, answer.headers["location"]), key, show)
    show(job["processedItems"], job["totalItems"])
    seconds = time.monotonic() - started
    rows, size_bytes = download(job["downloadUrl"], target)
    if rows != job["totalItems"]:
        message = f"The job reports {job['totalItems']:,} clients, but its file {target} has {rows:,}."
        raise DemoError(message)
    return Export(job["code"], rows, size_bytes, seconds)


def follow(job_url: str, key: str, show: Callable[[int, int | None], None]) -> dict[str, Any]:
    """Poll the job until it has completed, and return its last document."""
    last, deadline = "", time.monotonic() + NO_PROGRESS_SECONDS
    while True:
        answer = expect(call("GET", job_url, {"x-api-key": key}), (200,), "Reading the status")
        job = json_object(answer)
        if job["status"] == "Completed":
            return job
        if job["status"] in ("Failed", "Cancelled"):
            message = (
                f"The export ended as {job['status']}: {(job.get('failure') or {}).get('message', 'no reason given')}"
            )
            raise DemoError(message)
        show(job["processedItems"] or 0, job["totalItems"])
        if answer.text != last:
            last, deadline = answer.text, time.monotonic() + NO_PROGRESS_SECONDS
        if time.monotonic() > deadline:
            message = f"The export made no progress for {NO_PROGRESS_SECONDS:.0f} s; it is still {job['status']}."
            raise DemoError(message)
        # Polls more often than Retry-After asks, because this is the only caller and the bar should move smoothly.
        time.sleep(min(float(answer.headers.get("retry-after", POLL_SECONDS)), POLL_SECONDS))


def download(url: str, target: Path) -> tuple[int, int]:
    """Save the file under a temporary name, then rename it.

    Returns:
        How many data rows and bytes the file has.

    Raises:
        DemoError: The link does not work, the download is not complete, or the file cannot be written.
        OSError, http.client.HTTPException: The connection broke.
    """
    unfinished = target.with_name(f"{target.name}.part")
    counter, size_bytes = RowCounter(), 0
    with request("GET", url) as response, _writing(target):
        if response.status != 200:
            message = f"The download link answered with HTTP status {response.status}:\n    {_read(response)[:1000]!r}"
            raise DemoError(message)
        target.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            while piece := _read(response):
                counter.feed(piece)
                size_bytes += file.write(piece)
        if response.length:
            message = f"The download broke off after {size_bytes:,} bytes; {response.length:,} are missing."
            raise DemoError(message)
        unfinished.replace(target)
    return counter.rows - 1, size_bytes


def _read(response: http.client.HTTPResponse) -> bytes:
    """Read the next piece. A broken connection is no `OSError` here, because those are of the file."""
    try:
        return response.read(1 << 20)
    except OSError as error:
        raise http.client.HTTPException(str(error)) from error


@contextlib.contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"{target} cannot be written: {error.strerror}."
        raise DemoError(message) from error


def first_lines(file: Path, count: int = 3, width: int = 110) -> list[str]:
    """Return the first records as comma-separated text, cut to a terminal's width."""
    with file.open(encoding="utf-8", newline="") as content:
        return [shorten(" ".join(",".join(row).split()), width) for row in itertools.islice(csv.reader(content), count)]


def summary(export: Export, shown_file: str) -> str:
    """Describe the exported file in a sentence."""
    rate = export.rows / max(export.seconds, 0.001)
    return (
        f"\n{shown_file}: {export.rows:,} rows, {export.size_bytes:,} bytes, "
        f"exported in {export.seconds:.2f} s ({rate:,.0f} rows/s). It begins:"
    )


def by_hand(base_url: str, tenant: str, key: str, export: Export) -> str:
    """Explain how to do the same in the web UI or with curl."""
    url = f"{base_url}/tenants/{tenant}/clients/export/csv"
    header = f"-H 'x-api-key: {key}'"
    return (
        f"\nThe web UI: {base_url}/\n"
        f"To do the same with curl while this runs, use the API key {key}:\n"
        f"    curl -i -X POST {url} {header} -H 'Content-Type: application/json' -d '{{}}'\n"
        f"    curl {url}/{export.code} {header}\n"
        f"The health of all dependencies: {base_url}/health"
    )
