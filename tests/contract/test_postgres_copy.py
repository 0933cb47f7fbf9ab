"""PostgreSQL writes records itself, and they are exactly those of the renderer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import URL, Select, create_engine

from exports.adapters.clients_sql import source as sql_clients
from exports.adapters.clients_sql.dialects.registry import dialect_named
from exports.adapters.clients_sql.source import SqlClientSource
from exports.adapters.clients_sql.sql import statements as sql_statements
from exports.adapters.clients_sql.sql.columns import ClientView
from exports.errors import SourceMismatchError, SourceUnavailableError
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.file.renderer import Records, render_lists
from exports.ports.clients import ClientSelection
from exports.request.columns import ALL_COLUMNS, ColumnMapping
from exports.request.fields import VIEW_COLUMNS, TargetField
from exports.request.formats import CsvFormat, Quoting
from tests.contract.client_stores import TENANT, SqlStore, client

RFC4180 = CsvFormat()
VIEW = ClientView(dialect_named("postgresql"))

REPLACED = {
    "small numbers": ("telephone", "42::smallint"),
    "numbers": ("telephone", "-7"),
    "large numbers": ("telephone", "9007199254740993"),
    "varying": ("telephone", "'x '::varchar(9)"),
    "padded": ("telephone", "'x'::char(9)"),
    "padded, empty": ("telephone", "''::char(3)"),
    "padded, none": ("telephone", "NULL::char(3)"),
    "an identifier": ("telephone", "'6ecd8c99-4036-403d-bf84-cf8400f67836'::uuid"),
    "an enumeration": ("telephone", "'sad'::mood"),
    "a domain": ("telephone", "'x'::word"),
    "another collation": ("telephone", """'x' COLLATE "C" """),
    "a moment without zone": ("vat_reg_date", "timestamp '2026-01-31 23:59:59.999'"),
    "lines of numbers": ("postal_address_line1", "12"),
    "padded lines": ("postal_address_line1", "' x'::char(9)"),
    "a number with a fraction": ("telephone", "1.50"),
    "an inexact number": ("telephone", "1e30::float8"),
    "a truth as text": ("telephone", "true"),
    "a moment as text": ("telephone", "timestamptz '2026-01-31 23:30:00Z'"),
    "truths as text": ("pcl_sent", "' TRUE '"),
    "truths as numbers": ("pcl_sent", "1"),
    "days as text": ("vat_reg_date", "'2026-01-31T10:00'"),
    "lines with fractions": ("postal_address_line1", "1.50"),
}


@pytest.fixture
def source(postgres_schema: URL, postgres_store: SqlStore) -> Iterator[SqlClientSource]:
    with closing(SqlClientSource(postgres_schema)) as source:
        yield source


def replace_column(store: SqlStore, column: str, value: str) -> None:
    store.execute("CREATE TYPE mood AS ENUM ('sad', 'a,b')")
    store.execute("CREATE DOMAIN word AS text")
    others = ", ".join(name for name in VIEW_COLUMNS if name != column)
    store.replace_view(f"SELECT {others}, {value} AS {column} FROM client_records")


def render(source: SqlClientSource, chosen: CsvFormat = RFC4180, *fields: TargetField) -> list[Records]:
    columns = [ColumnMapping(csv_header=field.value, target_field=field) for field in fields]
    renderer = CsvRenderer(columns or ALL_COLUMNS, chosen)
    return list(source.render(ClientSelection(TENANT, renderer.source_columns), KeyRange(), renderer))


def expected(source: SqlClientSource, chosen: CsvFormat = RFC4180) -> list[Records]:
    renderer = CsvRenderer(ALL_COLUMNS, chosen)
    return list(render_lists(source.read(ClientSelection(TENANT, renderer.source_columns), KeyRange()), renderer))


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail every read of rows."""

    def refuse(*_: Any) -> Iterator[Records]:
        raise AssertionError("rows were read")

    monkeypatch.setattr(sql_clients, "render_lists", refuse)
    monkeypatch.setattr(sql_clients, "render_samples", refuse)


