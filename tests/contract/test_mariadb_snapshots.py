"""MariaDB shows snapshots only of tables that keep older versions of rows, so the login must be able to see that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import URL
from sqlalchemy.exc import OperationalError

from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import SourceRefusedError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection, ClientSnapshot
from tests.contract.client_stores import TENANT, SqlStore, client, empty_database


@pytest.fixture
def reader(mariadb_store: SqlStore) -> Iterator[URL]:
    """A login that may read the view, and nothing else."""
    name = f"r{mariadb_store.engine.url.database}"[:30]
    mariadb_store.execute(f"CREATE OR REPLACE USER {name}@'%' IDENTIFIED BY 'word'")
    mariadb_store.execute(f"GRANT SELECT ON clients TO {name}@'%'")
    yield mariadb_store.engine.url.set(username=name, password="word")
    mariadb_store.execute(f"DROP USER {name}@'%'")


def refusal(url: URL) -> str | None:
    """Take a snapshot; return why there is none."""
    with closing(SqlClientSource(url)) as source:
        try:
            with source.open_snapshot():
                return None
        except SourceRefusedError as error:
            return str(error)


def test_a_login_that_cannot_see_the_tables_of_the_view_gets_no_snapshot(mariadb_store: SqlStore, reader: URL) -> None:
    mariadb_store.put(client("A"))
    assert refusal(mariadb_store.engine.url) is None
    assert "cannot see the definition of the view clients" in str(refusal(reader))
    mariadb_store.execute(f"GRANT SHOW VIEW ON clients TO {reader.username}@'%'")
    assert "cannot see the table client_records" in str(refusal(reader))


def test_the_rights_that_the_refusal_names_are_enough_and_read_nothing_more(
    mariadb_store: SqlStore, reader: URL
) -> None:
    for right, name in (("SHOW VIEW", "clients"), ("REFERENCES", "client_records")):
        assert f"Grant the login {right} ON {name}" in str(refusal(reader))
        mariadb_store.execute(f"GRANT {right} ON {name} TO {reader.username}@'%'")
    assert refusal(reader) is None
    with (
        closing(SqlClientSource(reader)) as source,
        pytest.raises(SourceRefusedError),
        source._connection() as connection,
    ):
        connection.exec_driver_sql("SELECT * FROM client_records")

    mariadb_store.execute("ALTER TABLE client_records ENGINE = Aria")
    assert "client_records has the engine Aria" in str(refusal(reader))


def test_a_table_in_another_database_that_the_login_cannot_see_is_noticed(
    mariadb_store: SqlStore, reader: URL, mariadb_url: str
) -> None:
    mariadb_store.execute(f"GRANT SHOW VIEW ON clients TO {reader.username}@'%'")
    with empty_database(mariadb_url) as other:
        mariadb_store.execute(f"CREATE TABLE {other.database}.kept AS SELECT * FROM clients")
        mariadb_store.execute(f"CREATE OR REPLACE VIEW clients AS SELECT * FROM {other.database}.kept")
        assert "cannot see the table kept" in str(refusal(reader))


def test_an_alias_that_is_called_like_a_database_is_no_table(mariadb_store: SqlStore) -> None:
    database = mariadb_store.engine.url.database
    mariadb_store.execute("CREATE TABLE others (code INT)")
    view = (
        f"SELECT {database}.tenant, {database}.code, TRIM(BOTH ' ' FROM {database}.name) AS name "
        f"FROM client_records {database} LEFT JOIN (others AS o JOIN others AS p ON o.code = p.code) "
        f"ON {database}.code = o.code AND EXTRACT(YEAR FROM {database}.updated_at) = 2020"
    )
    mariadb_store.execute(f"CREATE OR REPLACE VIEW clients AS {view}")
    assert refusal(mariadb_store.engine.url) is None
    mariadb_store.execute("ALTER TABLE others ENGINE = Aria")
    assert "others has the engine Aria" in str(refusal(mariadb_store.engine.url))


def test_no_definition_behind_the_view_changes_before_a_snapshot_of_mariadb_ends(mariadb_store: SqlStore) -> None:
    mariadb_store.put(client("A"))
    mariadb_store.execute("CREATE VIEW inner_view AS SELECT * FROM client_records")
    mariadb_store.execute("CREATE OR REPLACE VIEW clients AS SELECT * FROM inner_view")

    def require_locks() -> None:
        for change in (
            "ALTER TABLE client_records ENGINE = Aria",
            "CREATE OR REPLACE VIEW inner_view AS SELECT 1",
            "CREATE OR REPLACE VIEW clients AS SELECT 1",
        ):
            with pytest.raises(OperationalError, match="Lock wait timeout"):
                mariadb_store.execute(f"SET STATEMENT lock_wait_timeout = 0 FOR {change}")

    with mariadb_store.source.open_snapshot() as snapshot:
        require_locks()
        assert codes_of(snapshot) == ["A"]
        require_locks()


def test_a_function_that_may_read_a_table_without_versions_is_refused(mariadb_store: SqlStore, reader: URL) -> None:
    mariadb_store.execute("CREATE TABLE kept (name VARCHAR(9)) ENGINE = MyISAM")
    mariadb_store.execute("CREATE FUNCTION `na``me`() RETURNS VARCHAR(9) READS SQL DATA RETURN (SELECT name FROM kept)")
    for call in ("`na``me`()", f"{mariadb_store.engine.url.database}.`na``me`()"):
        mariadb_store.execute(f"CREATE OR REPLACE VIEW inner_view AS SELECT tenant, code, {call} FROM client_records")
        mariadb_store.execute("CREATE OR REPLACE VIEW clients AS SELECT * FROM inner_view")
        assert "calls the function na`me, which may read tables" in str(refusal(mariadb_store.engine.url))
        with pytest.raises(SourceRefusedError, match="NO SQL"):
            mariadb_store.source.snapshot_reading()


def test_a_function_that_is_declared_to_read_no_table_is_allowed(mariadb_store: SqlStore, reader: URL) -> None:
    mariadb_store.execute("CREATE FUNCTION plain(x VARCHAR(9)) RETURNS VARCHAR(9) RETURN x")
    mariadb_store.execute("CREATE OR REPLACE VIEW clients AS SELECT tenant, plain(code) AS code FROM client_records")
    mariadb_store.execute(f"GRANT SHOW VIEW ON clients TO {reader.username}@'%'")
    mariadb_store.execute(f"GRANT REFERENCES ON client_records TO {reader.username}@'%'")
    mariadb_store.execute("ALTER FUNCTION plain NO SQL")
    assert "GRANT EXECUTE ON FUNCTION plain" in str(refusal(reader))
    mariadb_store.execute(f"GRANT EXECUTE ON FUNCTION plain TO {reader.username}@'%'")
    assert refusal(reader) is None


def test_texts_and_aliases_with_parentheses_are_no_functions(mariadb_store: SqlStore) -> None:
    strange = [
        "'`f`(' AS a",
        "'it''s `f`(' AS b",
        "'\\' `f`(' AS c",
        "tenant AS `x``y`",
        "(`code` = 'x')",
        "1 AS `f``(`",
    ]
    ctes = "WITH two (one, other) AS (SELECT tenant, code FROM client_records) SELECT *"
    mariadb_store.execute(f"CREATE OR REPLACE VIEW clients AS {ctes}, one AS tenant, other AS code FROM two")
    assert refusal(mariadb_store.engine.url) is None
    columns = ", ".join(["tenant", "code", *strange])
    mariadb_store.execute(f"CREATE OR REPLACE VIEW clients AS SELECT {columns} FROM client_records")
    assert refusal(mariadb_store.engine.url) is None


def codes_of(snapshot: ClientSnapshot) -> list[str]:
    selection = ClientSelection(TENANT, ("code",))
    return [code for rows in snapshot.clients.read(selection, KeyRange()) for (code,) in rows]
