"""The client ends in order, whatever a service, or a program that stands in its place, answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from client_export import AsyncExportClient, ExportClient, ServiceError
from client_export.steps import Answer, Send

CODE = "7ybqttn9kg0pf1x6vfw644k23d"
JOB: dict[str, Any] = {"code": CODE, "status": "Queued", "createdDate": "2026-01-02T03:04:05Z"}


def client_of(*answers: httpx.Response) -> ExportClient:
    """Return a client whose requests get these answers, one after the other."""
    left = iter(answers)
    http = httpx.Client(transport=httpx.MockTransport(lambda _: next(left)))
    return ExportClient("https://exports.example", key="k", tenant="t", http=http)


@pytest.mark.parametrize("text", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Mon, 01 Jan 2026 00:00:00", "soon"])
def test_a_retry_after_that_is_no_time_is_ignored(text: str) -> None:
    assert Answer(503, {"retry-after": text}).retry_after_seconds is None


def test_an_export_is_asked_for_again_however_late_the_service_suggests(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("client_export.http.time.sleep", pauses.append)
    late = httpx.Response(200, json=JOB, headers={"retry-after": "9" * 400})
    ended = httpx.Response(200, json=JOB | {"status": "Completed"})
    with client_of(late, ended) as client:
        assert client.wait(CODE).status == "Completed"
    assert pauses == [60]


ELSEWHERE = {"location": "https://elsewhere.example/"}
FOREIGN = {
    "a redirect": lambda: httpx.Response(302, headers=ELSEWHERE),
    "a page": lambda: httpx.Response(200, text="<html>Sign in</html>"),
    "a list": lambda: httpx.Response(200, json=[]),
    "nothing known": lambda: httpx.Response(304),
}


@pytest.mark.parametrize("answer", FOREIGN.values(), ids=FOREIGN)
def test_an_answer_that_is_not_of_the_service_is_told_and_its_redirect_not_followed(
    answer: Callable[[], httpx.Response],
) -> None:
    asked: list[str] = []

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return answer()

    transport = httpx.MockTransport(serve)
    http = httpx.Client(transport=transport, follow_redirects=True)
    with pytest.raises(ServiceError, match="not an answer of the export service"):
        ExportClient("https://exports.example", key="k", http=http).status(CODE)

    other = httpx.AsyncClient(transport=transport, follow_redirects=True)
    with pytest.raises(ServiceError, match="not an answer of the export service"):
        asyncio.run(AsyncExportClient("https://exports.example", key="k", http=other).status(CODE))
    assert set(asked) == {"exports.example"}


def test_only_a_redirect_that_names_its_target_is_a_link() -> None:
    asks = Send("GET", "/download", asks_for_link=True)
    assert asks.is_answered_by(Answer(302, {"location": "https://storage.example/file"}))
    assert not asks.is_answered_by(Answer(302))
    assert not asks.is_answered_by(Answer(200, {}, b"{}"))
