"""The client ends in order, whatever a service, or a program that stands in its place, answers."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from client_export import (
    ApiError,
    AsyncExportClient,
    ExportClient,
    NotFoundError,
    RetryPolicy,
    ServiceError,
    ServiceUnreachableError,
)
from client_export.steps import Answer, Send

CODE = "7ybqttn9kg0pf1x6vfw644k23d"
JOB: dict[str, Any] = {"code": CODE, "status": "Queued", "createdDate": "2026-01-02T03:04:05Z"}


def client_of(*answers: httpx.Response | Exception) -> ExportClient:
    """Return a client whose requests get these answers, one after the other, or break with these errors."""
    left = iter(answers)

    def serve(_: httpx.Request) -> httpx.Response:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    http = httpx.Client(transport=httpx.MockTransport(serve))
    retries = RetryPolicy(first_pause_seconds=0.001)
    return ExportClient("https://exports.example", key="k", tenant="t", http=http, retries=retries)


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


OTHER_FORMS: dict[str, tuple[Callable[[ExportClient], Any], Any]] = {
    "an empty object": (lambda client: client.status(CODE), {}),
    "a status of a later version": (lambda client: client.status(CODE), JOB | {"status": "Paused"}),
    "a number as text": (lambda client: client.status(CODE), JOB | {"totalItems": "many"}),
    "a number as a name": (lambda client: client.status(CODE), JOB | {"fileName": 5}),
    "a text where an object is": (lambda client: client.status(CODE), JOB | {"failure": "it failed"}),
    "nothing about who you are": (lambda client: client.me(), {"message": "Welcome"}),
    "an object where a list is": (lambda client: list(client.list()), {"data": {}}),
    "an item that is nothing": (lambda client: list(client.list()), {"data": [None]}),
    "a token that is no text": (lambda client: list(client.list()), {"data": [], "continuationToken": 5}),
    "a warning without its text": (lambda client: client.estimate(), {"warnings": [{"code": "x"}]}),
    "tries that are a text": (lambda client: client.notify_again(CODE), {"data": "none"}),
    "a cell that is a number": (lambda client: client.preview(), {"columns": [], "rows": [[1]], "text": ""}),
    "a key that is an object": (lambda client: client.create_key("n"), {"key": {}, "code": "c", "name": "n"}),
}


@pytest.mark.parametrize(("ask", "answer"), OTHER_FORMS.values(), ids=OTHER_FORMS)
def test_an_answer_of_another_form_is_told_with_what_to_do(ask: Callable[[ExportClient], Any], answer: Any) -> None:
    with client_of(httpx.Response(200, json=answer)) as client, pytest.raises(ServiceError, match="Check the address"):
        ask(client)


def test_an_answer_without_a_body_is_told_where_one_is_needed() -> None:
    with client_of(httpx.Response(204)) as client, pytest.raises(ServiceError, match="Check the address"):
        client.status(CODE)


@pytest.mark.parametrize(
    "document",
    [
        {"code": 401, "message": "IDX10205: Issuer validation failed."},
        {"code": "Unauthorized", "message": "Sign in."},
        {"code": "bad", "title": "Bad", "detail": "No.", "errors": {"name": ["is required"]}},
        {"code": "bad", "title": "Bad", "detail": "No.", "errors": ["name is required"]},
        {"code": "bad", "title": "Bad", "detail": "No.", "errors": [{"pointer": "", "detail": "", "values": ["a"]}]},
    ],
)
def test_an_error_that_is_not_of_the_service_is_told_by_its_status(document: Any) -> None:
    with client_of(httpx.Response(401, json=document)) as client, pytest.raises(ApiError, match="HTTP 401") as raised:
        client.status(CODE)
    assert raised.value.code == "unknown"


def test_json_that_is_nested_too_deeply_is_no_answer() -> None:
    assert Answer(200, content=b"[" * 200_000).json is None


ABSENT = {"code": "mapping-not-found", "title": "There is no such mapping", "detail": "There is none."}


@pytest.mark.parametrize("lost", [httpx.ReadError("cut"), httpx.Response(502)], ids=["broken", "a bad gateway"])
def test_a_deletion_whose_answer_was_lost_is_done_when_nothing_is_left(lost: httpx.Response | Exception) -> None:
    with client_of(lost, httpx.Response(404, json=ABSENT)) as client:
        client.delete_mapping("abc")


@pytest.mark.parametrize(
    "first",
    [[], [httpx.ConnectError("refused")], [httpx.Response(429)]],
    ids=["at the first try", "after a try that was not sent", "after a try that was one too many"],
)
def test_a_deletion_of_what_never_was_there_is_refused(first: list[httpx.Response | Exception]) -> None:
    with client_of(*first, httpx.Response(404, json=ABSENT)) as client, pytest.raises(NotFoundError):
        client.delete_mapping("abc")


def test_a_deletion_is_not_done_because_an_address_is_wrong() -> None:
    elsewhere = {"code": "route-not-found", "title": "There is no such resource", "detail": "Nothing is here."}
    with client_of(httpx.ReadError("cut"), httpx.Response(404, json=elsewhere)) as client, pytest.raises(NotFoundError):
        client.delete_schedule("abc")


def test_an_answer_that_cannot_be_decompressed_is_no_answer() -> None:
    def garbled() -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip"))

    with (
        client_of(*(garbled() for _ in range(5))) as client,
        pytest.raises(ServiceUnreachableError, match="cannot be decompressed"),
    ):
        client.status(CODE)


@pytest.mark.parametrize("link", ["javascript:1", "ftp://storage.example/file"])
def test_a_link_that_is_not_an_address_is_told(link: str, tmp_path: Path) -> None:
    manifest: dict[str, Any] = {"code": CODE, "fileName": "c.csv", "rows": 0, "bytes": 6, "request": {}}
    page = {"page": 0, "start": None, "stop": None, "rows": 0, "bytes": 6, "sha256": "0" * 64}

    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/manifest"):
            return httpx.Response(200, json=manifest | {"pages": [page]})
        if request.url.path.endswith("/download"):
            return httpx.Response(302, headers={"location": link})
        raise httpx.UnsupportedProtocol("neither http nor https")

    http = httpx.Client(transport=httpx.MockTransport(serve))
    retries = RetryPolicy(first_pause_seconds=0.001)
    client = ExportClient("https://exports.example", key="k", http=http, retries=retries)
    with pytest.raises(ServiceUnreachableError, match="a link that is not an address"):
        client.download(CODE, tmp_path / "c.csv")


@pytest.mark.parametrize(
    "url", ["https://", "https:///exports", "https://e.example/#history", "https://e.example/?a=b"]
)
def test_the_address_of_a_page_is_not_that_of_the_service(url: str) -> None:
    with pytest.raises(ValueError, match="is not the address of a service"):
        ExportClient(url, key="k")


def test_a_client_database_that_must_be_mended_is_not_asked_again() -> None:
    unusable = {"code": "source-unusable", "title": "The client database cannot be exported", "detail": "Mend it."}
    with client_of(httpx.Response(502, json=unusable)) as client, pytest.raises(ServiceError, match="Mend it"):
        client.preview()


def test_a_cancelled_operation_ends_as_cancelled_after_its_work_on_disk(tmp_path: Path) -> None:
    content = b"Code\r\n"
    page = {
        "page": 0,
        "start": None,
        "stop": None,
        "rows": 0,
        "bytes": 6,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    manifest = {"code": CODE, "fileName": "c.csv", "rows": 0, "bytes": 6, "pages": [page], "request": {}}
    (tmp_path / "c.csv").write_bytes(content)
    begun, may_end, ended = Event(), Event(), Event()

    def progress(*_: int) -> None:
        begun.set()
        may_end.wait(60)
        ended.set()

    async def cancel_while_it_reads() -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, json=manifest))
        async with httpx.AsyncClient(transport=transport) as http:
            client = AsyncExportClient("https://exports.example", key="k", http=http)
            task = asyncio.create_task(client.download(CODE, tmp_path, progress=progress))
            await asyncio.to_thread(begun.wait, 60)
            task.cancel()
            await asyncio.sleep(0)
            task.cancel()  # as a second Ctrl-C does
            await asyncio.sleep(0)
            may_end.set()
            await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel_while_it_reads())
    assert ended.is_set()


def test_an_operation_that_the_end_of_the_event_loop_cancels_ends_as_cancelled(tmp_path: Path) -> None:
    begun, may_end = Event(), Event()
    reported: list[Any] = []

    def serve(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=JOB)

    def watch(_: Any) -> None:
        begun.set()
        may_end.wait(60)

    async def leave_it_behind() -> asyncio.Task[Any]:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        http = httpx.AsyncClient(transport=httpx.MockTransport(serve))
        client = AsyncExportClient("https://exports.example", key="k", http=http)
        task = asyncio.create_task(client.wait(CODE, watch=watch))
        await asyncio.to_thread(begun.wait, 60)
        asyncio.get_running_loop().call_later(0.1, may_end.set)
        return task

    assert asyncio.run(leave_it_behind()).cancelled()
    assert reported == []
