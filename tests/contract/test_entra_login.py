"""Databases are logged in to with a token as the password. `azure-identity` asks an endpoint like that of Azure."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import trustme
from pymysql.err import OperationalError
from sqlalchemy import URL, create_engine, make_url

from exports.adapters.clients_sql import entra_login
from exports.adapters.clients_sql.engines import make_engine
from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import ExportError, SourceRefusedError, SourceUnavailableError
from tests.support.accounts import server_account, set_owner, temporary_folder
from tests.support.clear_password_server import a_clear_password_server
from tests.support.identity_endpoint import IdentityEndpoint, an_identity_endpoint
from tests.support.mariadb import mariadb_server
from tests.support.system import running_system

ROLE = "client_export_app"
VIEW = ("code", "name", "tenant")


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityEndpoint]:
    with an_identity_endpoint() as endpoint:
        for name, value in endpoint.settings.items():
            monkeypatch.setenv(name, value)
        entra_login._credential.cache_clear()
        yield endpoint
        entra_login._credential.cache_clear()


@pytest.fixture
def postgres_role(postgres_schema: URL) -> Iterator[URL]:
    """Return a URL with a role whose password is the first token."""
    make = (
        f"CREATE ROLE {ROLE} LOGIN PASSWORD 'token-1'",
        f"GRANT USAGE ON SCHEMA {_schema(postgres_schema)} TO {ROLE}",
        f"GRANT SELECT ON clients TO {ROLE}",
    )
    with role(postgres_schema, *make, drop=f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}") as url:
        yield url


@pytest.fixture
def server_files() -> Iterator[Path]:
    """Return a folder that the account of the server may read."""
    account = server_account()
    folder = temporary_folder("client-export-tls-", account)
    yield folder
    shutil.rmtree(folder)


def certificates(folder: Path) -> tuple[Path, dict[str, str]]:
    """Make an authority and a certificate for this machine; return the authority's file, and settings of MariaDB."""
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1")
    names = {name: folder / f"{name}.pem" for name in ("ca", "cert", "key")}
    authority.cert_pem.write_to_path(names["ca"])
    server.cert_chain_pems[0].write_to_path(names["cert"])
    server.private_key_pem.write_to_path(names["key"])
    for file in names.values():
        set_owner(file, server_account())
    return names["ca"], {f"ssl-{name}": str(file) for name, file in names.items()}


@contextmanager
def role(admin: URL, *statements: str, drop: str) -> Iterator[URL]:
    """Make a view of one client, and a role that may read it; yield the URL of the role."""
    view = "CREATE VIEW clients AS SELECT 'northwind' AS tenant, 'C1' AS code, 'One' AS name"
    run(admin, view, *statements)
    try:
        yield by_token(admin.set(username=ROLE))
    finally:
        run(admin, "DROP VIEW clients", *drop.split("; "))


def by_token(url: URL) -> URL:
    """Replace the password by a login with a token. `URL.set` cannot take a password away."""
    return url._replace(password=None).update_query_dict({"authentication": "entra"})


def _schema(url: URL) -> str:
    return str(url.query["options"]).partition("search_path=")[2].partition(",")[0]


def run(admin: URL, *statements: str) -> None:
    engine = create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def missing(url: URL) -> tuple[str, ...]:
    """Open a new source, and read something through a new connection."""
    with closing(SqlClientSource(url)) as source:
        return source.missing_columns(VIEW)


def local(url: URL) -> URL:
    """Allow a connection without TLS, which the server of the tests does not offer."""
    return url.update_query_dict({"sslmode": "disable"})


def test_postgresql_accepts_the_token_as_the_password(postgres_role: URL, identity: IdentityEndpoint) -> None:
    assert missing(local(postgres_role)) == ()
    asked = identity.asked[0]
    assert asked["resource"] == "https://ossrdbms-aad.database.windows.net"
    assert asked["client_id"] == identity.settings["AZURE_CLIENT_ID"]


def test_the_running_service_exports_from_a_database_without_a_password(
    postgres_role: URL, identity: IdentityEndpoint, tmp_path: Path
) -> None:
    url = local(postgres_role).render_as_string(hide_password=False)
    assert "token-1" not in url
    with running_system(tmp_path, url, identity.settings, workers=1) as system:
        body = {"columnMappings": [{"csvHeader": "Who", "targetField": "Name"}]}
        assert system.export(body) == b"Who\r\nOne\r\n"
        assert "token-1" not in system.log


def test_new_connections_log_in_with_the_new_token(
    postgres_role: URL, postgres_schema: URL, identity: IdentityEndpoint
) -> None:
    identity.seconds = 1
    with closing(SqlClientSource(local(postgres_role))) as source:
        assert source.missing_columns(VIEW) == ()
        run(
            postgres_schema,
            f"ALTER ROLE {ROLE} PASSWORD 'token-2'",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{ROLE}'",
        )
        with pytest.raises(ExportError):
            source.missing_columns(VIEW)
        identity.token = "token-2"
        assert source.missing_columns(VIEW) == ()


