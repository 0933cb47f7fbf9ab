"""Records histories of the running system: `python -m tests.replay.record VERSION`, once for each released shape.

The files in `tests/replay/histories/VERSION/` are never changed afterwards. They stand for the jobs that are running
while a new version is deployed.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.conftest import app_variant
from tests.support.receiver import a_receiver
from tests.support.system import NORTHWIND, System, app_settings, sample_database, start_storage

NOTIFYING = {
    "EXPORT_WEBHOOK_SECRET": "a-secret-of-recordings-of-32-characters",
    "EXPORT_WEBHOOK_ALLOW_PRIVATE": "true",
    "EXPORT_WEBHOOK_RETRY_SECONDS": "0.1 0.2",
}
IN_WAVES = {"EXPORT_BLOCK_BYTES": "65536", "EXPORT_WAVE_PAGES": "4"}
POISON = {"poison": [NORTHWIND, 5]}
HISTORIES = Path(__file__).with_name("histories")


def main(version: str) -> None:
    """Run each scenario on a fresh system and save the histories of all its instances."""
    directory = HISTORIES / version
    directory.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        storage = start_storage(work / "azurite")
        try:
            database = sample_database(work, 6_000)
            nowhere = "postgresql://nobody:nothing@127.0.0.1:1/clients"
            for name, changes in {
                "small": {},
                "one-wave": {"EXPORT_BLOCK_BYTES": "1048576"},
                "three-waves": IN_WAVES,
                "source-down": {"CLIENTS_DATABASE_URL": nowhere, "EXPORT_RETRY_TRIES": "3"},
            }.items():
                settings = app_settings(storage.connection_string, database, **changes)
                save(directory / f"{name}.json", record(System(work / name, settings)))
            settings = app_settings(storage.connection_string, database, **NOTIFYING)
            save(directory / "notified.json", record_notified(System(work / "notified", settings)))
            settings = app_settings(storage.connection_string, database, **IN_WAVES)
            save(
                directory / "throttled.json", record_throttled(work / "slowed", settings, {"throttle": 4 + 2, **POISON})
            )
            settings = app_settings(storage.connection_string, database)
            save(directory / "small-throttled.json", record_throttled(work / "slowed-small", settings, {"throttle": 1}))
            settings = app_settings(storage.connection_string, database, **IN_WAVES)
            save(directory / "pages-lost.json", record_lost(work, settings))
            record_snapshots(work, app_settings(storage.connection_string, database), directory)
        finally:
            storage.stop()


def record_snapshots(work: Path, settings: dict[str, str], directory: Path) -> None:
    """Record two exports of a snapshot: nothing disturbs the one, and the workers of the other are killed."""
    body = {"consistency": "snapshot"}

    def until_recorded() -> None:
        time.sleep(3)  # the step ends the job before its outcome is in the history

    save(directory / "snapshot.json", record(System(work / "snapshot", settings), body, until_recorded))
    root, slow = app_variant(work / "slow-snapshots", "app_with_slow_snapshots.py")
    system = System(work / "snapshot-lost", {**settings, **IN_WAVES, **slow, "PAGE_SECONDS": "1"}, root)
    save(directory / "snapshot-lost.json", record(system, body, until_recorded, kill_workers))


def kill_workers(system: System, location: str) -> None:
    """Kill both workers once a part of the clients is read: one of them holds the snapshot."""
    system.wait(location, lambda job: bool(job["processedItems"]))
    system.kill_all_workers()


def save(file: Path, histories: list[dict[str, Any]]) -> None:
    file.write_text(json.dumps(histories, indent=1) + "\n", encoding="utf-8")


def record(
    system: System,
    body: Any = None,
    until: Callable[[], object] = lambda: None,
    during: Callable[[System, str], object] = lambda system, location: None,
) -> list[dict[str, Any]]:
    """Run one export. Return the orchestrator, id and history of each of its instances.

    Args:
        until: Runs after the end of the export.
        during: Runs after its start, with the address of its job.
    """
    system.directory.mkdir()
    try:
        system.start()
        system.wait_for_any_response()
        location = system.start_async(body, NORTHWIND)
        during(system, location)
        system.wait(location)
        until()
    finally:
        system.stop()
    return read_histories(system.directory / "devhost.sqlite")


def record_lost(work: Path, settings: dict[str, str]) -> list[dict[str, Any]]:
    """Run one export whose blocks are lost just before they would be published."""
    root, variant_settings = app_variant(work / "losing", "app_with_lost_blocks.py")
    return record(System(work / "lost", settings | variant_settings, root))


def record_throttled(work: Path, settings: dict[str, str], faults: dict[str, Any]) -> list[dict[str, Any]]:
    """Run one export whose source throttles the first pages. It may have a page that is rejected in the end."""
    work.mkdir()
    root, variant_settings = app_variant(work / "app", "app_with_bad_pages.py")
    bad_pages = work / "bad-pages.json"
    bad_pages.write_text(json.dumps(faults), encoding="utf-8")
    poisoned = {"BAD_PAGES": str(bad_pages), "EXPORT_RETRY_TRIES": "2", "DEVHOST_POISON_DEATHS": "1"}
    return record(System(work / "throttled", settings | variant_settings | poisoned, root))


def record_notified(system: System) -> list[dict[str, Any]]:
    """Run one export whose webhook receiver answers 503, then 500, then accepts the webhook."""

    def until_accepted() -> None:
        receiver.wait_for(3)
        time.sleep(1)  # until the outcome is in the history

    with a_receiver() as receiver:
        receiver.statuses, receiver.headers = [503, 500], {"Retry-After": "1"}
        return record(system, {"notify": {"webhookUrl": receiver.url}}, until_accepted)


def read_histories(state: Path) -> list[dict[str, Any]]:
    """Read the histories that devhost stores: the events in the form in which the SDK receives them."""
    connection = sqlite3.connect(state)
    try:
        instances = connection.execute("SELECT id, name FROM instances ORDER BY created, id").fetchall()
        return [
            {"orchestrator": name, "instance": instance, "events": _events(connection, instance)}
            for instance, name in instances
        ]
    finally:
        connection.close()


def _events(connection: sqlite3.Connection, instance: str) -> list[Any]:
    rows = connection.execute("SELECT event FROM history WHERE id = ? ORDER BY seq", (instance,))
    return [_without_details(json.loads(event)) for (event,) in rows]


def _without_details(event: dict[str, Any]) -> dict[str, Any]:
    """Clear the details of a failure: a stack trace of this machine, which no orchestrator may depend on."""
    return {**event, "Details": ""} if "Details" in event else event


if __name__ == "__main__":
    main(sys.argv[1])
