"""Compares an export of a snapshot with an ordinary export of the same clients, on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median

from sqlalchemy import create_engine

from devhost.local.azurite import Azurite
from exports.commands.sample.clients import SAMPLE_COLUMNS, SampleClients
from exports.commands.sample.schema import table_statements
from exports.request.fields import CellKind
from shared.tables import batched
from tests.bench.clients import seconds_of_export
from tests.bench.comparison import TENANT, Contestant, measure
from tests.bench.environment import Databases, running
from tests.bench.figures import Figure, median_of
from tests.support.mariadb import mariadb_server

_ORDINARY, _SNAPSHOT = "an ordinary export", "a snapshot"
_BODY = {"consistency": "snapshot"}


def compare_snapshots(
    folder: Path, emulator: Azurite, databases: Databases, rows: int, rounds: int
) -> Iterator[Figure]:
    """Measure the rows per second of both exports, in turns, and their ratio: the price of a snapshot."""
    with ExitStack() as stack:
        contestants: dict[tuple[str, str], Contestant] = {}
        mariadb = stack.enter_context(_filled_mariadb(rows))
        urls = {"PostgreSQL": databases.postgres, "SQLite": databases.sqlite, "MariaDB": mariadb}
        for name, url in urls.items():
            system = stack.enter_context(running(folder / f"snapshot-{name}", emulator, url))
            for kind, body in ((_ORDINARY, None), (_SNAPSHOT, _BODY)):
                contestants[name, kind] = Contestant(rows, partial(seconds_of_export, system, TENANT, rows, body))
        speeds = measure(contestants, rounds)
    for (name, kind), samples in speeds.items():
        yield median_of(f"{name}, {kind}", samples, "rows/s")
    middle = {key: median(samples) for key, samples in speeds.items()}
    for name in urls:
        ratio = middle[name, _SNAPSHOT] / middle[name, _ORDINARY]
        yield Figure(f"{name}: a snapshot over an ordinary export", ratio, "×")


@contextmanager
def _filled_mariadb(rows: int) -> Iterator[str]:
    """Start and fill a MariaDB server; yield the URL of its database."""
    kinds, moment, key = {CellKind.BOOLEAN: "BOOLEAN", CellKind.DATE: "DATE"}, "DATETIME(6)", "VARCHAR(100)"
    places = ", ".join(["%s"] * len(SAMPLE_COLUMNS))
    insert = f"INSERT INTO client_records ({', '.join(SAMPLE_COLUMNS)}) VALUES ({places})"
    with mariadb_server({"innodb-buffer-pool-size": "256M"}) as url:
        engine = create_engine(url)
        with engine.begin() as connection:
            for statement in table_statements(kinds, moment, key):
                connection.exec_driver_sql(statement)
        for clients in batched(SampleClients(TENANT, 1).rows(1, rows), 500):
            with engine.begin() as connection:
                connection.exec_driver_sql(insert, [tuple(map(_stored, client)) for client in clients])
        engine.dispose()
        yield url


def _stored(value: object) -> object:
    """Return a value as MariaDB takes it: moments without a zone, in UTC."""
    is_moment = isinstance(value, str) and len(value) == len("2026-01-31T09:00:00.000Z") and value.endswith("Z")
    return datetime.fromisoformat(str(value)).replace(tzinfo=None) if is_moment else value
