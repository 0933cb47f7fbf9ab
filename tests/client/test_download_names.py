"""Which name a downloaded file gets, and which files it never replaces."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from client_export import ExportClient, FileMismatchError
from client_export.cli.exits import Exit
from client_export.cli.main import app
from client_export.cli.profiles import Profile
from typer.testing import CliRunner

from tests.support.proofs import a_proved_file

KNOWN = {"CLIENT_EXPORT_URL": "https://exports.example", "CLIENT_EXPORT_KEY": "k"}
FILE, GOOD = a_proved_file()
MANIFEST: dict[str, Any] = GOOD.model_dump(mode="json", by_alias=True)
CODE, NAME = GOOD.code, GOOD.file_name


def client_of(manifest: dict[str, Any]) -> ExportClient:
    """Return a client of a service with one export."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/manifest"):
            return httpx.Response(200, json=manifest)
        if request.url.path.endswith("/download"):
            return httpx.Response(302, headers={"location": "https://storage.example/file"})
        return httpx.Response(200, stream=httpx.ByteStream(FILE))

    http = httpx.Client(transport=httpx.MockTransport(answer))
    return ExportClient("https://exports.example", key="k", tenant="t", http=http)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_name_that_another_chose_never_replaces_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Profile, "open", lambda profile: client_of(MANIFEST))
    (tmp_path / NAME).write_bytes(b"mine")

    refused = CliRunner().invoke(app, ["download", CODE], env=KNOWN)
    assert (refused.exit_code, content(tmp_path)) == (1, {NAME: b"mine"})
    assert f"{NAME} exists, and is not the file of the export {CODE}." in refused.stderr
    assert "-o FILE" in refused.stderr
    with pytest.raises(FileExistsError):
        client_of(MANIFEST).download(CODE, tmp_path)

    named = CliRunner().invoke(app, ["download", CODE, "-o", NAME], env=KNOWN)
    assert (named.exit_code, content(tmp_path)) == (0, {NAME: FILE})


def test_a_file_that_is_there_already_is_proved_and_kept(tmp_path: Path) -> None:
    first = client_of(MANIFEST).download(CODE, tmp_path)
    written = first.path.stat().st_mtime_ns
    assert client_of(MANIFEST).download(CODE, tmp_path) == first
    assert (first.path.stat().st_mtime_ns, content(tmp_path)) == (written, {NAME: FILE})


def test_a_file_that_appears_during_a_download_is_not_replaced(tmp_path: Path) -> None:
    def appear(*_: int) -> None:
        (tmp_path / NAME).write_bytes(b"mine")

    with pytest.raises(FileExistsError):
        client_of(MANIFEST).download(CODE, tmp_path, progress=appear)
    assert content(tmp_path) == {NAME: b"mine"}


NO_NAMES = ("", ".", "..", "../up", "/etc/x", "a\\b", ".profile", " .a", "a\x1b[2J", "a\n")
NO_CODES = ("", "../up", "A", "c/d", "c\x1b", None)


@pytest.mark.parametrize(
    "wrong", [*({"fileName": name} for name in NO_NAMES), *({"code": code} for code in NO_CODES)], ids=str
)
def test_a_manifest_with_a_name_or_code_that_is_none_leaves_nothing(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(FileMismatchError, match="not a manifest"):
        client_of(MANIFEST | wrong).download(CODE, tmp_path)
    assert content(tmp_path) == {}


def test_the_manifest_of_another_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileMismatchError, match="another export"):
        client_of(MANIFEST | {"code": "other"}).download(CODE, tmp_path)
    assert content(tmp_path) == {}


@pytest.mark.parametrize("name", ["ü" * 118 + ".csv", "می\u200cخواهم.csv"], ids=["240 bytes", "joiner"])
def test_every_name_that_the_service_makes_is_taken(tmp_path: Path, name: str) -> None:
    assert client_of(MANIFEST | {"fileName": name}).download(CODE, tmp_path).path.name == name
    assert content(tmp_path) == {name: FILE}


@pytest.mark.parametrize("has_links", [True, False], ids=["links", "no links"])
def test_a_file_that_appears_at_the_last_moment_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    def link(unnamed: Path, path: Path) -> None:
        Path(path).write_bytes(b"mine")
        if not has_links:
            raise PermissionError
        os_link(unnamed, path)

    os_link = os.link
    monkeypatch.setattr("client_export.downloads.os.link", link)
    with pytest.raises(FileExistsError, match=CODE):
        client_of(MANIFEST).download(CODE, tmp_path)
    assert content(tmp_path) == {NAME: b"mine"}


def test_a_file_gets_its_name_where_the_file_system_has_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr("client_export.downloads.os.link", link)
    client_of(MANIFEST).download(CODE, tmp_path)
    assert content(tmp_path) == {NAME: FILE}


def test_a_folder_that_does_not_exist_is_told_and_not_made(tmp_path: Path) -> None:
    for path in (tmp_path / "missing" / "clients.csv", tmp_path / "missing" / "deeper" / "clients.csv"):
        with pytest.raises(FileNotFoundError, match="This folder does not exist"):
            client_of(MANIFEST).download(CODE, path)
    (tmp_path / "file").write_bytes(b"other")
    with pytest.raises(FileNotFoundError, match="This folder does not exist"):
        client_of(MANIFEST).download(CODE, tmp_path / "file" / "clients.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_pipe_or_device_is_never_replaced_by_the_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    for path in (pipe, tmp_path / "link"):
        with pytest.raises(OSError, match="only a file can be replaced"):
            client_of(MANIFEST).download(CODE, path)
    assert pipe.is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe"]


@pytest.mark.parametrize("command", [["download", CODE], ["start"], ["watch", CODE], ["resume", CODE]])
def test_standard_output_is_refused_before_anything_is_asked(command: list[str]) -> None:
    done = CliRunner().invoke(app, [*command, "-o", "-"], env={"CLIENT_EXPORT_URL": "https://exports.invalid"})
    assert done.exit_code == Exit.USAGE
    assert "Give a name to write" in " ".join(done.stderr.replace("│", " ").split())
