"""The service under test, as its callers reach it: over HTTP, with an API key."""

from __future__ import annotations

import http.client
import json
import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import HTTPRedirectHandler, Request, build_opener

ENDED = ("Completed", "Failed", "Cancelled")
_REQUEST_SECONDS = 100.0
"""More than a start waits for its export (`EXPORT_WAIT_SECONDS`), and than a cold start takes."""
_LONGEST_PAUSE_SECONDS = 5.0
_SHOWN_CHARACTERS = 300
_PIECE_BYTES = 1 << 20


class SmokeError(Exception):
    """A check has failed. The text says what the service did instead of what it promises."""


class NotApplicableError(Exception):
    """A check cannot be done here. The text says why, and what to change."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that was read to its end. The names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; None if it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def problem(self) -> str:
        """What the service says about the problem: code, explanation and the id of the request."""
        content = self.json if isinstance(self.json, dict) else {}
        faults = [str(fault.get("detail")) for fault in content.get("errors") or [] if isinstance(fault, dict)]
        said = [str(content.get("detail") or content.get("title") or ""), *faults]
        text = " ".join(filter(None, said)) or self.body.decode("utf-8", errors="replace").strip()
        request = self.headers.get("x-request-id")
        parts = [str(self.status), str(content.get("code") or ""), text, f"(request {request})" if request else ""]
        return " ".join(" ".join(filter(None, parts)).split())[:_SHOWN_CHARACTERS]


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_opener = build_opener(_NoRedirects)


@dataclass(frozen=True, slots=True)
class Service:
    """A deployment: its address, the API key, and the tenant (None: the only one that the key opens)."""

    url: str
    key: str
    tenant: str | None = None

    def path(self, rest: str) -> str:
        """Return the URL of something of the tenant."""
        prefix = "" if self.tenant is None else f"/tenants/{quote(self.tenant, safe='')}"
        return f"{self.url}{prefix}/{rest}"

    def call(
        self, method: str, url: str, body: object = None, *, key: str | None = None, prefer: str | None = None
    ) -> Answer:
        """Send a request to the service, and return its answer, whatever its status. Follows no redirect.

        Args:
            key: Another key; empty: none.

        Raises:
            SmokeError: There is no answer.
        """
        headers = {"x-api-key": self.key if key is None else key} if key != "" else {}
        if body is not None:
            headers["content-type"] = "application/json"
        if prefer is not None:
            headers["prefer"] = prefer
        return send(method, self._absolute(url), headers, None if body is None else json.dumps(body).encode())

    def expect(
        self, statuses: Collection[int], method: str, url: str, body: object = None, *, prefer: str | None = None
    ) -> Answer:
        """Send a request whose answer must have one of these statuses.

        Raises:
            SmokeError: There is no answer, or it has another status.
        """
        answer = self.call(method, url, body, prefer=prefer)
        if answer.status not in statuses:
            message = f"{method} {url.removeprefix(self.url)} answered {answer.problem}"
            raise SmokeError(message)
        return answer

    def _absolute(self, url: str) -> str:
        return f"{self.url}{url}" if url.startswith("/") else url

    def job_url(self, job: Any, rest: str = "") -> str:
        """Return the URL of a job, or of something of it."""
        return self.path(f"clients/export/csv/{job['code']}{rest}")

    def wait(self, job: Any, seconds: float) -> Any:
        """Poll a job as often as the service asks, until it has ended.

        Raises:
            SmokeError: It has not ended in this time.
        """
        deadline = time.monotonic() + seconds
        while job["status"] not in ENDED:
            if time.monotonic() > deadline:
                done = f"{job.get('processedItems'):,} of {job.get('totalItems') or 0:,} clients"
                message = f"The export {job['code']} is still {job['status']} after {seconds:.0f} s ({done})."
                raise SmokeError(message)
            answer = self.expect([200], "GET", self.job_url(job))
            job = answer.json
            if job["status"] not in ENDED:
                time.sleep(min(float(answer.headers.get("retry-after", 1)), _LONGEST_PAUSE_SECONDS))
        return job


def send(
    method: str,
    url: str,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    target: BinaryIO | None = None,
) -> Answer:
    """Send one request, and return its answer, whatever its status.

    Args:
        target: Gets the body of an answer of 2xx, which may be larger than the memory. The answer's own is then empty.

    Raises:
        SmokeError: There is no answer, or it broke off.
    """
    request = Request(url, data=body, headers=headers or {}, method=method)  # noqa: S310 - the scheme was checked
    try:
        with _opener.open(request, timeout=_REQUEST_SECONDS) as response:
            return Answer(response.status, _lower(response.headers.items()), _read(response, target))
    except HTTPError as error:
        with error:
            return Answer(error.code, _lower(error.headers.items()), error.read())
    except (URLError, OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        message = f"{url.partition('?')[0]} does not answer ({reason or type(error).__name__})."
        raise SmokeError(message) from error


def _read(response: Any, target: BinaryIO | None) -> bytes:
    if target is None:
        return bytes(response.read())
    shutil.copyfileobj(response, target, _PIECE_BYTES)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return b""


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}