@pytest.mark.parametrize("case", REPLACED)
def test_postgresql_writes_types_that_it_prints_like_the_renderer(
    postgres_store: SqlStore, source: SqlClientSource, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_column(postgres_store, *REPLACED[case])
    postgres_store.put(client("C1"), client("C2"))
    formats = [CsvFormat(quoting=quoting) for quoting in (Quoting.MINIMAL, Quoting.ALL)]
    wanted = [expected(source, chosen) for chosen in formats]

    monkeypatch.setattr(sql_clients, "render_lists", None)
    assert [render(source, chosen) for chosen in formats] == wanted


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("kind", ["text", "varchar(9)", "char(9)", 'text COLLATE "C"'])
def test_samples_begin_at_their_codes_for_every_text_type(
    postgres_store: SqlStore, source: SqlClientSource, kind: str
) -> None:
    replace_column(postgres_store, "code", f"code::{kind}")
    postgres_store.put(*(client(f"C{n}") for n in range(5)))
    renderer = CsvRenderer([ColumnMapping(csv_header="Code", target_field=TargetField.CODE)])

    samples = list(
        source.render_samples(ClientSelection(TENANT, renderer.source_columns), ["C3", "C1", "C4 "], 2, renderer)
    )

    trimmed = [[code.rstrip() for code in sample.data.decode().split()] for sample in samples]
    assert trimmed[:2] == [["C3", "C4"], ["C1", "C2"]]
    assert [sample.rows for sample in samples] == [2, 2, 1 if kind == "char(9)" else 0]


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize(
    ("text", "is_date"),
    [
        *(("2026-05-31", True), ("2026-05-31T23:00", True), ("2026-05-31 11:00:00.5 pm ", True)),
        *(("2026-05-31 ", True), ("2026-05-31 (estimated)", True), ("2026-05-31T", True)),
        *(("2026-05-31T23:00:00Z", False), ("2026-05-31 23:00+02", False), ("2026-05-31 23:00 UTC", False)),
        *(("2026-05-31T23Z", False), ("2026-05-31Z", False), ("2026-05-31 1st", False)),
    ],
)
@pytest.mark.parametrize("collation", ['"C"', "any_case"])
def test_text_of_a_moment_with_a_zone_is_no_date_by_copy_and_by_rows(
    postgres_schema: URL, text: str, is_date: bool, collation: str
) -> None:
    engine = create_engine(postgres_schema)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        )
        connection.exec_driver_sql(
            "CREATE VIEW clients AS SELECT 't'::text AS tenant, 'C1'::text AS code, 'x'::text AS name, "
            f"'{text}'::text COLLATE {collation} AS vat_reg_date"
        )
    engine.dispose()
    renderer = CsvRenderer([ColumnMapping(csv_header="D", target_field=TargetField.VAT_REG_DATE)], CsvFormat())
    selection = ClientSelection("t", renderer.source_columns)
    with closing(SqlClientSource(postgres_schema)) as source:
        paths = (source.render(selection, KeyRange(), renderer), _read(source, selection, renderer))
        for records in paths:
            if is_date:
                assert b"".join(part.data for part in records) == b"2026-05-31\r\n"
            else:
                with pytest.raises(SourceMismatchError, match="vat_reg_date"):
                    list(records)


def _read(source: SqlClientSource, selection: ClientSelection, renderer: CsvRenderer) -> Iterator[Records]:
    return render_lists(source.read(selection, KeyRange()), renderer)


@pytest.mark.parametrize("style", ["SQL, DMY", "German", "Postgres, MDY"])
def test_dates_do_not_depend_on_the_date_style_of_the_database(
    postgres_schema: URL, postgres_store: SqlStore, style: str
) -> None:
    postgres_store.put(client("C1", vat_reg_date="2026-01-31"))
    options = f"{postgres_schema.query['options']} -cdatestyle={style.replace(' ', '')}"

    with closing(SqlClientSource(postgres_schema.update_query_dict({"options": options}))) as source:
        assert render(source, CsvFormat(), TargetField.VAT_REG_DATE) == [Records(1, b"2026-01-31\r\n", "C1", "C1")]


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("day", ["infinity", "-infinity", "10000-01-01", "0044-03-15 BC"])
def test_a_day_beyond_the_calendar_is_a_mismatch(postgres_store: SqlStore, source: SqlClientSource, day: str) -> None:
    postgres_store.put(client("C1"), client("C2", vat_reg_date=day))

    with pytest.raises(SourceMismatchError):
        render(source)


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("code", ["C1", 'C,"1'])
def test_a_client_that_occurs_twice_is_a_mismatch(postgres_store: SqlStore, source: SqlClientSource, code: str) -> None:
    postgres_store.replace_view("SELECT * FROM client_records UNION ALL SELECT * FROM client_records")
    postgres_store.put(client(code))

    with pytest.raises(SourceMismatchError) as caught:
        render(source)
    assert "a client more than once" in str(caught.value)
    assert caught.value.private == f"It is {code}."


