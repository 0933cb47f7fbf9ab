"""MariaDB shows snapshots only of tables that keep older versions of rows, so the login must be able to see that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import URL

from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import SourceRefusedError
from tests.contract.client_stores import SqlStore, client, empty_database


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
