"""Each fault of a connection to the client database has a sentence of its own; only operators see the address."""

from __future__ import annotations

import logging
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
import trustme
from sqlalchemy import URL, make_url

from exports.adapters.clients_sql.dialects.base import CONNECT_TIMEOUT_SECONDS
from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import ExportError, SourceMismatchError, SourceRefusedError, SourceUnavailableError
from exports.ports.clients import ClientSelection
from exports.request.fields import VIEW_COLUMNS
from tests.support.accounts import server_account, temporary_folder
from tests.support.closed_port import closed_port
from tests.support.mariadb import mariadb_server
from tests.support.postgres import postgres_server
from tests.support.sql_statements import run_statements

PASSWORD = "unique-secret"
UNKNOWN_HOST = "no-such-host.invalid"


def fault_of(url: URL | str, seconds: float = CONNECT_TIMEOUT_SECONDS) -> ExportError:
    """Return the error of the first use of a database. It must come within so many seconds."""
    text = url if isinstance(url, str) else url.render_as_string(hide_password=False)
    started = time.monotonic()
    with closing(SqlClientSource(text)) as source, pytest.raises(ExportError) as caught:
        source.missing_columns(VIEW_COLUMNS)
    assert time.monotonic() - started < seconds
    assert PASSWORD not in f"{caught.value}{caught.value.operator}"
    return caught.value


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> URL:
    """The URL of an empty schema or database, by the user of the tests."""
    name = "postgres_schema" if request.param == "postgresql" else "mariadb_database"
    url: URL = request.getfixturevalue(name)
    return url


@pytest.fixture
def reader(server: URL) -> Iterator[URL]:
    """The URL by a user who may use the database, but not read the view that is in it."""
    name, of = f"reader_{uuid4().hex[:20]}", server.database
    if server.get_backend_name() == "postgresql":
        schema = str(server.query["options"]).partition("=")[2]
        rights, quoted = f"GRANT USAGE ON SCHEMA {schema} TO {name}", name
        removal = f"DROP OWNED BY {name}"
        create = f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'"
    else:
        quoted = f"{name}@'127.0.0.1'"
        rights, removal = f"GRANT SELECT ON {of}.others TO {quoted}", "SELECT 1"
        create = f"CREATE USER {quoted} IDENTIFIED BY '{PASSWORD}'"
    run_statements(
        server, "CREATE TABLE others (id integer)", "CREATE VIEW clients AS SELECT id FROM others", create, rights
    )
    yield server.set(username=name, password=PASSWORD)
    run_statements(server, removal, f"DROP {'ROLE' if quoted == name else 'USER'} {quoted}")


def test_an_unknown_host_is_refused_at_once_and_named_to_operators(server: URL) -> None:
    error = fault_of(server.set(host=UNKNOWN_HOST, password=PASSWORD))
    assert type(error) is SourceRefusedError
    assert "host of the client database is unknown" in str(error)
    assert UNKNOWN_HOST not in str(error)
    assert f"Tried host {UNKNOWN_HOST}, port {server.port}" in error.operator


def test_a_closed_port_can_be_tried_again_because_a_server_may_be_restarting(server: URL) -> None:
    with closed_port() as port:
        error = fault_of(server.set(port=port))
    assert type(error) is SourceUnavailableError
    assert "nothing accepts connections at its port" in str(error)
    assert f"host 127.0.0.1, port {port}" in error.operator


@pytest.mark.slow
def test_a_server_that_says_nothing_is_given_up_after_ten_seconds(server: URL) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        error = fault_of(server.set(port=silent.getsockname()[1]), seconds=CONNECT_TIMEOUT_SECONDS + 10)
    assert type(error) is SourceUnavailableError
    assert "did not answer in time" in str(error)


def test_a_wrong_password_is_refused_with_the_user_but_not_the_password(server: URL) -> None:
    error = fault_of(server.set(password=PASSWORD))
    assert type(error) is SourceRefusedError
    assert "the user name or the password in CLIENTS_DATABASE_URL is wrong" in str(error)
    assert f"user {server.username}" in error.operator


def test_a_missing_database_is_named_to_operators(server: URL) -> None:
    error = fault_of(server.set(database="absent"))
    assert type(error) is SourceRefusedError
    assert "has no such client database" in str(error)
    assert "database absent" in error.operator


def test_a_user_without_the_right_to_read_the_view_gets_the_grant_to_write(reader: URL) -> None:
    error = fault_of(reader)
    assert type(error) is SourceRefusedError
    assert "may not read the view clients" in str(error)
    assert f"GRANT SELECT ON clients TO {reader.username}." in error.operator


def test_a_user_without_the_right_to_connect_is_told_so(server: URL) -> None:
    name, database = f"outsider_{uuid4().hex[:20]}", f"closed_{uuid4().hex}"
    is_postgres = server.get_backend_name() == "postgresql"
    quoted = name if is_postgres else f"{name}@'127.0.0.1'"
    create = f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'"
    closing_it = f"REVOKE CONNECT ON DATABASE {database} FROM public"
    if not is_postgres:
        create, closing_it = f"CREATE USER {quoted} IDENTIFIED BY '{PASSWORD}'", "SELECT 1"
    run_statements(server, f"CREATE DATABASE {database}", create, closing_it)
    try:
        error = fault_of(server.set(username=name, password=PASSWORD, database=database))
    finally:
        run_statements(server, f"DROP DATABASE {database}", f"DROP {'ROLE' if is_postgres else 'USER'} {quoted}")
    assert type(error) is SourceRefusedError
    assert "no right to connect" in str(error)


