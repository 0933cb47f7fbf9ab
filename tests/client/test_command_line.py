"""The package of `client/`, also installed as a user installs it, exports from a running service."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from pathlib import Path

import pytest
from client_export import (
    AsyncExportClient,
    AuthenticationError,
    ConflictError,
    ExportClient,
    ExportRequest,
    FileFormat,
    FileMismatchError,
    InvalidRequestError,
    NotFoundError,
)
from client_export.frames import to_pandas, to_polars

from tests.client.conftest import installed, run
from tests.support.system import NORTHWIND, NORTHWIND_KEY, System

CODES = ExportRequest(columns=[("Client code", "Code"), ("Name", "Name")])


def test_the_installed_command_exports_to_a_proved_file(program: Path, system: System, tmp_path: Path) -> None:
    file, manifest = tmp_path / "clients.csv", tmp_path / "manifest.json"
    options = ["--columns", "Client=Code,Status", "--where", "status=Active", "--format", "excelEu", "--json"]
    started = installed(program, system, "start", *options, "-o", file)
    assert started.returncode == 0, started.stderr
    job = json.loads(started.stdout)
    assert job["verification"]["proved"]
    assert job["verification"]["rows"] == job["totalItems"] > 0
    assert file.read_bytes().startswith(b"\xef\xbb\xbfClient;Status\r\n")

    assert json.loads(installed(program, system, "status", job["code"], "--json").stdout)["status"] == "Completed"
    assert job["code"] in installed(program, system, "list", "--status", "Completed", "--limit", "100").stdout
    again = installed(program, system, "download", job["code"], "-o", tmp_path / "again.csv", "--manifest", manifest)
    assert again.returncode == 0, again.stderr
    assert installed(program, system, "verify", file, "--manifest", manifest).returncode == 0
    file.write_bytes(file.read_bytes().replace(b"Active", b"Actual", 1))
    assert installed(program, system, "verify", file, "--code", job["code"]).returncode == 9


def test_exit_codes_say_what_went_wrong(system: System) -> None:
    assert run(system, "status", "0" * 26).returncode == 5
    assert run(system, "list", CLIENT_EXPORT_KEY="wrong").returncode == 4
    assert run(system, "start", "--where", "colour=red").returncode == 2
    refused = run(system, "start", "--columns", "Nmae", "--json")
    assert refused.returncode == 3
    assert refused.stdout == ""
    error = json.loads(refused.stderr)["error"]
    assert (error["status"], error["code"], error["exitCode"]) == (400, "invalid-request", 3)
    (fault,) = error["errors"]
    assert (fault["pointer"], fault["code"]) == ("/columnMappings/0/targetField", "misspelt-value")
    assert fault["values"]["near"] == "Name"


def test_a_login_is_saved_for_its_owner_only_and_works(system: System, tmp_path: Path) -> None:
    config = tmp_path / "profiles.json"
    login = run(system, "login", "--tenant", NORTHWIND, "--url", system.url, CLIENT_EXPORT_CONFIG=str(config))
    assert login.returncode == 0, login.stderr
    assert config.stat().st_mode & 0o777 == 0o600
    unset = {"CLIENT_EXPORT_URL": "", "CLIENT_EXPORT_KEY": "", "CLIENT_EXPORT_CONFIG": str(config)}
    assert run(system, "estimate", **unset).returncode == 0
    assert "limited-company-clients" in run(system, "mappings", "list", **unset).stdout
    assert run(system, "schedules", "list", **unset).returncode == 0


def test_an_interrupted_download_continues_and_damage_is_read_again(client: ExportClient, tmp_path: Path) -> None:
    job = client.wait(client.start(CODES).code)
    whole = client.download(job.code, tmp_path / "whole.csv").path.read_bytes()
    for left in (whole[: len(whole) // 2], b"damaged" + whole[7:]):
        (tmp_path / f".clients.csv.{job.code}.part").write_bytes(left)
        found = client.download(job.code, tmp_path / "clients.csv")
        assert found.path.read_bytes() == whole
        assert found.verification.rows == job.total_items
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clients.csv", "whole.csv"]
    (tmp_path / "clients.csv").write_bytes(whole[:-1])
    with pytest.raises(FileMismatchError, match="ends after"):
        client.verify(tmp_path / "clients.csv", job.code)


@pytest.mark.parametrize(
    "file_format",
    [
        FileFormat(compression="gzip"),
        FileFormat(preset="xlsx"),
        FileFormat(preset="jsonl"),
        FileFormat(preset="jsonl", compression="gzip"),
    ],
)
def test_a_file_of_every_kind_is_proved_too(client: ExportClient, tmp_path: Path, file_format: FileFormat) -> None:
    request = ExportRequest(columns=["Code", "Name"], format=file_format)
    found = client.export_to(tmp_path, request).verification
    assert found.rows == client.estimate(request).rows
    assert found.is_proved


def cancelled_export(client: ExportClient) -> str:
    """Return the code of an export that was cancelled while it ran; one that ends earlier is not counted."""
    for _ in range(10):
        code = client.start(wait_seconds=0).code
        with contextlib.suppress(ConflictError):
            assert client.cancel(code).status == "Cancelled"
            return code
    pytest.fail("ten exports have ended before they could be cancelled")


def test_a_cancelled_export_is_resumed_and_watched_to_its_file(
    system: System, client: ExportClient, tmp_path: Path
) -> None:
    code = cancelled_export(client)
    assert json.loads(run(system, "cancel", code, "--json").stdout)["status"] == "Cancelled"
    assert run(system, "watch", code).returncode == 8

    resumed = run(system, "resume", code, "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["code"] == code
    watched = run(system, "watch", code, "-o", tmp_path / "clients.csv", "--json")
    assert watched.returncode == 0, watched.stderr
    assert json.loads(watched.stdout)["verification"]["proved"]
    assert run(system, "resume", code).returncode == run(system, "cancel", code).returncode == 3


def test_every_option_of_a_start_reaches_the_service(system: System, tmp_path: Path) -> None:
    file = tmp_path / "clients.txt"
    options = "--columns Code --delimiter bar --line-ending lf --byte-order-mark --quoting all --no-formula-guard"
    done = run(system, "start", *options.split(), "--file-name", "ours", "--no-headers", "-o", file)
    assert done.returncode == 0, done.stderr
    assert re.match(rb'\xef\xbb\xbf"[^"]+"\n"', file.read_bytes())
    refused = run(system, "start", "--format", "xlsx", "--long-cells", "never", "--json")
    assert json.loads(refused.stderr)["error"]["errors"][0]["pointer"] == "/format/longCells"
    assert run(system, "start", "--format", "xlsx", "--long-cells", "fail", "--wait").returncode == 0


def test_the_receivers_of_an_email_are_sent_with_the_request(system: System) -> None:
    addresses = ("--email", "a@example.com", "--email", "b@example.com")
    refused = run(system, "start", *addresses, "--json")
    (fault,) = json.loads(refused.stderr)["error"]["errors"]
    assert (fault["pointer"], "EXPORT_SMTP_HOST" in fault["detail"]) == ("/notify/email", True)
    assert ExportRequest(emails=["a@example.com"]).body()["notify"] == {"email": ["a@example.com"]}


def test_errors_carry_the_problem(client: ExportClient, system: System) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        client.start(ExportRequest(columns=["Nmae"]))
    assert (refused.value.code, refused.value.pointers) == ("invalid-request", ("/columnMappings/0/targetField",))
    with pytest.raises(NotFoundError):
        client.status("0" * 26)
    with ExportClient(system.url, key="wrong") as stranger, pytest.raises(AuthenticationError):
        stranger.estimate()


def test_the_asynchronous_client_exports_the_same_file(client: ExportClient, system: System, tmp_path: Path) -> None:
    async def export() -> bytes:
        async with AsyncExportClient(system.url, key=NORTHWIND_KEY) as opened:
            found = await opened.export_to(tmp_path / "async.csv", CODES)
            assert [job async for job in opened.list(statuses=["Completed"])]
            return found.path.read_bytes()

    assert asyncio.run(export()) == client.export_to(tmp_path / "sync.csv", CODES).path.read_bytes()


def test_data_frames_hold_every_client_as_text(client: ExportClient) -> None:
    rows = client.estimate(CODES).rows
    frame, other = to_pandas(client, CODES), to_polars(client, CODES)
    assert len(frame) == other.height == rows
    assert list(frame["Client code"]) == other["Client code"].to_list()
