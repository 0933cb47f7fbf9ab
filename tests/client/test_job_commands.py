"""The commands and methods for exports ask and show what the service offers. They need no service."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from client_export import AsyncExportClient, ExportClient, Job, RetryPolicy
from client_export.cli.exits import Exit
from client_export.cli.main import app
from client_export.cli.profiles import Profile
from typer.testing import CliRunner

URL = "https://exports.example"
KNOWN = {"CLIENT_EXPORT_URL": URL, "CLIENT_EXPORT_KEY": "k"}
JOB: dict[str, Any] = {
    "code": "c",
    "status": "Completed",
    "createdDate": "2026-01-02T03:04:05Z",
    "snapshotDate": "2026-01-02T03:04:06.789Z",
    "createdBy": "Back office",
    "scheduleCode": "s",
}
PAGE = {"page": 0, "start": None, "stop": None, "rows": 0, "bytes": 0, "sha256": hashlib.sha256().hexdigest()}
MANIFEST: dict[str, Any] = {
    "code": "c",
    "fileName": "clients.csv",
    "rows": 0,
    "bytes": 0,
    "crc32": "00000000",
    "pages": [PAGE],
    "request": {"includeHeaders": False},
    "changes": {"since": "b", "deletedCodes": ["C1"], "leftCodes": []},
}
CONDITIONS = [("createdBy", "Back office"), ("scheduleCode", "s"), ("search", "a b"), ("status", "Failed")]


class Asked(list[httpx.Request]):
    """The requests that a service has got, which has one export."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.append(request)
        if request.url.path.endswith("/manifest"):
            return httpx.Response(200, json=MANIFEST)
        return httpx.Response(200, json={"data": [JOB]} if _is_list(request) else JOB)

    @property
    def query(self) -> list[tuple[str, str]]:
        """The conditions of the last request."""
        return [(name, value) for name, value in self[-1].url.params.multi_items() if name != "limit"]


def _is_list(request: httpx.Request) -> bool:
    return request.method == "GET" and request.url.path.endswith("/csv")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    asked = Asked()
    with httpx.Client(transport=httpx.MockTransport(asked.answer)) as http:
        monkeypatch.setattr(Profile, "open", lambda _: ExportClient(URL, key="k", tenant="t", http=http))
        yield asked


def run(*command: str) -> str:
    done = CliRunner().invoke(app, command, env=KNOWN)
    assert done.exit_code == Exit.DONE, done.output
    return done.stdout


def test_a_job_has_its_caller_and_the_moment_of_its_snapshot() -> None:
    job = Job.from_json(JOB)
    assert job.snapshot == datetime(2026, 1, 2, 3, 4, 6, 789_000, tzinfo=UTC)
    assert (job.created_by, job.schedule_code) == ("Back office", "s")
    others = ("createdDate", "code", "status")
    assert Job.from_json({name: JOB[name] for name in others}).snapshot is None


def test_a_person_sees_who_started_an_export_and_the_moment_of_its_snapshot(asked: Asked) -> None:
    shown = dict(line.split("  ", 1) for line in run("status", "c").splitlines())
    found = {name: value.strip() for name, value in shown.items()}
    local = datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC).astimezone()
    assert found["snapshot of"] == f"{local:%Y-%m-%d %H:%M:%S}"
    assert (found["created by"], found["schedule"]) == ("Back office", "s")
    assert len(asked) == 1


def test_the_list_command_asks_for_each_condition_that_the_service_knows(asked: Asked) -> None:
    run("list", "--created-by", "Back office", "--schedule", "s", "--search", "a b", "--status", "Failed")
    assert asked.query == CONDITIONS
    run("list")
    assert asked.query == []


def test_both_clients_list_by_each_condition_that_the_service_knows(asked: Asked) -> None:
    conditions: dict[str, Any] = {"created_by": "Back office", "schedule_code": "s", "search": "a b"}
    with Profile(URL, key="k").open() as client:
        assert [job.code for job in client.list(statuses=["Failed"], **conditions)] == ["c"]
    assert asked.query == CONDITIONS

    async def list_all() -> list[str]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(asked.answer)) as http:
            client = AsyncExportClient(URL, key="k", tenant="t", http=http)
            return [job.code async for job in client.list(statuses=["Failed"], **conditions)]

    asked.clear()
    assert asyncio.run(list_all()) == ["c"]
    assert asked.query == CONDITIONS


def test_a_command_removes_the_file_of_an_export(asked: Asked) -> None:
    assert json.loads(run("remove-file", "c", "--json")) == JOB
    (request,) = asked
    assert (request.method, request.url.path) == ("DELETE", "/tenants/t/clients/export/csv/c/file")


