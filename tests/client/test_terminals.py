"""Names, texts and problems of a service reach a terminal without what the terminal would obey."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import httpx
import pytest
from client_export import ExportClient
from client_export.cli import context
from client_export.cli.main import app
from client_export.cli.profiles import Profile
from rich.console import Console
from typer.testing import CliRunner

from devhost.local.paths import ROOT

EVIL = "a\x1b[2J\x1b]0;b\x07\x9b31m\x7f\r\u202e\ud800ü"
CLIENT = str(ROOT / "client" / "src")
KNOWN = {"CLIENT_EXPORT_URL": "https://exports.example", "CLIENT_EXPORT_KEY": "k"}
JOB = {"code": EVIL, "status": "Failed", "createdDate": "2026-01-02T03:04:05Z", "fileName": EVIL, "createdBy": EVIL}
FAILURE = {"failure": {"code": EVIL, "message": EVIL, "retryable": False, "resumable": False}}
KEY = {"code": EVIL, "name": EVIL, "tenants": [EVIL], "scopes": [EVIL], "state": EVIL}
PREVIEW = {
    "columns": [{"csvHeader": EVIL, "targetField": "Name"}],
    "rows": [[EVIL]],
    "totalItems": 1,
    "warnings": [{"code": "w", "message": EVIL, "columns": [EVIL]}],
    "omittedFields": [EVIL],
    "text": EVIL,
}
PROBLEM = {
    "code": "invalid-request",
    "title": EVIL,
    "detail": EVIL,
    "errors": [{"pointer": EVIL, "detail": EVIL, "code": EVIL, "values": {"name": EVIL}}],
    "requestId": EVIL,
}
COMMANDS: dict[str, tuple[int, Any]] = {
    "status c": (200, JOB | FAILURE),
    "watch c": (200, JOB | FAILURE),
    "list": (200, {"data": [JOB], "hasMore": False, "continuationToken": None}),
    "preview": (200, PREVIEW),
    "keys create --name n": (201, KEY | {"key": EVIL}),
    "keys list": (200, {"data": [KEY]}),
    "keys revoke c": (200, KEY),
    "cancel c": (400, PROBLEM),
}


def shown(command: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Return what a command prints and says."""
    status, document = COMMANDS[command.removesuffix(" --json")]
    content = json.dumps(document).encode()
    http = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(status, content=content)))
    opened = ExportClient("https://exports.example", key="k", tenant="t", http=http)
    monkeypatch.setattr(Profile, "open", lambda profile: opened)
    done = CliRunner().invoke(app, command.split(), env=KNOWN)
    assert done.exit_code in (0, 3, 7), done.output
    return done.stdout, done.stderr


@pytest.mark.parametrize("is_terminal", [True, False], ids=["terminal", "pipe"])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_lets_text_of_the_service_rule_the_terminal(
    command: str, is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def console(**options: Any) -> Console:
        return Console(force_terminal=is_terminal, no_color=True, color_system=None, width=500, **options)

    monkeypatch.setenv("TERM", "dumb")  # without a bar, which moves the cursor
    monkeypatch.setattr(context, "Console", console)
    text = "".join(shown(command, monkeypatch))
    assert "a" in text
    assert {letter for letter in text if not letter.isprintable()} <= {"\n", "\t"}


@pytest.mark.parametrize("command", COMMANDS)
def test_with_json_every_character_arrives_and_none_rules_the_terminal(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, told = shown(f"{command} --json", monkeypatch)
    _, document = COMMANDS[command]
    assert {letter for letter in out + told if not letter.isprintable()} <= {"\n"}
    assert "ü" in out + told
    if out:
        assert json.loads(out) == document.get("data", document)
    else:
        assert json.loads(told)["error"]["detail"] == EVIL


SHOWS = """
import httpx, sys
from client_export import ExportClient
from client_export.cli.main import app
from client_export.cli.profiles import Profile

job = {"code": "c", "status": "Completed", "createdDate": "2026-01-02T03:04:05Z"}
job["createdBy"] = "\u00e9 \u65e5 \U0001f600"
transport = httpx.MockTransport(lambda _: httpx.Response(200, json=job))
http = httpx.Client(transport=transport)
client = ExportClient("https://exports.example", key="k", tenant="t", http=http)
Profile.open = lambda profile: client
app(sys.argv[1:])
"""


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_letters_that_a_pipe_cannot_encode_are_escaped_and_never_end_a_command(encoding: str) -> None:
    def shown_by(*options: str) -> bytes:
        variables = {**os.environ, **KNOWN, "PYTHONPATH": CLIENT, "PYTHONIOENCODING": encoding}
        command = [sys.executable, "-c", SHOWS, "status", "c", *options]
        done = subprocess.run(command, capture_output=True, env=variables, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout

    assert json.loads(shown_by("--json").decode("utf-8"))["createdBy"] == "é 日 😀"
    line = next(line for line in shown_by().decode(encoding).splitlines() if line.startswith("created by"))
    written = "é 日 😀".encode(encoding, errors="ignore").decode(encoding)
    assert written.strip() in line
    assert ("\\u65e5" in line) == (encoding != "utf-8")
