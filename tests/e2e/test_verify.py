"""A downloaded file is verified with its manifest, as a user does it: both over HTTP, then with the command."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from exports import __main__ as commands
from exports.request.formats import FormatPreset
from tests.support.csv_presets import CSV_PRESETS
from tests.support.system import NORTHWIND, System, download


def _saved(system: System, directory: Path, body: Any) -> tuple[Any, Path, Path]:
    """Run an export; return the job, and the downloaded file and manifest."""
    location = system.start_async(body)
    job = system.wait(location)
    assert job["status"] == "Completed", job
    file, manifest = directory / job["fileName"], directory / "manifest.json"
    file.write_bytes(download(job))
    manifest.write_bytes(system.call("GET", f"{location}/manifest").body)
    return job, file, manifest


@pytest.mark.parametrize(
    ("preset", "compression"),
    [
        *product((FormatPreset.XLSX, *CSV_PRESETS, FormatPreset.JSONL), ["none"]),
        (CSV_PRESETS[0], "gzip"),
        *(
            pytest.param(preset, "gzip", marks=pytest.mark.thorough)
            for preset in (*CSV_PRESETS[1:], FormatPreset.JSONL)
        ),
    ],
)
def test_a_download_of_every_format_is_verified_and_a_changed_one_is_not(
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
    output = capsys.readouterr().out
    assert "is the first that is wrong" in output
    assert "Every page after it is right." in output
    assert job["code"] in output


def test_the_stored_file_of_a_job_code_is_verified(
    system: System, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job, file, _ = _saved(system, tmp_path, {"format": {"compression": "gzip"}})
    command = ["verify", "--tenant", NORTHWIND, "--code", job["code"], "--storage", system.storage]

    assert commands.main(command) == 0
    assert capsys.readouterr().out.startswith(f"{job['fileName']}: proved")

    assert commands.main([*command, str(file)]) == 0
    file.write_bytes(file.read_bytes()[:-100])
    assert commands.main([*command, str(file)]) == 1
    assert "cut off" in capsys.readouterr().out


def test_a_job_code_of_another_tenant_is_not_found(
    system: System, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job, _, _ = _saved(system, tmp_path, {})
    arguments = ["--tenant", "harbour", "--code", job["code"], "--storage", system.storage]

    assert commands.main(["verify", *arguments]) == 2
    assert "no such job" in capsys.readouterr().err
