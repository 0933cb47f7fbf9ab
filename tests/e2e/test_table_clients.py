"""An export of clients in Table Storage gives the same file as an export of the same clients in a database."""

from __future__ import annotations

from pathlib import Path

from exports.commands.sample.database import create_sample_database
from tests.support.system import HARBOUR, System, running_system

TABLE = "azure-tables:///clientsoftables"
CLIENTS = 1_500
"""The number of this tenant's clients in the database."""


def test_clients_in_table_storage_give_the_same_file(tmp_path: Path, system: System, database_url: str) -> None:
    small_pages = {"EXPORT_BLOCK_BYTES": "65536", "EXPORT_WAVE_PAGES": "4"}
    with running_system(tmp_path, TABLE, small_pages, healthy=False, workers=1) as on_tables:
        create_sample_database(TABLE, CLIENTS, (HARBOUR,), 1, storage=on_tables.storage)
        file = on_tables.export({}, HARBOUR)

    assert file == system.export({}, HARBOUR)
