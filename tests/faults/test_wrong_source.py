"""No file is called proved if the database's key ranges disagree with its order of the clients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from exports import __main__ as commands
from tests.contract.client_stores import empty_schema
from tests.faults.conftest import StartSystem, app_variant
from tests.support.system import NORTHWIND, System, download

pytestmark = pytest.mark.thorough

CLIENTS = 3_000
BODY = {"columnMappings": [{"csvHeader": name, "targetField": name} for name in ("Code", "Name")]}

TABLE = "CREATE TABLE clients (tenant text, code citext, name text, PRIMARY KEY (tenant, code))"
ROWS = """
INSERT INTO clients
SELECT :tenant, (array['a', 'B', 'c', 'D', 'e', 'F'])[1 + g % 6] || lpad(CAST(g AS text), 6, '0'), repeat('x', 20)
FROM generate_series(1, :clients) g
"""


@pytest.fixture
def citext_url(postgres_url: str) -> Iterator[str]:
    """A database with 3,000 clients whose codes begin with capital and small letters, as `citext`."""
    with empty_schema(postgres_url) as url:
        engine = create_engine(url)
        with engine.begin() as connection:
            schema = connection.exec_driver_sql("SELECT current_schema()").scalar()
            # another test may have the extension in a schema of its own
            connection.exec_driver_sql("DROP EXTENSION IF EXISTS citext CASCADE")
            for statement in (f"CREATE EXTENSION citext SCHEMA {schema}", TABLE):
                connection.execute(text(statement))
            connection.execute(text(ROWS), {"tenant": NORTHWIND, "clients": CLIENTS})
        engine.dispose()
        yield url.render_as_string(hide_password=False)


def _codes(file: bytes) -> list[str]:
    return [line.split(b",")[0].decode() for line in file.splitlines()[1:]]


def _check(system: System, location: str, directory: Path) -> int:
    file, manifest = directory / "clients.csv", directory / "manifest.json"
    file.write_bytes(download(system.job(location)))
    manifest.write_bytes(system.call("GET", f"{location}/manifest").body)
    return commands.main(["verify", str(file), str(manifest)])


def test_an_export_by_citext_is_proved_and_has_every_client_once(
    start_system: StartSystem, citext_url: str, tmp_path: Path
) -> None:
    system = start_system(healthy=False, CLIENTS_DATABASE_URL=citext_url, EXPORT_BLOCK_BYTES="16384")
    system.wait_for_any_response()
    location = system.start_async(BODY)
    job = system.wait(location)
    assert job["status"] == "Completed", job
    assert len(set(_codes(download(job)))) == len(_codes(download(job))) == CLIENTS
    manifest = system.call("GET", f"{location}/manifest").json
    assert len(manifest["pages"]) > 1
    assert (manifest["keyOrder"], manifest["countedRows"]) == ("RankedBySource", CLIENTS)
    assert _check(system, location, tmp_path) == 0


def test_a_database_whose_ranges_disagree_with_its_order_fails_with_key_order(
    start_system: StartSystem, citext_url: str, tmp_path: Path
) -> None:
    root, settings = app_variant(tmp_path / "wrong", "app_with_wrong_ranges.py")
    changes = settings | {"CLIENTS_DATABASE_URL": citext_url, "EXPORT_BLOCK_BYTES": "16384"}
    system = start_system(root, healthy=False, **changes)
    system.wait_for_any_response()
    location = system.start_async(BODY)
    job = system.wait(location)
    assert job["status"] == "Failed", job
    failure = job["failure"]
    assert (failure["code"], failure["retryable"], failure["resumable"]) == ("key-order", False, False)
    assert "Page " in failure["message"]
    assert job["downloadUrl"] is None
    assert system.call("GET", f"{location}/manifest").status == 409
    assert failure["message"].split("Page ", 1)[1] not in system.log
