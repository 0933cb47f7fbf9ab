"""Views that a database cannot read to the end: each has a sentence that says what to change."""

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
from exports.errors import ExportError, SourceMismatchError, SourceUnavailableError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from tests.contract.viewed_clients import TENANT
from tests.support.sql_statements import run_statements

SELECTION = ClientSelection(TENANT, ("code", "email"))
RECORDS = (
    "CREATE TABLE records (tenant varchar(40), code varchar(40), name varchar(40), PRIMARY KEY (tenant, code))",
    f"INSERT INTO records VALUES ('{TENANT}', 'C1', 'a'), ('{TENANT}', 'C2', 'b'), ('{TENANT}', 'C3', 'c')",
)
VIEW = "CREATE VIEW clients AS SELECT tenant, code, name, {} AS email FROM records"
FUNCTION = "CREATE FUNCTION of_client(code text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN {} END $$"
STABLE = FUNCTION.replace("LANGUAGE", "STABLE LANGUAGE")
RAISED = "RAISE EXCEPTION 'a secret' USING ERRCODE = '{}';"


def failure_of(url: URL) -> ExportError:
    """Return the error of a page of the view."""
    text = url.render_as_string(hide_password=False)
    with closing(SqlClientSource(text)) as source, pytest.raises(ExportError) as caught:
        list(source.read(SELECTION, KeyRange()))
    log = "".join(traceback.format_exception(caught.value))
    assert "a secret" not in f"{caught.value}{caught.value.operator}{log}"
    return caught.value


# --- PostgreSQL


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (
            ("CREATE TABLE seen (code text)", FUNCTION.format("INSERT INTO seen VALUES (code); RETURN code;")),
            "calls a function or a sequence that changes the database",
        ),
        (
            ("CREATE TABLE seen (code text)", STABLE.format("INSERT INTO seen VALUES (code); RETURN code;")),
            "calls a function or a sequence that changes the database",
        ),
        (("CREATE SEQUENCE numbers", VIEW.format("nextval('numbers')")), "or a sequence that changes the database"),
        ((FUNCTION.format("RETURN (SELECT gone FROM gone);"),), "refers to a table, a column or a function that is"),
        ((FUNCTION.format("RETURN (SELECT gone FROM records);"),), "refers to a table, a column or a function that is"),
        ((FUNCTION.format("RETURN gone(code);"),), "refers to a table, a column or a function that is missing"),
        ((VIEW.format("current_setting('app.tenant')"),), "needs a setting of the session"),
        (("CREATE MATERIALIZED VIEW clients AS SELECT *, '' AS email FROM records WITH NO DATA",), "run REFRESH"),
        (
            (FUNCTION.format(RAISED.format("22P04")),),
            "A file that the view clients reads through a foreign",
        ),
        ((FUNCTION.format(RAISED.format("XX001")),), "A table or an index behind the view clients is damaged"),
    ],
)
def test_what_a_view_of_postgresql_cannot_do_is_refused_with_the_change_to_make(
    postgres_schema: URL, statements: tuple[str, ...], words: str
) -> None:
    run_statements(postgres_schema, *RECORDS, *statements)
    if not any(" clients " in statement for statement in statements):
        run_statements(postgres_schema, VIEW.format("of_client(code)"))

    found = failure_of(postgres_schema)

    assert words in str(found)
    assert not isinstance(found, SourceUnavailableError)


