"""The log of a failed reading holds no data of clients, whatever a database says, and still names the cause."""

from __future__ import annotations

import re
import secrets
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import ExportError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from tests.support.closed_port import closed_port
from tests.support.sql_statements import run_statements

RECORDS = (
    "CREATE TABLE records (tenant varchar(40), code varchar(40), name varchar(40), PRIMARY KEY (tenant, code))",
    "INSERT INTO records VALUES ('t', 'C1', 'Mallory \"\nO\"\"Hara\n')",
)
"""The name of the client has quotes and line breaks, at which a careless redaction ends."""

VIEW = "CREATE VIEW clients AS SELECT tenant, code, name, {} AS email FROM records"


def log_of(url: URL) -> str:
    """Return what the log holds of the failure of a page."""
    with closing(SqlClientSource(url)) as source, pytest.raises(ExportError) as caught:
        list(source.read(ClientSelection("t", ("code", "email")), KeyRange()))
    log = "".join(traceback.format_exception(caught.value))
    assert "Mallory" not in log
    assert "Hara" not in log
    return log


# --- PostgreSQL

FUNCTION = "CREATE FUNCTION of_client(name text) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN {} END $$"
RAISED = "RAISE EXCEPTION USING MESSAGE = 'no server for ' || name, ERRCODE = '{}';"
DYNAMIC = "EXECUTE 'SELECT 1/0 AS \"' || replace(name, '\"', '') || '\"'; RETURN '';"


@pytest.mark.parametrize("state", ["08001", "XX001", "53300", "57014", "55P03", "25006", "42501", "42P01", "P0001"])
def test_a_function_of_postgresql_is_named_and_what_it_raises_is_not_shown(postgres_schema: URL, state: str) -> None:
    run_statements(postgres_schema, *RECORDS, FUNCTION.format(RAISED.format(state)), VIEW.format("of_client(name)"))

    assert f"{state}: in PL/pgSQL function of_client(text) line 1 at RAISE" in log_of(postgres_schema)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("name::int", "InvalidTextRepresentation 22P02"),
        ("to_tsquery('simple', name)::text", "SyntaxError 42601"),
        ("split_part(name, ' ', 1)::regclass::text", "UndefinedTable 42P01"),
        ("split_part(name, ' ', 1)::regproc::text", "UndefinedFunction 42883"),
        ("current_setting('app.' || name)", "UndefinedObject 42704"),
        ("('{' || name)::json::text", "InvalidTextRepresentation 22P02"),
        ("of_client(name)", "in PL/pgSQL function of_client(text) line 1 at EXECUTE"),
    ],
)
def test_values_that_postgresql_quotes_are_not_shown(postgres_schema: URL, expression: str, words: str) -> None:
    run_statements(postgres_schema, *RECORDS, FUNCTION.format(DYNAMIC), VIEW.format(expression))

    assert words in log_of(postgres_schema)


@pytest.mark.parametrize(
    "statement",
    ["{} || gone()", "{} FROM gone", "length({}) + gone", "{} || current_setting(''gone.x'')"],
)
def test_clients_that_a_function_of_postgresql_writes_into_a_statement_are_not_shown(
    postgres_schema: URL, statement: str
) -> None:
    text = statement.format("' || quote_literal(name) || '")
    body = f"DECLARE found text; BEGIN EXECUTE 'SELECT {text}' INTO found; RETURN found; END"
    made = FUNCTION.replace("BEGIN {} END", body)
    run_statements(postgres_schema, *RECORDS, made, VIEW.format("of_client(name)"))

    assert "in PL/pgSQL function of_client(text) line 1 at EXECUTE" in log_of(postgres_schema)


@pytest.fixture
def reader(postgres_schema: URL) -> Iterator[URL]:
    """The URL of a user of PostgreSQL that may read the view, which reads as this user."""
    name = f"reader_{secrets.token_hex(4)}"
    (schema,) = re.findall("search_path=(.+)", str(postgres_schema.query["options"]))
    view = VIEW.replace("clients", "clients WITH (security_invoker = true)").format("code")
    run_statements(postgres_schema, *RECORDS, view, f"CREATE ROLE {name} LOGIN PASSWORD 'secret'")
    run_statements(postgres_schema, f"GRANT USAGE ON SCHEMA {schema} TO {name}", f"GRANT SELECT ON clients TO {name}")
    yield postgres_schema.set(username=name, password="secret")
    run_statements(postgres_schema, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_the_log_names_the_table_that_a_user_of_postgresql_may_not_read(reader: URL) -> None:
    assert "permission denied for table records" in log_of(reader)


def test_the_log_names_the_table_whose_rows_postgresql_would_hide(postgres_schema: URL, reader: URL) -> None:
    run_statements(postgres_schema, f"GRANT SELECT ON records TO {reader.username}")
    run_statements(postgres_schema, "ALTER TABLE records ENABLE ROW LEVEL SECURITY")
    run_statements(postgres_schema, f"ALTER ROLE {reader.username} SET row_security = off")

    assert 'policy for table "records"' in log_of(reader)


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        ((), 'relation "clients" does not exist'),
        (
            ("CREATE MATERIALIZED VIEW clients AS SELECT *, '' AS email FROM records WITH NO DATA",),
            'materialized view "clients" has not been populated',
        ),
        (("CREATE SEQUENCE numbers", VIEW.format("nextval('numbers')")), "cannot execute nextval() in a read-only"),
    ],
)
def test_the_log_names_what_a_view_of_postgresql_lacks(
    postgres_schema: URL, statements: tuple[str, ...], words: str
) -> None:
    run_statements(postgres_schema, *RECORDS, *statements)

    assert words in log_of(postgres_schema)


