"""A SQLite file that is replaced is exported at once, and never mixed with the old one within a job."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from tests.faults.conftest import StartSystem, app_variant
from tests.support.system import download

BODY = {"columnMappings": [{"csvHeader": "Code", "targetField": "Code"}, {"csvHeader": "Name", "targetField": "Name"}]}


def _replace(path: Path, folder: Path) -> None:
    newer = folder / "newer.sqlite"
    shutil.copyfile(path, newer)
    with closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("UPDATE client_records SET name = 'NEW'")
    newer.replace(path)


def test_a_file_replaced_during_a_job_fails_it_and_a_resume_reads_all_anew(
    start_system: StartSystem, tmp_path: Path, database_url: str
) -> None:
    path = tmp_path / "clients.sqlite"
    shutil.copyfile(database_url.removeprefix("sqlite:///"), path)
    log = tmp_path / "pages"
    log.touch()
    root, settings = app_variant(tmp_path / "app", "app_with_slow_pages.py")
    changes = {"CLIENTS_DATABASE_URL": f"sqlite:///{path}", "PAGE_LOG": str(log), "PAGE_SECONDS": "0.3"}
    system = start_system(root, **settings, **changes)

    job = system.start_async(BODY)
    end = time.monotonic() + 30
    while not log.read_text() and time.monotonic() < end:
        time.sleep(0.05)
    _replace(path, tmp_path)
    failed = system.wait(job)
    assert (failed["status"], failed["failure"]["code"]) == ("Failed", "source-replaced")
    assert failed["failure"]["resumable"]

    response = system.call("POST", f"/tenants/northwind/clients/export/csv/{failed['code']}/resume")
    assert response.status in (200, 201, 202)
    resumed = system.wait(job)
    names = {line.partition(b",")[2] for line in download(resumed).split(b"\r\n")[1:-1]}
    assert (resumed["status"], names) == ("Completed", {b"NEW"})