@pytest.mark.usefixtures("unread")
def test_a_client_that_occurs_twice_is_noticed_between_two_pieces(
    postgres_store: SqlStore, source: SqlClientSource
) -> None:
    postgres_store.replace_view("SELECT * FROM client_records UNION ALL SELECT * FROM client_records")
    postgres_store.put(client("C1", name="x" * 1_100_000))

    with pytest.raises(SourceMismatchError, match="a client more than once"):
        render(source)


@pytest.mark.usefixtures("unread")
def test_a_page_arrives_in_pieces_of_about_a_quarter_of_a_mebibyte(
    postgres_store: SqlStore, source: SqlClientSource
) -> None:
    postgres_store.put(*(client(f"C{number:04d}", name="x" * 10_000) for number in range(400)))

    pieces = render(source)

    assert sum(records.rows for records in pieces) == 400
    assert len(pieces) == 15
    assert all(len(records.data) < 280_000 for records in pieces)


def test_a_statement_that_fails_midway_can_be_retried(postgres_store: SqlStore, source: SqlClientSource) -> None:
    """The source discards the connection, and the next page gets another one."""
    postgres_store.put(*(client(f"C{number:04d}", name="x" * 10_000) for number in range(400)))
    slow = ", ".join(name for name in VIEW_COLUMNS if name != "email")
    late = "CASE WHEN code = 'C0300' THEN pg_terminate_backend(pg_backend_pid())::text END"
    postgres_store.replace_view(f"SELECT {slow}, {late} AS email FROM client_records")

    with pytest.raises(SourceUnavailableError):
        render(source)
    postgres_store.replace_view("SELECT * FROM client_records")
    assert sum(records.rows for records in render(source)) == 400


def test_with_an_index_planning_reads_only_the_index_and_pages_do_not_sort(
    postgres_store: SqlStore, source: SqlClientSource
) -> None:
    postgres_store.put(*(client(f"C{number:04d}") for number in range(2_000)))
    renderer = CsvRenderer(ALL_COLUMNS)
    selection = ClientSelection(TENANT, renderer.source_columns)

    planning = explained(source, sql_statements.boundaries(VIEW, selection, 100))
    reading = explained(source, sql_statements.page(VIEW, selection, KeyRange("C0100", "C0200")))

    assert "Index Only Scan" in planning
    assert "Index Scan" in reading
    assert "Sort" not in reading


def explained(source: SqlClientSource, statement: Select[Any]) -> str:
    """Return the plan that PostgreSQL would choose for a table too large to be read as a whole."""
    with source._connection() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
        plan = connection.exec_driver_sql(f"EXPLAIN {compiled}", compiled.params)
        return "\n".join(line for (line,) in plan)


def test_each_page_is_written_by_the_types_that_its_columns_have_now(
    postgres_store: SqlStore, source: SqlClientSource
) -> None:
    postgres_store.put(client("C1"))
    others = ", ".join(name for name in VIEW_COLUMNS if name != "telephone")
    moment = "timestamptz '2026-01-31 23:30:00Z'"
    for value, cell in (("'x'::text", b"x"), ("true", b"true"), (moment, b"2026-01-31T23:30:00Z"), ("'y'::text", b"y")):
        postgres_store.replace_view(f"SELECT {others}, {value} AS telephone FROM client_records")
        assert [records.data for records in render(source, RFC4180, TargetField.TELEPHONE)] == [cell + b"\r\n"]
