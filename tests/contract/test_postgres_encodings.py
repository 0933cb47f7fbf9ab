"""Databases in other character sets: clients are read, filters find nobody by foreign text, bad bytes are named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url

from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import SourceMismatchError
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import Boundaries, KeyRange
from exports.file.renderer import render_lists
from exports.ports.clients import ClientSelection
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from exports.request.filters import ClientFilter

RENDERER = CsvRenderer([ColumnMapping(csv_header="Name", target_field=TargetField.NAME)])
SELECTION = ClientSelection("t", RENDERER.source_columns)
OTHERS = ("email", "internal_reference", "company_number", "trading_as", "contact_name", "manager_code")

Open = Callable[[str, str], SqlClientSource]


@pytest.fixture
def in_encoding(postgres_url: str) -> Iterator[Open]:
    """Return a function that opens a database of an encoding, whose only client C1 has the name that the SQL gives."""
    with ExitStack() as stack:
        yield lambda encoding, name: stack.enter_context(_database(postgres_url, encoding, name))


@contextmanager
def _database(server: str, encoding: str, name: str) -> Iterator[SqlClientSource]:
    url = make_url(server).set(drivername="postgresql+psycopg")
    database = f"test_{uuid4().hex}"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(
            f"CREATE DATABASE {database} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    inside = create_engine(url.set(database=database), connect_args={"client_encoding": "utf8"})
    with inside.begin() as connection:
        listed = ", ".join(f"NULL::text AS {column}" for column in OTHERS)
        connection.exec_driver_sql("CREATE TABLE kept (tenant text, code text, name text)")
        connection.exec_driver_sql(f"INSERT INTO kept VALUES ('t', 'C0', 'plain'), ('t', 'C1', {name})")
        connection.exec_driver_sql(f"CREATE VIEW clients AS SELECT *, {listed} FROM kept")
    inside.dispose()
    try:
        with closing(SqlClientSource(url.set(database=database))) as source:
            yield source
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {database} WITH (FORCE)")
        admin.dispose()


@pytest.mark.parametrize("encoding", ["LATIN1", "WIN1252", "LATIN9", "UTF8"])
def test_text_of_other_character_sets_is_written_in_utf_8_on_both_paths(in_encoding: Open, encoding: str) -> None:
    source = in_encoding(encoding, "'Café'")

    copied = b"".join(part.data for part in source.render(SELECTION, KeyRange(), RENDERER))

    assert copied == "plain\r\nCafé\r\n".encode()
    assert copied == b"".join(part.data for part in render_lists(source.read(SELECTION, KeyRange()), RENDERER))


@pytest.mark.parametrize(
    "wanted", [ClientFilter(search="Łódź"), ClientFilter(search="😀"), ClientFilter(manager_codes=("Ł1",))]
)
def test_a_filter_by_text_outside_the_character_set_finds_nobody(in_encoding: Open, wanted: ClientFilter) -> None:
    source = in_encoding("LATIN1", "'Café'")
    selection = ClientSelection("t", ("code",), wanted)

    assert source.find_boundaries(selection, 10) == Boundaries(0, ())
    assert list(source.read(selection, KeyRange())) == []
    assert source.find_boundaries(ClientSelection("Łódź", ("code",)), 10) == Boundaries(0, ())
    assert source.find_boundaries(ClientSelection("t", ("code",), ClientFilter(search="Caf")), 10).total_rows == 1


def test_bytes_that_are_not_utf_8_fail_by_column_and_client(in_encoding: Open) -> None:
    source = in_encoding("SQL_ASCII", "'Caf' || convert_from('\\xe9'::bytea, 'SQL_ASCII')")

    for read in (
        lambda: list(source.render(SELECTION, KeyRange(), RENDERER)),
        lambda: list(source.sample(SELECTION, [KeyRange()], 5)),
        lambda: list(source.render_samples(SELECTION, ["C0"], 5, RENDERER)),
    ):
        with pytest.raises(SourceMismatchError) as caught:
            read()
        assert "The column name of the clients view" in str(caught.value)
        assert "C1" in caught.value.private


def test_utf_8_in_a_database_without_a_character_set_is_written(in_encoding: Open) -> None:
    source = in_encoding("SQL_ASCII", "'Café'")

    assert (
        b"".join(part.data for part in source.render(SELECTION, KeyRange(), RENDERER)) == "plain\r\nCafé\r\n".encode()
    )
