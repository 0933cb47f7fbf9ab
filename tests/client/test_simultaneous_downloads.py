"""Two downloads of one export into one place never spoil each other's file."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from client_export import ExportClient
from client_export.downloads import Target

if sys.platform != "win32":
    import fcntl

CODE = "7ybqttn9kg0pf1x6vfw644k23d"
FIRST, SECOND = b"Code\r\n" + b"A" * 300_000 + b"\r\n", b"B\r\n"


def _page(number: int, content: bytes, start: str | None, stop: str | None) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    return {"page": number, "start": start, "stop": stop, "rows": 1, "bytes": len(content), "sha256": digest}


MANIFEST: dict[str, Any] = {
    "code": CODE,
    "fileName": "clients.csv",
    "rows": 2,
    "bytes": len(FIRST + SECOND),
    "pages": [_page(0, FIRST, None, "B"), _page(1, SECOND, "B", None)],
    "request": {},
}


class Pieces(httpx.SyncByteStream):
    """The content of a link as it arrives."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return self.pieces


def client_of(pieces: Iterator[bytes]) -> ExportClient:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/manifest"):
            return httpx.Response(200, json=MANIFEST)
        if request.url.path.endswith("/download"):
            return httpx.Response(302, headers={"location": "https://storage.example/file"})
        return httpx.Response(200, stream=Pieces(pieces))

    http = httpx.Client(transport=httpx.MockTransport(answer))
    return ExportClient("https://exports.example", key="k", http=http)


def test_a_second_download_into_a_file_that_is_being_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clients.csv"

    def pieces() -> Iterator[bytes]:
        yield FIRST
        with pytest.raises(BlockingIOError, match="Another program is downloading"):
            client_of(iter([b"damaged on its way", b"damaged once more"])).download(CODE, path)
        yield SECOND

    client_of(pieces()).download(CODE, path)
    assert path.read_bytes() == FIRST + SECOND


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such lock")
def test_a_file_stays_locked_until_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "clients.csv"
    give = Target.give

    def give_later(target: Target, unnamed: Path) -> None:
        monkeypatch.undo()
        with pytest.raises(BlockingIOError, match="Another program is downloading"):
            client_of(iter([])).download(CODE, path)
        give(target, unnamed)

    monkeypatch.setattr(Target, "give", give_later)
    client_of(iter([FIRST, SECOND])).download(CODE, path)
    assert path.read_bytes() == FIRST + SECOND


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such lock")
def test_a_file_that_got_its_name_before_it_was_locked_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "clients.csv"
    flock = fcntl.flock

    def lock_late(stream: Any, how: int) -> None:
        monkeypatch.undo()
        client_of(iter([FIRST, SECOND])).download(CODE, path)
        flock(stream, how)

    monkeypatch.setattr(fcntl, "flock", lock_late)
    with pytest.raises(BlockingIOError, match="Another program is downloading"):
        client_of(iter([])).download(CODE, path)
    assert path.read_bytes() == FIRST + SECOND


def test_a_download_goes_on_after_the_one_that_wrote_the_file_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "clients.csv"

    def broken() -> Iterator[bytes]:
        yield FIRST
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client_of(broken()).download(CODE, path)
    assert not path.exists()
    client_of(iter([FIRST, SECOND])).download(CODE, path)
    assert path.read_bytes() == FIRST + SECOND
