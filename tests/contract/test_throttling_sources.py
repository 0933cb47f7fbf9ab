"""Sources at their limits throttle: real servers without free connections, and a busy Table Storage."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest
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

    def do_GET(self) -> None:
        self.send_response(503, "Server Busy")
        self.send_header("x-ms-error-code", "ServerBusy")
        self.send_header("Retry-After", "7")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_busy_table_storage_throttles_and_says_when_to_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_TABLE_OPTIONS", {"retry_total": 0})
    with ThreadingHTTPServer(("127.0.0.1", 0), _Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            endpoint = f"http://127.0.0.1:{server.server_address[1]}/devstoreaccount1"
            setting = f"AccountName=devstoreaccount1;AccountKey=a2V5;TableEndpoint={endpoint};"
            with (
                closing(TableClientSource("azure-tables:///clients", setting)) as source,
                pytest.raises(SourceThrottledError, match="no room") as caught,
            ):
                _read(source)
        finally:
            server.shutdown()
    assert caught.value.retry_after_seconds == 7
