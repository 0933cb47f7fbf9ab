"""Views that a database cannot read to the end: each has a sentence that says what to change."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import URL, create_engine

from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import ExportError, SourceMismatchError, SourceUnavailableError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from tests.contract.viewed_clients import TENANT

SELECTION = ClientSelection(TENANT, ("code", "email"))
RECORDS = (
    "CREATE TABLE records (tenant varchar(40), code varchar(40), name varchar(40), PRIMARY KEY (tenant, code))",
    f"INSERT INTO records VALUES ('{TENANT}', 'C1', 'a'), ('{TENANT}', 'C2', 'b'), ('{TENANT}', 'C3', 'c')",
)
VIEW = "CREATE VIEW clients AS SELECT tenant, code, name, {} AS email FROM records"
FUNCTION = "CREATE FUNCTION of_client(code text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN {} END $$"
STABLE = FUNCTION.replace("LANGUAGE", "STABLE LANGUAGE")
RAISED = "RAISE EXCEPTION 'a secret' USING ERRCODE = '{}';"


def run(url: URL, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def failure_of(url: URL) -> ExportError:
    """Return the error of a page of the view."""
    text = url.render_as_string(hide_password=False)
    with closing(SqlClientSource(text)) as source, pytest.raises(ExportError) as caught:
        list(source.read(SELECTION, KeyRange()))
    assert "a secret" not in f"{caught.value}{caught.value.operator}"
    return caught.value


# --- PostgreSQL


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (
            ("CREATE TABLE seen (code text)", FUNCTION.format("INSERT INTO seen VALUES (code); RETURN code;")),
            "calls a function or a sequence that changes the database",
        ),
        (("CREATE SEQUENCE numbers", VIEW.format("nextval('numbers')")), "or a sequence that changes the database"),
        ((FUNCTION.format("RETURN (SELECT gone FROM gone);"),), "refers to a table, a column or a function that is"),
        ((FUNCTION.format("RETURN (SELECT gone FROM records);"),), "refers to a table, a column or a function that is"),
        ((FUNCTION.format("RETURN gone(code);"),), "refers to a table, a column or a function that is missing"),
        ((VIEW.format("current_setting('app.tenant')"),), "needs a setting of the session"),
        (("CREATE MATERIALIZED VIEW clients AS SELECT *, '' AS email FROM records WITH NO DATA",), "run REFRESH"),
        ((FUNCTION.format(RAISED.format("XX001")),), "A table or an index behind the view clients is damaged"),
    ],
)
def test_what_a_view_of_postgresql_cannot_do_is_refused_with_the_change_to_make(
    postgres_schema: URL, statements: tuple[str, ...], words: str
) -> None:
    run(postgres_schema, *RECORDS, *statements)
    if not any(" clients " in statement for statement in statements):
        run(postgres_schema, VIEW.format("of_client(code)"))

    found = failure_of(postgres_schema)

    assert words in str(found)
    assert not isinstance(found, SourceUnavailableError)


@pytest.mark.parametrize(
    ("states", "words"),
    [(("08001", "08006", "HV00N"), "could not read from another server"), (("58P01",), "misses a file")],
)
def test_what_a_postgresql_server_itself_cannot_reach_is_not_called_a_silent_database(
    postgres_schema: URL, states: tuple[str, ...], words: str
) -> None:
    run(postgres_schema, *RECORDS)
    for state in states:
        run(postgres_schema, "DROP FUNCTION IF EXISTS of_client CASCADE", FUNCTION.format(RAISED.format(state)))
        run(postgres_schema, VIEW.format("of_client(code)"))

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
    run(postgres_schema, *RECORDS, *statements)
    if not any(" clients " in statement for statement in statements):
        run(postgres_schema, VIEW.format("of_client(code)"))

    found = failure_of(postgres_schema)

    assert isinstance(found, SourceMismatchError)
    assert "the expression in the view must not fail" in str(found)
    assert (found.column, found.private) == ("email", "The client has the code C2.")


@pytest.fixture
def reader(postgres_schema: URL) -> Iterator[URL]:
    """The URL of a user of PostgreSQL that may read `records` and the view."""
    name = f"reader_{secrets.token_hex(4)}"
    (schema,) = re.findall("search_path=(.+)", str(postgres_schema.query["options"]))
    view = VIEW.replace("clients", "clients WITH (security_invoker = true)").format("code")
    run(postgres_schema, *RECORDS, view, f"CREATE ROLE {name} LOGIN PASSWORD 'secret'")
    run(postgres_schema, f"GRANT USAGE ON SCHEMA {schema} TO {name}", f"GRANT SELECT ON records, clients TO {name}")
    yield postgres_schema.set(username=name, password="secret")
    run(postgres_schema, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_row_security_that_is_off_is_not_called_a_missing_grant(postgres_schema: URL, reader: URL) -> None:
    run(postgres_schema, "ALTER TABLE records ENABLE ROW LEVEL SECURITY")
    run(postgres_schema, "CREATE POLICY first_only ON records USING (code = 'C1')")
    run(postgres_schema, f"ALTER ROLE {reader.username} SET row_security = off")

    found = failure_of(reader)

    assert "Row-level security would hide clients from this user" in str(found)
    assert "GRANT" not in found.operator