def test_a_missing_view_has_a_sentence_of_its_own(server: URL) -> None:
    error = fault_of(server)
    assert type(error) is SourceMismatchError
    assert "has no view clients" in str(error)
    assert f"database {server.database}" in error.operator


def test_a_view_on_a_table_that_is_gone_is_not_called_missing(mariadb_database: URL, tmp_path: Path) -> None:
    in_file = make_url(f"sqlite:///{tmp_path / 'clients.db'}")
    for url in (mariadb_database, in_file):
        run_statements(
            url, "CREATE TABLE others (id integer)", "CREATE VIEW clients AS SELECT id FROM others", "DROP TABLE others"
        )
        assert "refers to a table, a column or a function that is missing" in str(fault_of(url))


def test_a_server_without_tls_is_told_from_a_wrong_password(server: URL) -> None:
    asked = {"sslmode": "require"} if server.get_backend_name() == "postgresql" else {"ssl_verify_cert": "false"}
    error = fault_of(server.update_query_dict(asked))
    assert type(error) is SourceRefusedError
    assert "asks for an encrypted connection (TLS), which the client database does not offer" in str(error)


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """A folder that the account of a database server may read."""
    folder = temporary_folder("client-export-files-", server_account())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_postgresql_server_that_requires_tls_is_told_from_a_wrong_password(server_folder: Path) -> None:
    rules = server_folder / "pg_hba.conf"
    rules.write_text("hostnossl all all all reject\nhostssl all all all scram-sha-256\n")
    with postgres_server({"hba_file": str(rules)}) as server:
        error = fault_of(server.url())
    assert type(error) is SourceRefusedError
    assert "accepts only encrypted connections (TLS)" in str(error)


def test_a_certificate_of_an_unknown_authority_is_told_from_a_silent_server(server_folder: Path) -> None:
    made, other = trustme.CA(), server_folder / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    issued = made.issue_cert("127.0.0.1")
    key, certificate = server_folder / "key.pem", server_folder / "certificate.pem"
    issued.private_key_pem.write_to_path(str(key))
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    key.chmod(0o644)
    with mariadb_server({"ssl-key": str(key), "ssl-cert": str(certificate)}) as url:
        error = fault_of(make_url(url).update_query_dict({"ssl_ca": str(other)}))
    assert type(error) is SourceRefusedError
    assert "certificate of the client database is not trusted" in str(error)


# --- SQLite


def test_a_missing_sqlite_file_is_refused_with_its_path_for_operators(tmp_path: Path) -> None:
    error = fault_of(f"sqlite:///{tmp_path / 'none.db'}")
    assert type(error) is SourceRefusedError
    assert "There is no file of the client database" in str(error)
    assert str(tmp_path) not in str(error)
    assert f"Tried file {tmp_path / 'none.db'}." in error.operator


def test_a_sqlite_file_that_is_restored_within_a_second_can_be_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "clients.db"
    restore = threading.Timer(0.3, path.touch)
    restore.start()
    error = fault_of(f"sqlite:///{path}")
    restore.join()
    assert type(error) is SourceUnavailableError


def test_a_folder_and_a_file_that_is_no_database_are_told_apart(tmp_path: Path) -> None:
    text = tmp_path / "clients.txt"
    text.write_text("This is a letter, not a database. " * 100)
    assert "is a folder" in str(fault_of(f"sqlite:///{tmp_path}"))
    assert "is not a database" in str(fault_of(f"sqlite:///{text}"))


# --- the URL


@pytest.mark.parametrize("password", ["p@ss", "p@x:2/y", "p@ss/qword", "50%!", "a:b", "a/b", "a#b"])
def test_an_unescaped_password_gets_a_hint_and_never_appears(
    password: str, server: URL, caplog: pytest.LogCaptureFixture
) -> None:
    secret = f"qzj{password}"
    url = f"{server.drivername}://{server.username}:{secret}@127.0.0.1:{server.port}/{server.database}"
    with caplog.at_level(logging.WARNING):
        error = fault_of(url)
    assert "must be percent-encoded" in error.operator
    assert "127.0.0.1" in error.operator
    log = logging.Formatter().formatException((type(error), error, error.__traceback__))
    for part in ("qzj", "ss@", "qword"):
        assert part not in f"{error} {error.operator} {log} {caplog.text}"


@pytest.mark.parametrize(
    "url", ["nonsense", "postgresql://u:secretword@host:port/db", "postgresql://u:secretword@h:5/x?y"]
)
def test_a_malformed_url_is_refused_without_showing_it(url: str) -> None:
    error = fault_of(url)
    assert type(error) is SourceRefusedError
    assert "secretword" not in f"{error} {error.operator} {error.__cause__}"


def test_the_log_names_host_and_port_and_never_the_password(server: URL, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        fault_of(server.set(port=1, password=PASSWORD))
    (record,) = [record for record in caplog.records if "event=source.unreached" in record.message]
    assert "host 127.0.0.1, port 1" in record.message
    assert PASSWORD not in caplog.text


def test_a_fault_while_reading_has_the_address_as_well(server: URL) -> None:
    with closing(SqlClientSource(server.set(port=1))) as source, pytest.raises(ExportError) as caught:
        source.find_boundaries(ClientSelection("x", ("code",)), 10)
    assert "port 1" in caught.value.operator