@pytest.mark.parametrize(
    ("states", "words"),
    [(("08001", "08006", "HV00N"), "could not read from another server"), (("58P01",), "misses a file")],
)
def test_what_a_postgresql_server_cannot_reach_is_not_called_a_silent_database(
    postgres_schema: URL, states: tuple[str, ...], words: str
) -> None:
    run_statements(postgres_schema, *RECORDS)
    for state in states:
        run_statements(
            postgres_schema, "DROP FUNCTION IF EXISTS of_client CASCADE", FUNCTION.format(RAISED.format(state))
        )
        run_statements(postgres_schema, VIEW.format("of_client(code)"))

        found = failure_of(postgres_schema)

        assert words in str(found)
        assert isinstance(found, SourceUnavailableError)


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE DOMAIN mail AS text CHECK (VALUE <> 'C2')", VIEW.format("code::mail")),
        ("CREATE DOMAIN mail AS text NOT NULL", VIEW.format("nullif(code, 'C2')::mail")),
        (VIEW.format("repeat(CASE code WHEN 'C2' THEN code END, 600000000)"),),
        (STABLE.format("CASE code WHEN 'C1', 'C3' THEN RETURN code; END CASE;"),),
        (STABLE.format("IF code = 'C2' THEN RETURN of_client(code); END IF; RETURN code;"),),
        (STABLE.format("IF code = 'C2' THEN " + RAISED.format("U1234") + " END IF; RETURN code;"),),
        (STABLE.format("IF code = 'C2' THEN " + RAISED.format("38000") + " END IF; RETURN code;"),),
    ],
)
def test_a_client_for_whom_a_view_of_postgresql_fails_is_named(
    postgres_schema: URL, statements: tuple[str, ...]
) -> None:
    run_statements(postgres_schema, *RECORDS, *statements)
    if not any(" clients " in statement for statement in statements):
        run_statements(postgres_schema, VIEW.format("of_client(code)"))

    found = failure_of(postgres_schema)

    assert isinstance(found, SourceMismatchError)
    assert "the expression in the view must not fail" in str(found)
    assert isinstance(found, SourceMismatchError)
    assert (found.column, found.private) == ("email", "The client has the code C2.")


@pytest.fixture
def reader(postgres_schema: URL) -> Iterator[URL]:
    """The URL of a user of PostgreSQL that may read `records` and the view."""
    name = f"reader_{secrets.token_hex(4)}"
    (schema,) = re.findall("search_path=(.+)", str(postgres_schema.query["options"]))
    view = VIEW.replace("clients", "clients WITH (security_invoker = true)").format("code")
    run_statements(postgres_schema, *RECORDS, view, f"CREATE ROLE {name} LOGIN PASSWORD 'secret'")
    run_statements(
        postgres_schema, f"GRANT USAGE ON SCHEMA {schema} TO {name}", f"GRANT SELECT ON records, clients TO {name}"
    )
    yield postgres_schema.set(username=name, password="secret")
    run_statements(postgres_schema, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_row_security_that_is_off_is_not_called_a_missing_grant(postgres_schema: URL, reader: URL) -> None:
    run_statements(postgres_schema, "ALTER TABLE records ENABLE ROW LEVEL SECURITY")
    run_statements(postgres_schema, "CREATE POLICY first_only ON records USING (code = 'C1')")
    run_statements(postgres_schema, f"ALTER ROLE {reader.username} SET row_security = off")

    found = failure_of(reader)

    assert "Row-level security would hide clients from this user" in str(found)
    assert "GRANT" not in found.operator


# --- SQLite


@pytest.fixture
def file(tmp_path: Path) -> URL:
    """A SQLite file with records. It knows a function and a collation of the program that made it."""
    path = tmp_path / "clients.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.create_function("of_program", 1, lambda text: text, deterministic=True)
        connection.create_collation("OF_PROGRAM", lambda one, other: (one > other) - (one < other))
        for statement in RECORDS:
            connection.execute(statement)
        connection.execute("CREATE TABLE sorted (code TEXT COLLATE OF_PROGRAM, email TEXT)")
        connection.execute("CREATE TABLE computed (code TEXT, email TEXT AS (of_program(code)))")
    return make_url(f"sqlite:///{path}")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (VIEW.format("of_program(code)"), "needs a function, a collation or a module"),
        ("CREATE VIEW clients AS SELECT 't' AS tenant, code, '' AS name, email FROM computed", "needs a function"),
        ("CREATE VIEW clients AS SELECT 't' AS tenant, code, '' AS name, email FROM sorted ORDER BY code", "collation"),
        (VIEW.format("gone"), "refers to a table, a column or a function that is missing"),
        (VIEW.format("(SELECT gone FROM records)"), "refers to a table, a column or a function that is missing"),
        (
            "CREATE VIEW clients (tenant, code, email) AS SELECT tenant, code FROM records",
            "refers to a table, a column",
        ),
        (VIEW.format("(SELECT email FROM clients)"), "refers to a table, a column or a function that is missing"),
    ],
)
def test_what_a_view_of_sqlite_cannot_do_is_refused_with_the_change_to_make(
    file: URL, statement: str, words: str
) -> None:
    run_statements(file, statement)

    found = failure_of(file)

    assert words in str(found)
    assert not isinstance(found, SourceUnavailableError)


