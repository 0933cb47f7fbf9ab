"""With `--json`, an answer is on standard output alone, and an error is one line of JSON on the error stream."""

from __future__ import annotations

import hashlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from client_export import ExportClient
from client_export.cli.exits import Exit
from client_export.cli.main import app
from client_export.cli.profiles import Profile
from typer.testing import CliRunner

KNOWN = {"CLIENT_EXPORT_URL": "https://exports.example", "CLIENT_EXPORT_KEY": "k"}
JOB: dict[str, Any] = {"code": "c", "status": "Queued", "createdDate": "2026-01-02T03:04:05Z"}
REFUSED = {"channel": "webhook", "receiver": "https://a/***", "delivered": False, "status": 500, "fault": "No."}

Serve = Callable[[Callable[[httpx.Request], httpx.Response]], None]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Make commands ask a service that answers as a function says."""

    def answer_with(answer: Callable[[httpx.Request], httpx.Response]) -> None:
        http = httpx.Client(transport=httpx.MockTransport(answer))
        opened = ExportClient("https://exports.example", key="k", tenant="t", http=http)
        monkeypatch.setattr(Profile, "open", lambda profile: opened)

    return answer_with


@pytest.mark.parametrize(
    ("command", "answer", "code"),
    [
        (["watch", "c"], JOB | {"status": "Failed"}, Exit.FAILED),
        (["start", "--wait"], JOB | {"status": "Cancelled"}, Exit.CANCELLED),
        (["deliveries", "send", "c"], {"data": [REFUSED]}, Exit.NOT_DELIVERED),
        (["notification-test", "--email", "a@example.com"], {"data": [REFUSED]}, Exit.NOT_DELIVERED),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_answer_without_success_is_on_standard_output(
    serve: Serve, command: list[str], answer: dict[str, Any], code: Exit
) -> None:
    serve(lambda _: httpx.Response(200, json=answer))
    done = CliRunner().invoke(app, [*command, "--json"], env=KNOWN)
    assert (done.exit_code, done.stderr) == (code, "")
    assert json.loads(done.stdout) == answer.get("data", answer)


def test_a_file_that_is_not_proved_is_an_answer_on_standard_output(tmp_path: Path) -> None:
    file, manifest = tmp_path / "clients.csv", tmp_path / "manifest.json"
    file.touch()
    empty = {"rows": 0, "bytes": 0, "sha256": hashlib.sha256().hexdigest()}
    pages = [{"page": 0, "start": None, "stop": "B"} | empty, {"page": 1, "start": "B", "stop": None} | empty]
    request = {"includeHeaders": False}
    document = {"code": "c", "fileName": file.name, "rows": 0, "bytes": 0, "pages": pages, "request": request}
    manifest.write_text(json.dumps(document | {"crc32": "00000000"}))
    done = CliRunner().invoke(app, ["verify", str(file), "--manifest", str(manifest), "--json"])
    assert (done.exit_code, done.stderr) == (Exit.UNPROVED, "")
    assert json.loads(done.stdout)["verification"]["proved"] is False


def test_an_interrupted_wait_is_one_line_for_a_program_and_advice_for_a_person(serve: Serve) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            raise KeyboardInterrupt
        return httpx.Response(202, json=JOB)

    serve(answer)
    told = CliRunner().invoke(app, ["start", "--wait"], env=KNOWN)
    as_json = CliRunner().invoke(app, ["start", "--wait", "--json"], env=KNOWN)

    assert told.exit_code == as_json.exit_code == Exit.INTERRUPTED
    assert "client-export watch c" in " ".join(told.stderr.split())
    assert as_json.stdout == ""
    assert as_json.stderr == '{"error": {"message": "Interrupted.", "exitCode": 130}}\n'


LOGIN = """
import fcntl, termios
from client_export.cli.main import main
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
main()
"""
"""Runs the command on a terminal of its own, so that a key typed there reaches it as a signal or as an end."""


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["for a person", "for a program"])
@pytest.mark.parametrize("typed", [b"\x03", b"\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_a_login_that_is_given_up_at_its_prompt_ends_as_interrupted(typed: bytes, options: list[str]) -> None:
    terminal, stdin = os.openpty()
    variables = {**os.environ, "CLIENT_EXPORT_KEY": "", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", LOGIN, "login", "--url", "http://127.0.0.1:9", *options]
    try:
        with subprocess.Popen(
            command, stdin=stdin, stdout=-1, stderr=-1, start_new_session=True, env=variables, text=True
        ) as login:
            try:
                assert select.select([terminal], [], [], 60)[0], "no prompt"
                os.write(terminal, typed)
                out, told = login.communicate(timeout=60)
            finally:
                login.kill()
    finally:
        os.close(terminal)
        os.close(stdin)

    assert (login.returncode, out) == (Exit.INTERRUPTED, "")
    assert "Traceback" not in told
    last = told.splitlines()[-1]
    assert last == ('{"error": {"message": "Interrupted.", "exitCode": 130}}' if options else "Interrupted.")