def test_a_token_is_kept_while_it_is_fresh(postgres_role: URL, identity: IdentityEndpoint) -> None:
    assert [missing(local(postgres_role)) for _ in range(3)] == [(), (), ()]
    assert len(identity.asked) == 1


def test_a_login_that_the_server_refuses_is_a_refusal(postgres_role: URL, identity: IdentityEndpoint) -> None:
    identity.token = "t0ken-of-another"
    with pytest.raises(SourceRefusedError) as raised:
        missing(local(postgres_role))
    assert "t0ken" not in f"{raised.value} {raised.value.operator}"


def test_without_a_token_the_source_is_unavailable_and_says_so_in_one_sentence(
    postgres_role: URL, identity: IdentityEndpoint
) -> None:
    identity.status = 400
    with pytest.raises(SourceUnavailableError) as raised:
        missing(local(postgres_role))
    assert str(raised.value) == "The service got no token of Microsoft Entra ID for the client database."
    assert raised.value.operator.startswith("azure-identity says: ")
    assert "\n" not in raised.value.operator


def test_a_token_never_travels_without_tls(postgres_role: URL, identity: IdentityEndpoint) -> None:
    with pytest.raises(ExportError, match="TLS"):
        missing(postgres_role)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("postgresql://me:s3cret@host/clients?authentication=entra", "Leave out one of them"),
        ("postgresql://me@host/clients?authentication=s3cret", "Write authentication=entra"),
        ("postgresql://me@host/clients?authentication=entra&authentication=entra", "Write authentication=entra"),
        ("postgresql://host/clients?authentication=entra", "Write postgresql://user@server"),
        ("postgresql://me@host/clients?authentication=entra&sslmode=prefer", "sslmode=verify-full"),
        ("postgresql://me@localhost/c?host=db.example&authentication=entra&sslmode=disable", "sslmode=verify-full"),
        ("postgresql://me@localhost/c?hostaddr=192.0.2.1&authentication=entra&sslmode=allow", "sslmode=verify-full"),
        ("mysql://me:s3cret@host/clients?authentication=entra", "Leave out one of them"),
    ],
)
def test_an_address_that_contradicts_itself_says_what_to_change(url: str, advice: str) -> None:
    with pytest.raises(SourceRefusedError) as raised:
        missing(make_url(url))
    assert str(raised.value).startswith("The address of the client database (CLIENTS_DATABASE_URL) ")
    assert advice in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_mariadb_accepts_the_token_over_tls_that_checks_the_server(
    identity: IdentityEndpoint, server_files: Path
) -> None:
    authority, settings = certificates(server_files)
    with mariadb_server(settings) as text:
        make = (
            f"CREATE USER {ROLE}@'127.0.0.1' IDENTIFIED BY 'token-1' REQUIRE SSL",
            f"GRANT SELECT ON clients TO {ROLE}@'127.0.0.1'",
        )
        with role(make_url(text), *make, drop=f"DROP USER {ROLE}@'127.0.0.1'") as url:
            assert missing(url.update_query_dict({"ssl_ca": str(authority)})) == ()
            with pytest.raises(ExportError, match="certificate"):
                missing(url)


def test_a_token_is_sent_in_the_clear_inside_tls_to_a_server_that_asks_so(
    identity: IdentityEndpoint, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    passwords, _ = log_in(tls, tmp_path / "ca.pem")
    assert passwords == ["token-1"]


@pytest.mark.parametrize("file", ["ca.pem", None], ids=["own authority", "public authorities"])
def test_no_token_is_sent_in_the_clear_without_tls(
    identity: IdentityEndpoint, tmp_path: Path, file: str | None
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    passwords, fault = log_in(None, file and tmp_path / file)
    assert passwords == []
    assert "SSL is required" in fault


def test_no_token_is_sent_to_a_server_that_no_authority_knows(identity: IdentityEndpoint) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    passwords, fault = log_in(tls)
    assert passwords == []
    assert "CERTIFICATE_VERIFY_FAILED" in fault


def log_in(tls: ssl.SSLContext | None, authority: Path | str | None = None) -> tuple[list[str], str]:
    """Log in to a server that asks for the password in the clear.

    Returns:
        The passwords that it received, and the fault. There always is one: it does not know what our sessions set.
    """
    with a_clear_password_server("token-1", tls) as server:
        query = {"authentication": "entra", **({"ssl_ca": str(authority)} if authority else {})}
        engine = make_engine(URL.create("mysql", "app", None, "127.0.0.1", server.port, "clients", query))
        with pytest.raises(OperationalError) as raised:
            engine.raw_connection()
        engine.dispose()
        return server.received, str(raised.value)


def test_a_token_never_goes_to_a_mariadb_without_tls(mariadb_database: URL, identity: IdentityEndpoint) -> None:
    url = by_token(mariadb_database)
    with pytest.raises(ExportError, match="TLS"):
        missing(url)


def test_no_password_is_sent_in_the_clear_without_tls(tmp_path: Path) -> None:
    with a_clear_password_server("s3cret", None) as server:
        url = URL.create("mysql", "app", "s3cret", "127.0.0.1", server.port, "clients")
        with pytest.raises(SourceRefusedError, match="accepts only encrypted connections"):
            missing(url)
        assert server.received == []