@pytest.mark.parametrize(
    "expression",
    [
        "json_extract(CASE code WHEN 'C2' THEN '{a secret' ELSE '{}' END, '$.mail')",
        "json_extract('{}', CASE code WHEN 'C2' THEN 'a secret' ELSE '$' END)",
        "json_quote(CASE code WHEN 'C2' THEN x'00' END)",
        "abs(CASE code WHEN 'C2' THEN -9223372036854775808 END)",
        "CASE code WHEN 'C2' THEN zeroblob(2000000000) END",
        "code LIKE CASE code WHEN 'C2' THEN hex(zeroblob(60000)) END",
        "code LIKE 'x' ESCAPE CASE code WHEN 'C2' THEN 'ab' ELSE 'a' END",
    ],
)
def test_a_client_for_whom_a_view_of_sqlite_fails_is_named(file: URL, expression: str) -> None:
    run_statements(file, VIEW.format(expression))

    found = failure_of(file)

    assert "the expression in the view must not fail" in str(found)
    assert isinstance(found, SourceMismatchError)
    assert (found.column, found.private) == ("email", "The client has the code C2.")


def test_a_code_with_a_nul_at_the_end_of_a_page_is_refused_as_that(file: URL) -> None:
    run_statements(file, f"INSERT INTO records VALUES ('{TENANT}', 'C' || char(0), 'x')", VIEW.format("name"))

    with closing(SqlClientSource(file)) as source:
        (start, *_) = source.find_boundaries(SELECTION, 1).starts
        with pytest.raises(SourceMismatchError, match="holds a code with the character NUL") as caught:
            list(source.read(SELECTION, KeyRange("C\0", start)))
    assert "another type" not in str(caught.value)


# --- MariaDB

FUNCTION_OF_MARIADB = "CREATE FUNCTION of_client(code varchar(40)) RETURNS {} {}"


@pytest.fixture
def mariadb(mariadb_database: URL) -> URL:
    """The URL of a database with records, in which a user may make functions."""
    run_statements(mariadb_database, "SET GLOBAL log_bin_trust_function_creators = 1", *RECORDS)
    return mariadb_database


@pytest.mark.parametrize(
    ("statement", "expression"),
    [
        ("CREATE SEQUENCE numbers", "NEXT VALUE FOR numbers"),
        (
            FUNCTION_OF_MARIADB.format("int", "BEGIN INSERT INTO records VALUES ('t', code, ''); RETURN 1; END"),
            "of_client(code)",
        ),
    ],
)
def test_a_view_of_mariadb_that_writes_is_refused_as_that(mariadb: URL, statement: str, expression: str) -> None:
    run_statements(mariadb, statement, VIEW.format(expression))

    assert "calls a function or a sequence that changes the database" in str(failure_of(mariadb))


@pytest.mark.parametrize(
    ("returned", "body"),
    [
        ("date", "RETURN IF(code = 'C2', 'a secret', '2026-01-31')"),
        ("int", "RETURN IF(code = 'C2', 'a secret', '7')"),
        ("enum('C1', 'C3')", "RETURN code"),
        ("varchar(9) CHARACTER SET latin1", "RETURN IF(code = 'C2', '日', code)"),
        ("date", "RETURN STR_TO_DATE(IF(code = 'C2', 'a secret', '2026'), '%%Y')"),
        ("int", "BEGIN CASE code WHEN 'C1' THEN RETURN 1; WHEN 'C3' THEN RETURN 3; END CASE; END"),
        ("int", "BEGIN IF code <> 'C2' THEN RETURN 1; END IF; END"),
        ("text", "BEGIN SELECT r.name INTO @x FROM records AS r WHERE code IN ('C2', r.code); RETURN @x; END"),
        ("text", "RETURN IF(code = 'C2', of_client(code), code)"),
    ],
)
def test_a_client_for_whom_a_function_of_mariadb_fails_is_named(mariadb: URL, returned: str, body: str) -> None:
    made = FUNCTION_OF_MARIADB.format(returned, f"DETERMINISTIC {body}")
    run_statements(mariadb, made, VIEW.format("CASE code WHEN 'C2' THEN of_client(code) END"))

    found = failure_of(mariadb)

    assert "The column email of the clients view holds a value" in str(found)
    assert isinstance(found, SourceMismatchError)
    assert (found.column, found.private) == ("email", "The client has the code C2.")