@pytest.mark.parametrize("command", [["start", "--since", "b"], ["watch", "c"], ["resume", "c"]])
def test_every_command_that_waits_can_save_the_manifest(asked: Asked, command: list[str], tmp_path: Path) -> None:
    file = tmp_path / "changes.json"
    assert json.loads(run(*command, "--manifest", str(file), "--json")) == JOB
    assert json.loads(file.read_text(encoding="utf-8")) == MANIFEST
    assert asked[-1].url.path.endswith("/c/manifest")


def test_a_start_that_saves_the_manifest_waits_for_the_end(asked: Asked, tmp_path: Path) -> None:
    run("start", "--manifest", str(tmp_path / "changes.json"))
    assert "prefer" not in asked[0].headers
    run("start")
    assert asked[-1].headers["prefer"] == "respond-async"


class AskedTwice(Asked):
    """The same service, while its export still runs when it is asked for the first time."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        is_first = not self
        answer = super().answer(request)
        return httpx.Response(200, json=JOB | {"status": "InProgress"}, headers=NOW) if is_first else answer


NOW = {"retry-after": "0"}
STATUS_COMMANDS = [["status", "c"], ["watch", "c"], ["resume", "c", "--wait"], ["start", "--wait"]]


@pytest.mark.parametrize("command", STATUS_COMMANDS, ids=" ".join)
@pytest.mark.parametrize("as_json", [False, True], ids=["for people", "as JSON"])
def test_a_command_asks_for_a_link_only_if_it_shows_it(
    monkeypatch: pytest.MonkeyPatch, command: list[str], as_json: bool
) -> None:
    asked = AskedTwice()
    with httpx.Client(transport=httpx.MockTransport(asked.answer)) as http:
        monkeypatch.setattr(Profile, "open", lambda _: ExportClient(URL, key="k", tenant="t", http=http))
        run(*command, *(["--json"] if as_json else []))
    asks = [request.url.params.get("link") for request in asked if request.method == "GET"]
    assert asks
    assert set(asks) == {None if as_json else "false"}


def test_an_export_to_a_file_asks_for_no_link_but_that_of_its_download(tmp_path: Path) -> None:
    asked = AskedTwice()
    with httpx.Client(transport=httpx.MockTransport(asked.answer)) as http:
        ExportClient(URL, key="k", tenant="t", http=http).export_to(tmp_path / "clients.csv")
    assert [request.url.params.get("link") for request in asked if request.url.path.endswith("/csv/c")] == ["false"]


class EndsAtOnce(Asked):
    """A service whose export has ended when the start is answered. The answer has a link, which may have expired."""

    def __init__(self, link: str | None) -> None:
        super().__init__()
        self.link = link

    def answer(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        self.append(request)
        if name == "manifest":
            page = {**PAGE, "rows": 1, "bytes": 3, "sha256": hashlib.sha256(b"A\r\n").hexdigest()}
            return httpx.Response(200, json=MANIFEST | {"rows": 1, "bytes": 3, "crc32": None, "pages": [page]})
        if name == "download":
            return httpx.Response(302, headers={"location": "https://storage.example/good"})
        if request.url.host == "storage.example":
            return httpx.Response(200, stream=httpx.ByteStream(b"A\r\n")) if name == "good" else httpx.Response(403)
        return httpx.Response(201, json=JOB | {"downloadUrl": self.link})


LINKS = {
    "https://storage.example/good": ["csv", "manifest", "good"],
    "https://storage.example/expired": ["csv", "manifest", "expired", "download", "good"],
    None: ["csv", "manifest", "download", "good"],
}


@pytest.mark.parametrize("link", LINKS, ids=["a link", "an expired link", "no link"])
@pytest.mark.parametrize("how", ["command", "client"])
def test_the_link_of_the_first_answer_is_used_and_replaced_if_it_does_not_work(
    how: str, link: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = EndsAtOnce(link)
    with httpx.Client(transport=httpx.MockTransport(asked.answer)) as http:
        client = ExportClient(URL, key="k", tenant="t", http=http, retries=RetryPolicy(first_pause_seconds=0))
        monkeypatch.setattr(Profile, "open", lambda _: client)
        if how == "command":
            assert "proved" in run("start", "-o", str(tmp_path / "clients.csv"))
        else:
            client.export_to(tmp_path / "clients.csv")
    assert (tmp_path / "clients.csv").read_bytes() == b"A\r\n"
    assert [request.url.path.rpartition("/")[2] for request in asked] == LINKS[link]


def test_the_client_for_asyncio_leaves_out_the_link_too() -> None:
    asked = Asked()

    async def look() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(asked.answer)) as http:
            client = AsyncExportClient(URL, key="k", tenant="t", http=http)
            await client.status("c", link=False)
            await client.wait("c", link=False)
            await client.wait("c")

    asyncio.run(look())
    assert [request.url.params.get("link") for request in asked] == ["false", "false", None]
