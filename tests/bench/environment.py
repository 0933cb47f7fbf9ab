"""Sets up what the benchmark needs: a tuned database server, the same clients in every database, a running system."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import psycopg
from sqlalchemy import URL, make_url

from devhost.local.azurite import Azurite
from devhost.local.paths import ROOT
from exports.commands.sample.clients import SAMPLE_COLUMNS, SampleClients
from exports.commands.sample.postgres import fill_postgres
from exports.commands.sample.sqlite import fill_sqlite
from exports.request.fields import KEY_COLUMNS, VIEW_COLUMNS, CellKind, TargetField, cell_kind, source_columns
from exports.request.scopes import ALL_SCOPES
from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.bench.request_counts import COUNTER
from tests.support.builders import NOON
from tests.support.keys import key_of_text
from tests.support.postgres import postgres_server
from tests.support.system import KEY, System, app_settings, start_storage

SERVER_SETTINGS = {
    "shared_buffers": "1GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "effective_cache_size": "4GB",
    "max_wal_size": "8GB",
    "max_parallel_workers_per_gather": "2",
    "random_page_cost": "1.1",
}
NARROW_FIELDS = (
    *(TargetField.CODE, TargetField.NAME, TargetField.TYPE, TargetField.STATUS, TargetField.EMAIL),
    *(TargetField.TELEPHONE, TargetField.COMPANY_NUMBER, TargetField.VAT_NUMBER, TargetField.UTR),
    *(TargetField.INCORPORATION_DATE, TargetField.CONTACT_NAME, TargetField.WEBSITE),
)
NARROW_REQUEST = {"columnMappings": [{"csvHeader": field, "targetField": field} for field in NARROW_FIELDS]}
_NARROW = "narrow"
_GENERATED_ROWS = 20_000
"""How many clients of a tenant are generated, which takes long. The rest are copies of them under their own codes."""

_TYPES = {CellKind.BOOLEAN: "boolean", CellKind.DATE: "date"}
Sizes = dict[str, int]
"""Number of clients by tenant."""


@dataclass(frozen=True)
class Databases:
    """URLs of the databases: the same sample clients in PostgreSQL and SQLite, and narrow ones in PostgreSQL only."""

    postgres: str
    sqlite: str
    narrow: str


@contextmanager
def filled_databases(folder: Path, wide: Sizes, in_sqlite: Sizes, narrow: Sizes) -> Iterator[Databases]:
    """Start and fill a PostgreSQL server, and fill a SQLite file. The server ends with the context.

    Tenants in both databases have the same clients in both.
    """
    with postgres_server(SERVER_SETTINGS) as server:
        url = make_url(server.url())
        generated = {
            name: rows if name in in_sqlite else min(rows, _GENERATED_ROWS) for name, rows in sorted(wide.items())
        }
        fill_postgres(url, chain.from_iterable(SampleClients(name, 1).rows(1, generated[name]) for name in generated))
        _copy_clients(url, {name: rows for name, rows in wide.items() if rows > generated[name]})
        sqlite = f"sqlite:///{folder / 'clients.sqlite'}"
        fill_sqlite(
            make_url(sqlite), chain.from_iterable(SampleClients(name, 1).rows(1, in_sqlite[name]) for name in in_sqlite)
        )
        yield Databases(server.url(), sqlite, _fill_narrow(url, narrow))


def _copy_clients(url: URL, sizes: Sizes) -> None:
    """Give tenants more clients inside the server: copies of their first ones, with codes that continue theirs."""
    columns = [name for name in SAMPLE_COLUMNS if name not in KEY_COLUMNS]
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(_VISIBLE_AT_ONCE)
        for tenant, rows in sizes.items():
            connection.execute(_COPIES.format(columns=", ".join(columns), tenant=tenant, rows=rows).encode())
        if sizes:
            connection.execute(b"VACUUM (ANALYZE) client_records")


_VISIBLE_AT_ONCE = b"SET synchronous_commit = on"
"""VACUUM marks rows as visible to all transactions only after their commit is on disk. Without it, planning could not
use an index-only scan, as it can on a server where autovacuum runs."""

_COPIES = f"""
INSERT INTO client_records (tenant, code, {{columns}})
SELECT tenant, 'C' || lpad((substr(code, 2)::int + {_GENERATED_ROWS} * copy)::text, 8, '0'), {{columns}}
FROM client_records CROSS JOIN generate_series(1, ({{rows}} - 1) / {_GENERATED_ROWS}) AS copy
WHERE tenant = '{{tenant}}' AND substr(code, 2)::int + {_GENERATED_ROWS} * copy <= {{rows}}
ORDER BY copy, code
"""


def _fill_narrow(url: URL, sizes: Sizes) -> str:
    """Generate clients of twelve columns inside the server, which makes ten million of them in a minute or two."""
    kinds = {name: cell_kind(field) for field in TargetField for name in source_columns(field)}
    filled: tuple[str, ...] = (
        *KEY_COLUMNS,
        "name",
        "type",
        "status",
        "email",
        "telephone",
        "company_number",
        "vat_number",
        "utr",
    )
    filled = (*filled, "incorporation_date", "contact_name", "website", "updated_at")
    shown = (
        name if name in filled else f"NULL::{_TYPES.get(kinds.get(name, CellKind.TEXT), 'text')} AS {name}"
        for name in VIEW_COLUMNS
    )
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(_VISIBLE_AT_ONCE)
        connection.execute(f"CREATE SCHEMA {_NARROW}".encode())
        connection.execute(f"SET search_path = {_NARROW}".encode())
        for tenant, clients in sizes.items():
            made = "AS" if tenant == next(iter(sizes)) else ""
            begin = "CREATE TABLE client_records" if made else "INSERT INTO client_records"
            connection.execute(f"{begin} {made} {_NARROW_CLIENTS}".format(tenant=tenant, clients=clients).encode())
        connection.execute(b"ALTER TABLE client_records ADD PRIMARY KEY (tenant, code)")
        connection.execute(f"CREATE VIEW clients AS SELECT {', '.join(shown)} FROM client_records".encode())
        connection.execute(b"VACUUM (ANALYZE) client_records")
    return url.update_query_dict({"options": f"-csearch_path={_NARROW}"}).render_as_string(hide_password=False)


_NARROW_CLIENTS = """
SELECT '{tenant}'::text AS tenant, 'C' || lpad(n::text, 8, '0') AS code, 'Client of number ' || n AS name,
    'PrivateLimitedCompany'::text AS type, (ARRAY['Active', 'Inactive', 'Prospect'])[(n % 3)::int + 1] AS status,
    'office' || n || '@client.example' AS email, '020 7946 ' || lpad((n % 10000)::text, 4, '0') AS telephone,
    lpad((n * 7 % 100000000)::text, 8, '0') AS company_number,
    'GB' || lpad((n * 13 % 1000000000)::text, 9, '0') AS vat_number,
    lpad((n * 17 % 10000000000)::text, 10, '0') AS utr, date '1990-01-01' + (n % 12000)::int AS incorporation_date,
    'Contact, of number ' || n AS contact_name, 'https://client-' || n || '.example/' AS website,
    timestamptz '2026-01-01' AS updated_at
