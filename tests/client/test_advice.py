"""What the command line says about wrong input: what to change there, not only what the service answered."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from client_export import ExportClient
from client_export.cli.exits import Exit
from client_export.cli.main import app
from client_export.cli.profiles import Profile
from client_export.errors import Fault, Problem, error_of
from typer.testing import CliRunner

from devhost.local.paths import ROOT

CLIENT = ROOT / "client" / "src"
KNOWN = {"CLIENT_EXPORT_URL": "https://exports.example", "CLIENT_EXPORT_KEY": "k", "CLIENT_EXPORT_TENANT": "t"}
WIDE = {"COLUMNS": "200", "TERMINAL_WIDTH": "200"}
MANIFEST: dict[str, Any] = {
    "code": "c",
    "tenant": "t",
    "fileName": "clients.csv",
    "rows": 0,
    "bytes": 0,
    "pages": [
        {"page": 0, "start": None, "stop": None, "rows": 0, "bytes": 0, "sha256": hashlib.sha256().hexdigest()},
    ],
    "request": {"includeHeaders": False},
}


def run(*command: str | Path, **more: Any) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*map(str, command)], env=KNOWN | WIDE, **more)
    return done.exit_code, done.stderr


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [(401, "invalid-api-key", "client-export login"), (400, "tenant-required", "--tenant")],
)
def test_a_refusal_says_what_to_change_on_the_command_line(
    monkeypatch: pytest.MonkeyPatch, status: int, code: str, advice: str
) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json={"status": status, "code": code, "title": "No", "detail": "Because."})

    http = httpx.Client(transport=httpx.MockTransport(refuse))
    opened = ExportClient("https://exports.example", key="k", tenant="t", http=http)
    monkeypatch.setattr(Profile, "open", lambda profile: opened)
    exit_code, text = run("list")
    assert exit_code in (Exit.NOT_ALLOWED, Exit.REFUSED)
    assert "Because." in text
    assert advice in text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04\xa6", "not text in UTF-8"),
        (b"Code;Name", "is not JSON"),
        (b"[]", "not a manifest"),
        (json.dumps(MANIFEST | {"rows": 7}).encode(), "contradicts itself"),
    ],
    ids=["a workbook", "a CSV file", "other JSON", "other totals"],
)
def test_what_is_no_manifest_is_a_wrong_option_and_says_nothing_about_the_file(
    tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "m").write_bytes(content)
    (tmp_path / "clients.csv").write_bytes(b"")
    exit_code, text = run("verify", tmp_path / "clients.csv", "--manifest", tmp_path / "m")
    assert exit_code == Exit.USAGE
    assert words in " ".join(text.split())


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_a_manifest_that_a_windows_program_saved_is_read(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "m").write_bytes(mark + json.dumps(MANIFEST).encode())
    (tmp_path / "clients.csv").write_bytes(b"more than nothing")
    exit_code, text = run("verify", tmp_path / "clients.csv", "--manifest", tmp_path / "m")
    assert exit_code == Exit.WRONG_FILE, text


@pytest.mark.parametrize("columns", ["Name=", "=Name", "Name,", "="])
def test_a_column_without_its_field_or_header_is_refused_before_the_request(columns: str) -> None:
    exit_code, text = run("start", "--columns", columns)
    assert exit_code == Exit.USAGE
    assert "is not a column" in text


def test_a_reader_that_wants_no_more_of_the_output_is_no_error(tmp_path: Path) -> None:
    profiles = {f"profile{number}": {"url": "https://exports.example", "key": "k"} for number in range(20_000)}
    (tmp_path / "profiles.json").write_text(json.dumps({"profiles": profiles}))
    (tmp_path / "profiles.json").chmod(0o600)
    command = f"{shlex.quote(sys.executable)} -m client_export profiles | head -n 1"
    env = {**os.environ, "CLIENT_EXPORT_CONFIG": str(tmp_path / "profiles.json"), "PYTHONPATH": str(CLIENT)}
    done = subprocess.run(["sh", "-c", command], env=env, capture_output=True, text=True, check=True)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_json_keeps_the_answer_of_the_service_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    problem: Mapping[str, Any] = {"status": 401, "code": "invalid-api-key", "title": "No", "detail": "Because."}
    http = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(401, json=problem)))
    opened = ExportClient("https://exports.example", key="k", tenant="t", http=http)
    monkeypatch.setattr(Profile, "open", lambda profile: opened)
    _, text = run("list", "--json")
    assert json.loads(text)["error"]["message"] == "Because."


SAID = [
    ((404, "There is no such export", "There is no export with this code."), "There is no export with this code."),
    ((502, "HTTP 502", "The service answered with HTTP 502."), "The service answered with HTTP 502."),
    ((500, "The service failed", "Try again."), "The service failed: Try again."),
]


@pytest.mark.parametrize(("told", "message"), SAID, ids=["a refusal", "no answer of the service", "a failure"])
def test_an_error_says_only_once_what_is_wrong(told: tuple[int, str, str], message: str) -> None:
    status, title, detail = told
    assert str(error_of(Problem(status, "a-code", title, detail))) == message


def test_an_error_with_faults_says_what_they_are_about() -> None:
    fault = Fault("/name", "This must not be empty.")
    error = error_of(Problem(400, "invalid-request", "The request is not valid", "1 fault.", (fault,)))
    assert str(error) == "The request is not valid: 1 fault.\n  /name: This must not be empty."


EMPTY = {
    "status ''": "code",
    "mappings delete ''": "code",
    "--tenant '' list": "--tenant",
    "schedules save --code '' --cron '0 1 * * *'": "--code",
    "verify clients.csv --code ''": "--code",
    "start --idempotency-key ''": "--idempotency-key",
    "start --output ''": "--output",
    "download c --manifest=": "--manifest",
    "verify '' --manifest m": "file",
    "--token '' me": "--token",
}


@pytest.mark.parametrize(("command", "place"), EMPTY.items(), ids=EMPTY)
def test_a_variable_that_is_not_set_is_told_instead_of_asking_for_something_else(command: str, place: str) -> None:
    exit_code, text = run(*shlex.split(command))
    assert exit_code == Exit.USAGE
    assert f"'{place}'" in text
    assert "This is empty. Perhaps a variable is not set." in text


@pytest.mark.parametrize("key", [" ", "é", "a\nb", "k" * 256])
def test_an_idempotency_key_that_no_service_takes_is_refused_before_the_request(key: str) -> None:
    exit_code, text = run("start", "--idempotency-key", key)
    assert exit_code == Exit.USAGE
    assert "1 to 255 visible ASCII characters" in text
    with ExportClient("https://exports.example", key="k") as client:
        with pytest.raises(ValueError, match="visible ASCII"):
            client.start(idempotency_key=key)
        with pytest.raises(ValueError, match="visible ASCII"):
            client.create_key("Nightly import", idempotency_key=key)


def test_a_path_without_a_code_is_never_asked_for() -> None:
    with ExportClient("https://exports.example", key="k") as client, pytest.raises(ValueError, match="empty"):
        client.cancel("")