@pytest.fixture
def foreign_server(postgres_schema: URL) -> Iterator[str]:
    """The name of a server, at whose port nothing is, that the view needs."""
    name = f"far_{secrets.token_hex(4)}"
    with closed_port() as port:
        run_statements(
            postgres_schema,
            "CREATE EXTENSION IF NOT EXISTS postgres_fdw SCHEMA public",
            f"CREATE SERVER {name} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '{port}')",
            f"CREATE FOREIGN TABLE records (tenant text, code text, name text) SERVER {name}",
            VIEW.format("name"),
        )
        yield name
    run_statements(postgres_schema, f"DROP SERVER {name} CASCADE")


def test_the_log_names_the_server_of_a_foreign_table(postgres_schema: URL, foreign_server: str) -> None:
    assert "user mapping not found for" in log_of(postgres_schema)
    login = "OPTIONS (user 'nobody', password 'secret')"
    run_statements(postgres_schema, f"CREATE USER MAPPING FOR CURRENT_USER SERVER {foreign_server} {login}")
    assert f'could not connect to server "{foreign_server}"' in log_of(postgres_schema)


# --- MariaDB


@pytest.mark.parametrize("number", [1045, 1142, 1146, 1054, 1356, 1205, 1040, 1049, 1644])
def test_what_a_function_of_mariadb_signals_is_not_shown(mariadb_database: URL, number: int) -> None:
    run_statements(
        mariadb_database,
        "SET GLOBAL log_bin_trust_function_creators = 1",
        *RECORDS,
        "CREATE FUNCTION of_client(name text) RETURNS text DETERMINISTIC BEGIN DECLARE said text "
        "DEFAULT CONCAT('no server for ', name); "
        f"SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = said; RETURN ''; END",
        VIEW.format("of_client(name)"),
    )

    log = log_of(mariadb_database)
    assert f"Error {number}: …" in log or "Error 1356: View" in log  # so the server hides names behind a view


@pytest.mark.parametrize("returned", ["date", "int", "enum('a')", "varchar(3)"])
def test_values_that_mariadb_quotes_are_not_shown(mariadb_database: URL, returned: str) -> None:
    run_statements(
        mariadb_database,
        "SET GLOBAL log_bin_trust_function_creators = 1",
        *RECORDS,
        f"CREATE FUNCTION of_client(name text) RETURNS {returned} DETERMINISTIC RETURN name",
        VIEW.format("of_client(name)"),
    )

    assert re.search(r"Error \d+: …", log_of(mariadb_database))


def test_the_log_names_what_a_view_of_mariadb_lacks(mariadb_database: URL) -> None:
    assert f"Table '{mariadb_database.database}.clients' doesn't exist" in log_of(mariadb_database)
    run_statements(mariadb_database, *RECORDS, VIEW.format("code"), "DROP TABLE records")
    assert f"View '{mariadb_database.database}.clients' references invalid table(s)" in log_of(mariadb_database)


# --- SQLite


@pytest.fixture
def file(tmp_path: Path) -> URL:
    """A SQLite file with records, and with an index of words."""
    path = tmp_path / "clients.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.create_function("of_program", 1, lambda text: text, deterministic=True)
        connection.execute("CREATE VIRTUAL TABLE found USING fts5(word)")
        for statement in RECORDS:
            connection.execute(statement)
    return make_url(f"sqlite:///{path}")


@pytest.mark.parametrize(
    "expression",
    [
        "json_extract('{}', name)",
        "json_extract(name, '$')",
        "CAST(x'4d616c6c6f7279ff' AS TEXT)",
        "(SELECT word FROM found WHERE found MATCH substr(records.name, 1, 7) || ':x')",
        "(SELECT word FROM found WHERE found MATCH substr(records.name, 1, 7) || ' )')",
    ],
)
def test_values_that_sqlite_quotes_are_not_shown(file: URL, expression: str) -> None:
    run_statements(file, VIEW.format(expression))

    assert ": …" in log_of(file)


def test_the_log_names_what_a_view_of_sqlite_lacks(file: URL) -> None:
    assert "no such table: clients" in log_of(file)
    run_statements(file, VIEW.format("of_program(code)"))
    assert "no such function: of_program" in log_of(file)
