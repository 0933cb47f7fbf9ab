"""An export of clients in Table Storage, beside one of the same clients in a database."""

from __future__ import annotations

from pathlib import Path

from devhost.local.azurite import Azurite
from exports.sample.database import create_sample_database
from tests.support.system import HARBOUR, NORTHWIND, System, app_settings

TABLE = "azure-tables:///clientsoftables"


def test_clients_in_table_storage_make_the_same_file(
    tmp_path: Path, azurite: Azurite, system: System, database_url: str
) -> None:
    create_sample_database(TABLE, 6_000, (NORTHWIND, HARBOUR), 1, storage=azurite.connection_string)
    settings = app_settings(azurite.connection_string, TABLE, EXPORT_BLOCK_BYTES="65536", EXPORT_WAVE_PAGES="4")
    on_tables = System(tmp_path, settings)
    try:
        on_tables.start_and_wait()
        found = on_tables.export({}, HARBOUR)
    finally:
        on_tables.stop()

    assert found == system.export({}, HARBOUR)
