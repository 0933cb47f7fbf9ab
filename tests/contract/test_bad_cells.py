"""A value that cannot be read or written is found among many clients, and its column and its client are named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import URL, create_engine

from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import SourceMismatchError
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.file.renderer import render_lists
from exports.ports.clients import ClientSelection
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from exports.request.filters import ClientFilter

FIELDS = (TargetField.NAME, TargetField.VAT_REG_DATE, TargetField.PCL_SENT, TargetField.EMAIL)
RENDERER = CsvRenderer([ColumnMapping(csv_header=field.value, target_field=field) for field in FIELDS])
SELECTION = ClientSelection("t", RENDERER.source_columns)
SEARCHED = ("internal_reference", "company_number", "trading_as", "contact_name")
ROWS = 1_000
BAD = {
    "vat_reg_date": ("DATE '2026-01-31'", "DATE 'infinity'"),
    "pcl_sent": ("'t'::text", "'perhaps'::text"),
    "email": ("1 / 1", "1 / (n - n)"),
}
"""The SQL of a good and of a bad value, by column."""

Read = Callable[[SqlClientSource, ClientSelection, KeyRange], Any]
PATHS: dict[str, Read] = {
    "copy": lambda source, selection, keys: list(source.render(selection, keys, RENDERER)),
    "rows": lambda source, selection, keys: list(render_lists(source.read(selection, keys), RENDERER)),
}


@pytest.fixture
def show(postgres_schema: URL) -> Iterator[Callable[..., SqlClientSource]]:
    """Return a function that makes a view of clients in which one column of one client is bad."""
    engine = create_engine(postgres_schema)
    with closing(SqlClientSource(postgres_schema)) as source:

        def make(column: str, client: int) -> SqlClientSource:
            def value(name: str) -> str:
                good, bad = BAD[name]
                return f"CASE WHEN n = {client} THEN {bad} ELSE {good} END" if name == column else good

            columns = ", ".join(f"{value(name)} AS {name}" for name in BAD)
            others = ", ".join(f"NULL::text AS {name}" for name in SEARCHED)
            with engine.begin() as connection:
                connection.exec_driver_sql(
                    f"CREATE VIEW clients AS SELECT 't'::text AS tenant, 'C' || lpad(n::text, 4, '0') AS code, "
                    f"'x' || n AS name, {columns}, {others} FROM generate_series(1, {ROWS}) AS n"
                )
            return source

        yield make
    engine.dispose()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("column", BAD)
@pytest.mark.parametrize("client", [1, pytest.param(637, marks=pytest.mark.thorough), ROWS])
def test_the_bad_value_of_one_client_in_a_page_is_named(
    show: Callable[..., SqlClientSource], column: str, client: int, path: str
) -> None:
    source = show(column, client)

    for selection in (SELECTION, ClientSelection("t", SELECTION.columns, ClientFilter(search="x"))):
        with pytest.raises(
            SourceMismatchError, match=f"The column {column} of the clients view holds a value"
        ) as caught:
            PATHS[path](source, selection, KeyRange())
        assert caught.value.private == f"The client has the code C{client:04d}."


@pytest.mark.parametrize("path", PATHS)
def test_pages_without_the_bad_value_are_written(show: Callable[..., SqlClientSource], path: str) -> None:
    source = show("vat_reg_date", 637)

    assert sum(part.rows for part in PATHS[path](source, SELECTION, KeyRange(None, "C0637"))) == 636
    assert sum(part.rows for part in PATHS[path](source, SELECTION, KeyRange("C0638"))) == ROWS - 637


def test_a_sample_finds_the_bad_values_among_its_clients_only(show: Callable[..., SqlClientSource]) -> None:
    source = show("vat_reg_date", 503)
    before, at = [KeyRange("C0400"), KeyRange("C0500", "C0503")], KeyRange("C0500")

    assert [len(rows) for rows in source.sample(SELECTION, before, 5)] == [5, 3]
    for read in (
        lambda: list(source.sample(SELECTION, [*before, at], 5)),
        lambda: list(source.render_samples(SELECTION, ["C0001", "C0500"], 5, RENDERER)),
    ):
        with pytest.raises(SourceMismatchError, match="vat_reg_date") as caught:
            read()
        assert "C0503" in caught.value.private