FROM generate_series(1::bigint, {clients}) AS n
"""


@contextmanager
def storage(folder: Path, tenants: Sizes) -> Iterator[Azurite]:
    """Run a storage emulator that counts its requests. It has a key for all tenants and a container for the rivals."""
    emulator = start_storage(folder, preload=COUNTER, in_memory=False)
    try:
        account = StorageAccount(emulator.connection_string)
        key = key_of_text(KEY, name="bench", tenants=tuple(tenants), scopes=ALL_SCOPES, created=NOON)
        TableKeyStore(account).change(key.id, lambda _: key)
        account.blobs.create_container("rivals")
        yield emulator
    finally:
        emulator.stop()


@contextmanager
def running(
    folder: Path, emulator: Azurite, database: str, *, root: Path = ROOT, own_engine: bool = False, **settings: str
) -> Iterator[System]:
    """Run the system with a database, two workers, the memory setting of the sample, and quotas that never apply.

    Args:
        root: The folder of the function app.
        own_engine: Whether to use the engine of devhost even if the benchmark was given the real extension.
    """
    folder.mkdir()
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    quotas = {"EXPORT_MAX_ACTIVE_JOBS": "1000", "EXPORT_MAX_JOBS_PER_DAY": "100000"}
    settings = {"MALLOC_ARENA_MAX": sample["MALLOC_ARENA_MAX"], **quotas, **settings}
    system = System(folder, app_settings(emulator.connection_string, database, **settings), root)
    if own_engine:
        system.engine = None
    try:
        system.start_and_wait()
        yield system
    finally:
        system.stop()
