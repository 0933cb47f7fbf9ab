"""What happens on disk: two downloads of one export into one place never spoil each other's file."""

from __future__ import annotations

import errno
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from client_export import ExportClient
from client_export.downloads import Download, Target
from client_export.verification import Manifest, Progress

from devhost.local.paths import ROOT

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


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_second_download_into_a_file_that_is_being_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clients.csv"

    def pieces() -> Iterator[bytes]:
        yield FIRST
        with pytest.raises(BlockingIOError, match="Another program is downloading"):
            client_of(iter([b"damaged on its way", b"damaged once more"])).download(CODE, path)
        yield SECOND

    client_of(pieces()).download(CODE, path)
    assert path.read_bytes() == FIRST + SECOND


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


def test_a_file_that_another_program_has_just_given_its_name_is_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Target.existing

    def look_early(target: Target, manifest: Manifest, progress: Progress) -> Download | None:
        found = look(target, manifest, progress)
        monkeypatch.undo()
        client_of(iter([FIRST, SECOND])).download(CODE, tmp_path)
        return found

    monkeypatch.setattr(Target, "existing", look_early)
    assert client_of(iter([FIRST, SECOND])).download(CODE, tmp_path).path == tmp_path / "clients.csv"
    assert names_in(tmp_path) == ["clients.csv"]


HOLDS_THE_LOCK = f"""
import sys
from pathlib import Path
from client_export.downloads import Target
with Target(Path(sys.argv[1]), {CODE!r}, True).locked():
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_program_that_was_killed_locks_nothing(tmp_path: Path) -> None:
    path = tmp_path / "clients.csv"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS_THE_LOCK, path],
        env={"PYTHONPATH": str(ROOT / "client" / "src")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(BlockingIOError, match="Another program is downloading"):
            client_of(iter([FIRST, SECOND])).download(CODE, path)
        other.kill()
    assert names_in(tmp_path) == [f".clients.csv.{CODE}.lock"]
    client_of(iter([FIRST, SECOND])).download(CODE, path)
    assert names_in(tmp_path) == ["clients.csv"]


@pytest.mark.skipif(sys.platform == "win32", reason="the locks of Windows are others")
def test_a_file_system_without_locks_takes_a_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    client_of(iter([FIRST, SECOND])).download(CODE, tmp_path / "clients.csv")
    assert names_in(tmp_path) == ["clients.csv"]


def test_a_download_goes_on_after_the_one_that_wrote_the_file_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "clients.csv"

    def broken() -> Iterator[bytes]:
        yield FIRST
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client_of(broken()).download(CODE, path)
    assert names_in(tmp_path) == [f".clients.csv.{CODE}.part"]
    client_of(iter([FIRST, SECOND])).download(CODE, path)
    assert path.read_bytes() == FIRST + SECOND
    assert names_in(tmp_path) == ["clients.csv"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no sizes of files")
def test_a_disk_that_is_full_is_told_with_the_name_of_what_it_keeps(tmp_path: Path) -> None:
    import resource

    part = tmp_path / f".clients.csv.{CODE}.part"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as full:
            client_of(iter([FIRST, SECOND])).download(CODE, tmp_path / "clients.csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert full.value.filename == str(part)
    assert names_in(tmp_path) == [part.name]
    client_of(iter([FIRST, SECOND])).download(CODE, tmp_path / "clients.csv")
    assert names_in(tmp_path) == ["clients.csv"]
