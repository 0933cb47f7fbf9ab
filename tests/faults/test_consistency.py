"""A file stays consistent while clients change during the export, at some thousand changes a second.

No client is in the file twice. Every client that existed throughout is in it once. No row mixes two versions of a
client. All rows of a page are from the same moment, which is not before the export began.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devhost.local.checks import under_ci
from exports.commands.sample.database import create_sample_database
from tests.contract.client_stores import empty_schema
from tests.faults.changing_clients import ChangingClients, Progress
from tests.faults.conftest import StartSystem
from tests.support.expected import records
from tests.support.system import HARBOUR, NORTHWIND, System, download

CLIENTS = 12_000
EXPORTS = 4 if under_ci() else 2
CHANGES_AT_LEAST = 1_000
BODY = {
    "columnMappings": [
        {"csvHeader": "Code", "targetField": "Code"},
        {"csvHeader": "One", "targetField": "InternalReference"},
        {"csvHeader": "Two", "targetField": "Website"},
        {"csvHeader": "Name", "targetField": "Name"},
    ]
}
_log = logging.getLogger(__name__)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A database in write-ahead mode, in which readers and a writer do not wait for each other."""
    path = tmp_path / "changing.sqlite"
    create_sample_database(f"sqlite:///{path}", CLIENTS, (NORTHWIND, HARBOUR), seed=1)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
    connection.close()
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgres_url: str) -> Iterator[str]:
    with empty_schema(postgres_url) as schema:
        url = schema.set(drivername="postgresql").render_as_string(hide_password=False)
        create_sample_database(url, CLIENTS, (NORTHWIND, HARBOUR), seed=1)
        yield schema.render_as_string(hide_password=False)


@dataclass(frozen=True)
class Export:
    """One export, and the progress of the writer when it began and ended."""

    job: Any
    rows: list[tuple[str, ...]]
    starts: list[str]
    before: Progress
    after: Progress

    def page_of(self, code: str) -> int:
        return bisect_right(self.starts, code)


def export(system: System, clients: ChangingClients) -> Export:
    before = clients.done
    location = system.start_async(BODY)
    job = system.wait(location)
    assert job["status"] == "Completed", job
    manifest = system.call("GET", f"{location}/manifest").json
    starts = [page["start"] for page in manifest["pages"][1:]]
    return Export(job, records(download(job))[1:], starts, before, clients.done)


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite_url", pytest.param("postgresql_url", marks=pytest.mark.thorough)])
def test_a_file_is_consistent_while_clients_change(
    start_system: StartSystem, database: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(database)
    system = start_system(CLIENTS_DATABASE_URL=url, EXPORT_BLOCK_BYTES="1024", EXPORT_WAVE_PAGES="3")

    with ChangingClients(url) as clients:
        began = time.monotonic()
        exports = [export(system, clients) for _ in range(EXPORTS)]
        seconds = time.monotonic() - began

    during = [each.after.changes - each.before.changes for each in exports]
    _log.info("%s: %d changes in %.1f s, during exports %s", database, clients.done.changes, seconds, during)
    assert sum(during) >= CHANGES_AT_LEAST
    assert min(during) > 0
    for each in exports:
        for check in CHECKS:
            check(each, clients)


def keys_are_unique(export: Export, _clients: ChangingClients) -> None:
    codes = [code for code, *_ in export.rows]
    assert len(codes) == len(set(codes))


def lasting_clients_are_in_the_file(export: Export, clients: ChangingClients) -> None:
    assert clients.lasting <= {code for code, *_ in export.rows}


def rows_are_of_one_version(export: Export, _clients: ChangingClients) -> None:
    """Both columns of a row have the value of the same transaction."""
    assert [row for row in export.rows if row[1] != row[2]] == []


def rows_are_of_the_time_of_the_export(export: Export, clients: ChangingClients) -> None:
    """No row is older than the beginning of the export, and none is newer than its end."""
    newest = export.after.value + 1  # a transaction may be committed but not yet counted
    seen = {code: int(value) for code, value, *_ in export.rows}
    assert [code for code in clients.lasting if seen[code] < export.before.values.get(code, 0)] == []
    assert max(seen.values()) <= newest


def pages_are_snapshots(export: Export, clients: ChangingClients) -> None:
    """The clients of a pair have the same value, unless a page ends between them."""
    seen = {code: value for code, value, *_ in export.rows}
    torn = [(a, b) for a, b in clients.pairs if seen[a] != seen[b]]
    assert all(export.page_of(a) != export.page_of(b) for a, b in torn), torn


def counts_agree(export: Export, _clients: ChangingClients) -> None:
    assert export.job["processedItems"] == export.job["totalItems"] == len(export.rows)
    assert len(export.starts) > 10, "the pages of this test must be small"


CHECKS: tuple[Callable[[Export, ChangingClients], None], ...] = (
    keys_are_unique,
    lasting_clients_are_in_the_file,
    rows_are_of_one_version,
    rows_are_of_the_time_of_the_export,
    pages_are_snapshots,
    counts_agree,
)
