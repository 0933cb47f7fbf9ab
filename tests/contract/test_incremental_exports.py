"""Incremental exports from a real PostgreSQL lose no change while several writers change clients in transactions."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from threading import Event
from typing import Any, cast

import pytest
from sqlalchemy import text

from tests.contract.client_stores import SqlStore, client
from tests.support.builders import a_schedule
from tests.support.fakes import MemoryServices, a_services
from tests.support.schedule_runs import complete_job, download_records, run_due_slot

CLIENTS, WRITERS, RUNS = 300, 6, 14
LONGEST_TRANSACTION_SECONDS, MARGIN_SECONDS = 0.5, 3
"""The margin is longer than any transaction, with time to spare for a busy machine."""
TENANT = "northwind"
CODE_AND_NAME = {
    "columnMappings": [{"csvHeader": "Code", "targetField": "Code"}, {"csvHeader": "Name", "targetField": "Name"}]
}
_CHANGE = text("UPDATE client_records SET name = :name, updated_at = clock_timestamp() WHERE code = :code")


class Writer:
    """Changes its own share of the clients, one at a time. Each transaction stays open for up to half a second.

    Attributes:
        names: The last committed name of every changed client.
    """

    def __init__(self, store: SqlStore, number: int) -> None:
        self._store = store
        self._random = Random(number)
        self._codes = [f"C{code:04d}" for code in range(CLIENTS) if code % WRITERS == number]
        self.names: dict[str, str] = {}
        self.stop = Event()

    def write(self) -> None:
        count = 0
        while not self.stop.is_set():
            count += 1
            code = self._random.choice(self._codes)
            name = f"{code} {count}"
            with self._store.engine.begin() as connection:
                connection.execute(_CHANGE, {"name": name, "code": code})
                time.sleep(self._random.uniform(0, LONGEST_TRANSACTION_SECONDS))
            self.names[code] = name


@pytest.fixture
def services(postgres_store: SqlStore) -> MemoryServices:
    """Build services in memory, with two exceptions: the database of clients and the clock are real."""
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    postgres_store.put(*(client(f"C{n:04d}", TENANT, name="unchanged", updated_at=long_ago) for n in range(CLIENTS)))
    memory = a_services(EXPORT_INCREMENTAL_MARGIN_SECONDS=MARGIN_SECONDS, EXPORT_MAX_JOBS_PER_DAY=1_000)
    real: dict[str, Any] = {"clients": cast("Any", postgres_store.source), "now": lambda: datetime.now(UTC)}
    return replace(memory, **real)


def test_the_files_hold_every_change_and_end_with_the_latest(
    services: MemoryServices, postgres_store: SqlStore
) -> None:
    schedule = a_schedule(tenant=TENANT, incremental=True, request=CODE_AND_NAME)
    services.schedules.create(schedule)
    writers = [Writer(postgres_store, number) for number in range(WRITERS)]
    files: list[list[dict[str, Any]]] = []

    def run() -> None:
        job = run_due_slot(services, schedule.ref)
        complete_job(services, job)
        files.append(download_records(services, job) or [])

    with ThreadPoolExecutor(WRITERS) as pool:
        writing = [pool.submit(writer.write) for writer in writers]
        try:
            for _ in range(RUNS):
                run()
                time.sleep(0.4)
        finally:
            for writer in writers:
                writer.stop.set()
        for each in writing:
            each.result()
    run()

    exported = {row["Code"]: row["Name"] for file in files for row in file}
    expected = {f"C{n:04d}": "unchanged" for n in range(CLIENTS)}
    for writer in writers:
        expected |= writer.names
    assert exported == expected
    assert len(files[0]) == CLIENTS
    changed = sum(len(writer.names) for writer in writers)
    assert 0 < len(files[-1]) < changed < CLIENTS  # only the changes of the last seconds, not all
