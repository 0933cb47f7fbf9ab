"""Stores of clients that tests fill and the source under test reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest
from sqlalchemy import URL, Engine, create_engine, make_url, text

from exports.adapters.clients_sql.source import SqlClientSource
from exports.adapters.clients_tables.source import TableClientSource
from exports.commands.sample.schema import table_statements
from exports.commands.sample.tables import entity_of, write_all
from exports.errors import SourceUnavailableError
from exports.ports.clients import ClientSource
from exports.request.fields import VIEW_COLUMNS, CellKind
from shared.models import rfc3339
from shared.storage import StorageAccount
from tests.support.fake_clients import MemoryClients

Client = Mapping[str, Any]
TENANT = "northwind"
_PLANS_FOR_FEW_CLIENTS = ("seqscan", "bitmapscan", "sort")
EXACT_VARCHAR = "VARCHAR(100)"
"""MySQL can only index text with a maximum length."""


class ClientStore(Protocol):
    """The operations that tests use on every store."""

    @property
    def source(self) -> ClientSource: ...

    @property
    def unreachable_source(self) -> ClientSource: ...

    def put(self, *clients: Client) -> None: ...

    def remove(self, tenant: str, code: str) -> None: ...

    def clear(self) -> None: ...


def client(code: str, tenant: str = TENANT, **columns: Any) -> Client:
    """Return a client with the given columns; all others are empty."""
    moment = {"updated_at": datetime(2026, 1, 1, tzinfo=UTC)}
    return {**dict.fromkeys(VIEW_COLUMNS), **moment, "tenant": tenant, "code": code, **columns}


@dataclass(frozen=True)
class SqlStore:
    """A database with the table and the view of the sample clients, empty at first."""

    engine: Engine
    source: ClientSource
    unreachable_source: ClientSource

    def put(self, *clients: Client) -> None:
        names = ", ".join(VIEW_COLUMNS)
        parameters = ", ".join(f":{name}" for name in VIEW_COLUMNS)
        rows = [{**client, "updated_at": self._moment(client["updated_at"])} for client in clients]
        with self.engine.begin() as connection:
            connection.execute(text(f"INSERT INTO client_records ({names}) VALUES ({parameters})"), rows)

    def remove(self, tenant: str, code: str) -> None:
        self.execute("DELETE FROM client_records WHERE tenant = :tenant AND code = :code", tenant=tenant, code=code)

    def clear(self) -> None:
        self.execute("DELETE FROM client_records")

    def execute(self, statement: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def replace_view(self, select: str | None) -> None:
        self.execute("DROP VIEW clients")
        if select is not None:
            self.execute(f"CREATE VIEW clients AS {select}")

    def _moment(self, moment: datetime) -> Any:
        if self.engine.dialect.name == "mysql":
            return moment.astimezone(UTC).replace(tzinfo=None)
        return rfc3339(moment) if self.engine.dialect.name == "sqlite" else moment


@contextmanager
def sqlite_store(directory: Path) -> Iterator[SqlStore]:
    path = directory / "clients #1.sqlite"
    with _sql_store(f"sqlite:///{path}", f"sqlite:///{directory}/nowhere.sqlite", "TEXT") as store:
        yield store


@contextmanager
def postgres_store(schema: URL) -> Iterator[SqlStore]:
    nowhere = schema.set(host="127.0.0.1", port=1)
    with _sql_store(_rendered(schema), _rendered(nowhere), "TIMESTAMPTZ") as store:
        yield store


@contextmanager
def skip_scan_postgres_store(schema: URL) -> Iterator[SqlStore]:
    """A PostgreSQL store whose plans use the index, as they do for many clients."""
    with postgres_store(schema) as store:
        options = " ".join([str(schema.query["options"]), *(f"-cenable_{plan}=off" for plan in _PLANS_FOR_FEW_CLIENTS)])
        url = schema.update_query_dict({"options": options})
        with closing(SqlClientSource(_rendered(url))) as source:
            yield replace(store, source=source)


@contextmanager
def mariadb_store(database: URL) -> Iterator[SqlStore]:
    nowhere = database.set(host="127.0.0.1", port=1)
    with _sql_store(_rendered(database), _rendered(nowhere), "DATETIME(6)", EXACT_VARCHAR) as store:
        yield store


@contextmanager
def empty_database(server: str, engine: Engine | None = None) -> Iterator[URL]:
    """An empty database of its own on the MariaDB server that the URL names, made by `engine` if it is given."""
    name = f"test_{uuid4().hex}"
    with _engine_for(server, engine) as admin:
        try:
            _run(admin, f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin")
            yield make_url(server).set(database=name)
        finally:
            _run(admin, f"DROP DATABASE IF EXISTS {name}")


@contextmanager
def empty_schema(server: str, engine: Engine | None = None) -> Iterator[URL]:
    """An empty schema of its own in the database that the URL names, made by `engine` if it is given."""
    url = make_url(server).set(drivername="postgresql+psycopg")
    schema = f"test_{uuid4().hex}"
    with _engine_for(server, engine) as admin:
        try:
            _run(admin, f"CREATE SCHEMA {schema}")
            yield url.update_query_dict({"options": f"-csearch_path={schema}"})
        finally:
            _run(admin, f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def server_engine(server: str) -> Engine:
    """Return an engine that makes and removes schemas or databases, and survives when tests end its sessions."""
    url = make_url(server)
    postgres = url.get_backend_name() == "postgresql"
    return create_engine(url.set(drivername="postgresql+psycopg") if postgres else url, pool_pre_ping=True)


@contextmanager
def _engine_for(server: str, shared: Engine | None) -> Iterator[Engine]:
    engine = shared or server_engine(server)
    yield engine
    if engine is not shared:
        engine.dispose()


def _rendered(url: URL) -> str:
    return url.render_as_string(hide_password=False)


@contextmanager
def _sql_store(url: str, unreachable_url: str, moment: str, key: str = "TEXT") -> Iterator[SqlStore]:
    engine = create_engine(url)
    _run(engine, *table_statements({CellKind.BOOLEAN: "BOOLEAN", CellKind.DATE: "DATE"}, moment, key))
    with closing(SqlClientSource(url)) as source, closing(SqlClientSource(unreachable_url)) as unreachable:
        yield SqlStore(engine, source, unreachable)
    engine.dispose()


def _run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


class MemoryStore:
    """The fake that tests of the steps use."""

    def __init__(self) -> None:
        self.source = MemoryClients()
        self.unreachable_source = MemoryClients()
        self.unreachable_source.before_ask = _give_no_answer

    def put(self, *clients: Client) -> None:
        self.source.clients += [dict(client) for client in clients]

    def remove(self, tenant: str, code: str) -> None:
        clients = self.source.clients
        clients[:] = [client for client in clients if (client["tenant"], client["code"]) != (tenant, code)]

    def clear(self) -> None:
        self.source.clients.clear()


class TableStore:
    """A new table in the storage emulator, with the layout of the sample clients."""

    def __init__(self, azurite: str, unreachable: str) -> None:
        self.prefix = 3
        self.name = f"clients{uuid4().hex}"
        self.storage = azurite
        self._account = StorageAccount(azurite)
        self.table = self._account.tables.create_table(self.name)
        self.source = self.open()
        self.unreachable_source = TableClientSource(f"azure-tables:///{self.name}", unreachable)

    def open(self, prefix: int = 3) -> TableClientSource:
        return TableClientSource(f"azure-tables:///{self.name}?prefix={prefix}", self.storage)

    def put(self, *clients: Client) -> None:
        """Write clients. Those with neighbouring keys in the same partition share a transaction."""
        entities = [entity_of(dict(client), self.prefix) for client in clients]
        write_all(self.table, "create", sorted(entities, key=lambda entity: str(entity["PartitionKey"])))

    def remove(self, tenant: str, code: str) -> None:
        keys = entity_of({"tenant": tenant, "code": code}, self.prefix)
        self.table.delete_entity(keys["PartitionKey"], keys["RowKey"])

    def clear(self) -> None:
        for entity in self.table.list_entities(select=["PartitionKey", "RowKey"]):
            self.table.delete_entity(entity)

    def close(self) -> None:
        self.table.delete_table()
        self.source.close()
        self._account.tables.close()


def _give_no_answer() -> None:
    raise SourceUnavailableError("The client database did not answer.") from ConnectionError()


_SKIP_SCAN = pytest.param("skip_scan_postgres_store", marks=pytest.mark.thorough)
"""PostgreSQL once more. In every run, `test_index_skip_scan.py` tests what is different there."""

SQL_STORES = ("sqlite_store", "postgres_store", _SKIP_SCAN, "mariadb_store")
STORES = ("memory_store", *SQL_STORES, "table_store")
"""The fixtures on which every source is tested. Add the fixture of a new source here to run the suite on it."""


@contextmanager
def open_store(name: str, fixture: Callable[[str], Any], folder: Path) -> Iterator[ClientStore]:
    """Open a store that several tests use, because opening one for each test takes longer than the test.

    Its `unreachable_source` is not for use: in the table store it retries slowly.

    Args:
        name: One of `STORES`.
        fixture: Returns the value of a fixture of the session: a server.
        folder: An empty folder for a file.
    """
    with ExitStack() as cleanup:
        if name == "memory_store":
            yield MemoryStore()
        elif name == "table_store":
            connection = fixture("azurite").connection_string
            yield cleanup.enter_context(closing(TableStore(connection, connection)))
        elif name == "sqlite_store":
            yield cleanup.enter_context(sqlite_store(folder))
        elif name == "mariadb_store":
            yield cleanup.enter_context(mariadb_store(cleanup.enter_context(empty_database(fixture("mariadb_url")))))
        else:
            schema = cleanup.enter_context(empty_schema(fixture("postgres_url")))
            opened = {"postgres_store": postgres_store, "skip_scan_postgres_store": skip_scan_postgres_store}[name]
            yield cleanup.enter_context(opened(schema))
