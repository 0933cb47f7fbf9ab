"""A SQLite file that is replaced, or whose view changes, is read at once, and no file mixes the old and the new."""

from __future__ import annotations

import csv
import io
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from exports.request.fields import VIEW_COLUMNS
from tests.faults.conftest import StartSystem, app_variant
from tests.support.system import System, download

BODY = {"columnMappings": [{"csvHeader": field, "targetField": field} for field in ("Code", "Name", "Email")]}


def _replace(path: Path, folder: Path) -> None:
    newer = folder / "newer.sqlite"
    shutil.copyfile(path, newer)
    with closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("UPDATE client_records SET name = 'NEW'")
    newer.replace(path)


def _leave_out(path: Path, column: str) -> None:
    names = ", ".join(name for name in VIEW_COLUMNS if name != column)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(
            f"BEGIN IMMEDIATE; DROP VIEW clients; CREATE VIEW clients AS SELECT {names} FROM client_records; COMMIT;"
        )


@pytest.fixture
def slow_job(start_system: StartSystem, tmp_path: Path, database_url: str) -> tuple[System, Any, Path]:
    """A job that is writing its pages, slowly, and the file of its clients."""
    path = tmp_path / "clients.sqlite"
    shutil.copyfile(database_url.removeprefix("sqlite:///"), path)
    log = tmp_path / "pages"
    log.touch()
    root, settings = app_variant(tmp_path / "app", "app_with_slow_pages.py")
    changes = {"CLIENTS_DATABASE_URL": f"sqlite:///{path}", "PAGE_LOG": str(log), "PAGE_SECONDS": "0.3"}
    system = start_system(root, **settings, **changes)
    job = system.start_async(BODY)
    system.wait_until(log.read_text)
    return system, job, path


def _resume(system: System, job: Any) -> Any:
    """Require that the job failed because its source was replaced, and resume it."""
    failed = system.wait(job)
    assert (failed["status"], failed["failure"]["code"]) == ("Failed", "source-replaced")
    assert failed["failure"]["resumable"]
    response = system.call("POST", f"/tenants/northwind/clients/export/csv/{failed['code']}/resume")
    assert response.status in (200, 201, 202)
    return system.wait(job)


def _clients(job: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(download(job).decode(), newline="")))[1:]


def test_a_file_replaced_during_a_job_fails_it_and_a_resume_reads_all_anew(
    slow_job: tuple[System, Any, Path], tmp_path: Path
) -> None:
    system, job, path = slow_job
    _replace(path, tmp_path)

    resumed = _resume(system, job)

    assert resumed["status"] == "Completed"
    assert {name for _, name, _ in _clients(resumed)} == {"NEW"}


@pytest.mark.thorough
def test_a_column_lost_during_a_job_fails_it_and_a_resume_reads_all_anew(
    slow_job: tuple[System, Any, Path],
) -> None:
    system, job, path = slow_job
    _leave_out(path, "email")

    resumed = _resume(system, job)

    manifest = system.call("GET", f"/tenants/northwind/clients/export/csv/{resumed['code']}/manifest").json
    assert resumed["status"] == "Completed"
    assert {email for _, _, email in _clients(resumed)} == {""}
    assert [column["targetField"] for column in manifest["incompleteColumns"]] == ["Email"]
