"""One export over HTTP, as a user would do it: `dev.py run` shows it. Standard library only."""

from __future__ import annotations

import csv
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

from exports.commands.demo.web import DemoError, call, expect, request, shortened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NO_PROGRESS_SECONDS = 300.0
POLL_SECONDS = 0.2


class RowCounter:
    """Counts the records of an RFC 4180 file fed in pieces; line breaks inside quotes do not count."""

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
    """What one export gave."""

    code: str
    rows: int
    size_bytes: int
    seconds: float


def key_opens(base_url: str, key: str, tenant: str) -> bool:
    """Whether the service lets this key act for the tenant; asked by looking for a job that never was."""
    url = f"{base_url}/tenants/{quote(tenant, safe='')}/clients/export/csv/none"
    return call("GET", url, {"x-api-key": key}).status not in (401, 403)


def run_export(base_url: str, tenant: str, key: str, target: Path, show: Callable[[int, int | None], None]) -> Export:
    """Start an export of all clients, follow its progress, and save its file as `target`."""
    started = time.monotonic()
    headers = {"x-api-key": key, "Content-Type": "application/json", "Prefer": "respond-async"}
    url = f"{base_url}/tenants/{tenant}/clients/export/csv"
    answer = expect(call("POST", url, headers, "{}"), (201, 202), "Starting the export")
    job = answer.json()
    if answer.status == 202:
        job = follow(urljoin(url, answer.headers["location"]), key, show)
    show(job["processedItems"], job["totalItems"])
    seconds = time.monotonic() - started
    rows, size_bytes = download(job["downloadUrl"], target)
    if rows != job["totalItems"]:
        message = f"The job tells of {job['totalItems']:,} clients, but its file {target} has {rows:,}."
        raise DemoError(message)
    return Export(job["code"], rows, size_bytes, seconds)


def follow(job_url: str, key: str, show: Callable[[int, int | None], None]) -> dict[str, Any]:
    """Poll until the job has completed; its last document."""
    last, deadline = "", time.monotonic() + NO_PROGRESS_SECONDS
    while True:
        answer = expect(call("GET", job_url, {"x-api-key": key}), (200,), "Asking for the status")
        job = answer.json()
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
        # More often than Retry-After asks: this is the only caller, and the bar shall move smoothly.
        time.sleep(min(float(answer.headers.get("retry-after", POLL_SECONDS)), POLL_SECONDS))


def download(url: str, target: Path) -> tuple[int, int]:
    """Save the file under a passing name, then rename it; its data rows and bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.part")
    counter, size_bytes = RowCounter(), 0
    with request("GET", url) as response, unfinished.open("wb") as file:
        if response.status != 200:
            message = f"The download link was answered with {response.status}:\n    {response.read(1000)!r}"
            raise DemoError(message)
        while piece := response.read(1 << 20):
            counter.feed(piece)
            size_bytes += file.write(piece)
        if response.length:
            message = f"The download broke off after {size_bytes:,} bytes; {response.length:,} are missing."
            raise DemoError(message)
    unfinished.replace(target)
    return counter.rows - 1, size_bytes


def first_lines(file: Path, count: int = 3, width: int = 110) -> list[str]:
    """The first records as comma-separated text, shortened to a terminal's width."""
    with file.open(encoding="utf-8", newline="") as content:
        return [
            shortened(" ".join(",".join(row).split()), width) for row in itertools.islice(csv.reader(content), count)
        ]


def summary(export: Export, shown_file: str) -> str:
    rate = export.rows / max(export.seconds, 0.001)
    return (
        f"\n{shown_file}: {export.rows:,} rows, {export.size_bytes:,} bytes, "
        f"exported in {export.seconds:.2f} s ({rate:,.0f} rows/s). It begins:"
    )


def by_hand(base_url: str, tenant: str, key: str, export: Export) -> str:
    """How to do the same with curl."""
    url = f"{base_url}/tenants/{tenant}/clients/export/csv"
    header = f"-H 'x-api-key: {key}'"
    return (
        f"\nThe export page, for people: {base_url}/\n"
        f"The same by hand, while this runs, with the API key {key}\n"
        f"    curl -i -X POST {url} {header} -H 'Content-Type: application/json' -d '{{}}'\n"
        f"    curl {url}/{export.code} {header}\n"
        f"Health of all parts: {base_url}/health"
    )
