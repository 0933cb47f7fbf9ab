"""What was downloaded is held against its manifest, as a user would: over HTTP, with the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exports import __main__ as commands
from exports.request.formats import FormatPreset
from tests.support.system import NORTHWIND, System, download


def _saved(system: System, directory: Path, body: Any) -> tuple[Any, Path, Path]:
    """Export; the job, its file and its manifest as downloaded."""
    location = system.start_async(body)
    job = system.wait(location)
    assert job["status"] == "Completed", job
    file, manifest = directory / job["fileName"], directory / "manifest.json"
    file.write_bytes(download(job))
    manifest.write_bytes(system.call("GET", f"{location}/manifest").body)
    return job, file, manifest


@pytest.mark.parametrize("preset", list(FormatPreset))
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_download_of_every_format_is_proved_and_a_changed_one_is_not(
    system: System, tmp_path: Path, capsys: pytest.CaptureFixture[str], preset: FormatPreset, compression: str
) -> None:
    body = {"format": {"preset": preset.value, "compression": compression}}
    job, file, manifest = _saved(system, tmp_path, body)

    assert commands.main(["verify", str(file), str(manifest)]) == 0
    assert "clients     4,500 of 4,500" in capsys.readouterr().out

    data = file.read_bytes()
    middle = len(data) // 2
    file.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    assert commands.main(["verify", str(file), str(manifest)]) == 1
    told = capsys.readouterr().out
    assert "is the first that is wrong" in told
    assert "Every page after it is right." in told
    assert job["code"] in told


def test_by_job_code_the_stored_file_is_proved(
    system: System, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job, file, _ = _saved(system, tmp_path, {"format": {"compression": "gzip"}})
    of_the_job = ["verify", "--tenant", NORTHWIND, "--code", job["code"], "--storage", system.storage]

    assert commands.main(of_the_job) == 0
    assert capsys.readouterr().out.startswith(f"{job['fileName']}: proved")

    assert commands.main([*of_the_job, str(file)]) == 0
    file.write_bytes(file.read_bytes()[:-100])
    assert commands.main([*of_the_job, str(file)]) == 1
    assert "cut off" in capsys.readouterr().out


def test_a_code_of_another_tenant_is_no_job(system: System, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job, _, _ = _saved(system, tmp_path, {})
    asked = ["--tenant", "harbour", "--code", job["code"], "--storage", system.storage]

    assert commands.main(["verify", *asked]) == 2
    assert "no such job" in capsys.readouterr().err
