"""Sources at their limits throttle: real servers without free connections, and a busy Table Storage."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from uuid import uuid4

import pytest
from azure.core.pipeline.transport import HttpTransport
from sqlalchemy import Connection, create_engine, make_url, text

from exports.adapters.clients_sql.source import SqlClientSource
from exports.adapters.clients_tables.source import TableClientSource
from exports.errors import SourceThrottledError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection, ClientSource
from shared import storage

SELECTION = ClientSelection("tenant", ("code",))


def _read(source: ClientSource) -> None:
    list(source.read(SELECTION, KeyRange()))


@contextmanager
def _admin(url: str) -> Iterator[Connection]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_postgresql_without_a_free_connection_throttles(postgres_url: str) -> None:
    role, url = f"crowded_{uuid4().hex}", make_url(postgres_url).set(drivername="postgresql+psycopg")
    with _admin(url.render_as_string(hide_password=False)) as admin:
        admin.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'p' CONNECTION LIMIT 0"))
        try:
            crowded = url.set(username=role, password="p").render_as_string(hide_password=False)
            with closing(SqlClientSource(crowded)) as source, pytest.raises(SourceThrottledError, match="no room"):
                _read(source)
        finally:
            admin.execute(text(f"DROP ROLE {role}"))


def test_mariadb_without_a_free_connection_throttles(mariadb_url: str) -> None:
    user, url = f"crowded{uuid4().hex[:8]}", make_url(mariadb_url)
    with _admin(mariadb_url) as admin:
        admin.execute(text(f"CREATE USER {user}@'%' IDENTIFIED BY 'p' WITH MAX_USER_CONNECTIONS 1"))
        admin.execute(text(f"GRANT SELECT ON *.* TO {user}@'%'"))
        try:
            crowded = url.set(username=user, password="p").render_as_string(hide_password=False)
            with _admin(crowded), closing(SqlClientSource(crowded)) as source, pytest.raises(SourceThrottledError):
                _read(source)
        finally:
            admin.execute(text(f"DROP USER {user}@'%'"))


class _Busy(BaseHTTPRequestHandler):
    """Answers every request like a busy Table Storage."""

    protocol_version = "HTTP/1.1"
    asked_seconds: ClassVar = "7"

    def do_GET(self) -> None:
        self.send_response(503, "Server Busy")
        self.send_header("x-ms-error-code", "ServerBusy")
        self.send_header("Retry-After", self.asked_seconds)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _busy_table_storage(asked_seconds: str) -> Iterator[ClientSource]:
    """Give a source of clients in a Table Storage that is busy and asks for pauses of so many seconds."""
    busy = type("_BusyFor", (_Busy,), {"asked_seconds": asked_seconds})
    with ThreadingHTTPServer(("127.0.0.1", 0), busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            endpoint = f"http://127.0.0.1:{server.server_address[1]}/devstoreaccount1"
            setting = f"AccountName=devstoreaccount1;AccountKey=a2V5;TableEndpoint={endpoint};"
            with closing(TableClientSource("azure-tables:///clients", setting)) as source:
                yield source
        finally:
            server.shutdown()


def test_busy_table_storage_throttles_and_says_when_to_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(storage._TABLE_OPTIONS, "retry_total", 0)
    with _busy_table_storage("7") as source, pytest.raises(SourceThrottledError, match="no room") as caught:
        _read(source)
    assert caught.value.retry_after_seconds == 7


def test_a_request_to_a_table_never_sleeps_as_long_as_retry_after_says(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(HttpTransport, "sleep", lambda _, seconds: pauses.append(seconds))
    with _busy_table_storage("20") as source, pytest.raises(SourceThrottledError) as caught:
        _read(source)
    assert pauses == [1.6]
    assert caught.value.retry_after_seconds == 20
