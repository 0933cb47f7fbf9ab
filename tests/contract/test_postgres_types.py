"""Every type that PostgreSQL offers has the documented cell on every path, or is refused before a client is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, text

from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import SourceMismatchError
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.file.renderer import render_lists
from exports.ports.clients import ClientSelection
from exports.request.columns import ColumnMapping
from exports.request.fields import VIEW_COLUMNS, CellKind, TargetField, column_kind
from exports.request.formats import CsvFormat, FormatDto, FormatPreset, Quoting

DOCUMENT = (Path(__file__).parents[2] / "docs" / "client-view.md").read_text(encoding="utf-8")
CELLS = {
    "boolean": {"true": "true", "false": "false"},
    "smallint": {"-7": "-7"},
    "integer": {"42": "42"},
    "bigint": {"9007199254740993": "9007199254740993"},
    "oid": {"4294967295": "4294967295"},
    "numeric": {"0.0000000000": "0.0000000000", "0.0000001": "0.0000001", "1e3": "1000", "NaN": "NaN"},
    "numeric(20,10)": {"0": "0.0000000000", "1.5": "1.5000000000"},
    "real": {"0.1": "0.1", "1e30": "1e+30"},
    "double precision": {"0.1": "0.1", "NaN": "NaN", "-Infinity": "-Infinity", "1e-7": "1e-07", "3": "3"},
    "text": {"Zoë 🙂": "Zoë 🙂", "": ""},
    "character varying": {"x ": "x "},
    "character varying(9)": {"x": "x"},
    "character(3)": {"x": "x  "},
    "name": {"x": "x"},
    "citext": {"aB": "aB"},
    "date": {"2026-01-31": "2026-01-31", "0987-06-05": "0987-06-05", "9999-12-31": "9999-12-31"},
    "time without time zone": {"09:00": "09:00:00", "23:59:59.5": "23:59:59.500000"},
    "timestamp without time zone": {
        "2026-01-31 09:00": "2026-01-31 09:00:00",
        "0001-01-01 00:00:00.000001": "0001-01-01 00:00:00.000001",
    },
    "timestamp with time zone": {
        "2026-06-01 00:00+01": "2026-05-31T23:00:00Z",
        "2026-01-31 09:00:00.25Z": "2026-01-31T09:00:00.250000Z",
    },
    "interval": {"-1 month": "-1 mons", "1 day 2:03": "1 day 02:03:00"},
    "uuid": {"6ECD8C99-4036-403D-BF84-CF8400F67836": "6ecd8c99-4036-403d-bf84-cf8400f67836"},
    "mood": {"sad": "sad", "a,b": '"a,b"'},
    "word": {"x": "x"},
    "text[]": {
        "{Director,Shareholder}": "Director; Shareholder",
        "{a,NULL,b}": "a; b",
        "{}": "",
        "{{a,b},{c,d}}": "a; b; c; d",
    },
    "boolean[]": {"{t,f,NULL}": "true; false"},
    "integer[]": {"{1,2}": "1; 2"},
    "timestamp with time zone[]": {'{"2026-06-01 00:00+01"}': "2026-05-31T23:00:00Z"},
    "mood[]": {'{sad,"a,b"}': '"sad; a,b"'},
    "word[]": {"{x,y}": "x; y"},
    "json": {'{ "a" : "x  \\" y",\n "n" : null }': '"{""a"":""x  \\"" y"",""n"":null}"', "[1.50 , 2]": '"[1.50,2]"'},
    "jsonb": {'{"b":true, "a": "x\\\\"}': '"{""a"":""x\\\\"",""b"":true}"', " 1 ": "1", '"a b"': '"""a b"""'},
    "int4range": {"[1,5)": '"[1,5)"'},
    "int4multirange": {"{[1,5)}": '"{[1,5)}"'},
    "inet": {"192.168.0.1": "192.168.0.1", "10.0.0.0/8": "10.0.0.0/8"},
    "cidr": {"10.0.0.0/8": "10.0.0.0/8"},
    "macaddr": {"08:00:2b:01:02:03": "08:00:2b:01:02:03"},
    "macaddr8": {"08:00:2b:01:02:03:04:05": "08:00:2b:01:02:03:04:05"},
}
"""The cell of each literal, by type."""

BEYOND = {
    "date": ("infinity", "-infinity", "10000-01-01", "0044-03-15 BC"),
    "timestamp without time zone": ("infinity", "10000-01-01", "0044-03-15 BC"),
    "timestamp with time zone": ("infinity", "10000-01-01", "0044-03-15 BC"),
    "time without time zone": ("24:00",),
    "date[]": ("{2026-01-31,infinity}",),
    "time without time zone[]": ("{24:00}",),
}
FORMATS = (CsvFormat(), CsvFormat(quoting=Quoting.ALL), FormatDto(preset=FormatPreset.TSV).resolve())
RENDERED = CsvRenderer([ColumnMapping(csv_header="T", target_field=TargetField.TELEPHONE)])
_DOCUMENTED_TYPES = {CellKind.BOOLEAN: "boolean", CellKind.DATE: "date"}
SELECTION = ClientSelection("t", RENDERED.source_columns)
EVERY_TYPE = """
SELECT format_type(oid, NULL) FROM pg_type WHERE typtype IN ('b', 'e', 'r', 'm', 'd') AND typisdefined
AND typnamespace <> 'information_schema'::regnamespace
AND NOT EXISTS (SELECT FROM pg_type AS of WHERE of.typarray = pg_type.oid AND of.typtype IN ('c', 'p'))
ORDER BY oid
"""


class Views:
    """A database whose view one column after the other is put into."""

    def __init__(self, url: URL) -> None:
        self.engine = create_engine(url)
        self.source = SqlClientSource(url)
        self.run(
            "DROP EXTENSION IF EXISTS citext CASCADE",  # another test may have it in a schema of its own
            "CREATE EXTENSION citext SCHEMA public",
            "CREATE TYPE mood AS ENUM ('sad', 'a,b')",
            "CREATE DOMAIN word AS varchar(9)",
        )

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))

    def show(self, **columns: str) -> None:
        """Make a view of one client. It has the columns given as SQL."""
        chosen = {"tenant": "'t'::text", "code": "'C1'::text", **columns}
        listed = ", ".join(f"{sql} AS {name}" for name, sql in chosen.items())
        self.run("DROP VIEW IF EXISTS clients", f"CREATE VIEW clients AS SELECT {listed}")

    def every_type(self) -> list[str]:
        with self.engine.connect() as connection:
            return [name for (name,) in connection.execute(text(EVERY_TYPE))]

    def copied(self, wanted: CsvFormat) -> bytes:
        renderer = CsvRenderer([ColumnMapping(csv_header="T", target_field=TargetField.TELEPHONE)], wanted)
        return b"".join(records.data for records in self.source.render(SELECTION, KeyRange(), renderer))

    def read(self, wanted: CsvFormat) -> bytes:
        renderer = CsvRenderer([ColumnMapping(csv_header="T", target_field=TargetField.TELEPHONE)], wanted)
        return b"".join(records.data for records in render_lists(self.source.read(SELECTION, KeyRange()), renderer))


@pytest.fixture
def views(postgres_schema: URL) -> Iterator[Views]:
    path = {"options": f"{postgres_schema.query['options']},public"}
    made = Views(postgres_schema.update_query_dict(path))
    with closing(made.source):
        yield made
    made.engine.dispose()


@pytest.mark.parametrize("type_name", CELLS)
def test_each_value_has_the_documented_cell_by_copy_and_by_rows(views: Views, type_name: str) -> None:
    found = {}
    for literal in CELLS[type_name]:
        views.show(telephone=f"{sql_literal(literal)}::{type_name}")
        found[literal] = views.copied(CsvFormat(formula_guard=False)).decode().removesuffix("\r\n")
        assert all(views.copied(wanted) == views.read(wanted) for wanted in FORMATS)
    assert found == {literal: cell or '""' for literal, cell in CELLS[type_name].items()}


def test_every_type_of_the_server_is_written_alike_on_all_paths_or_refused_by_name(views: Views) -> None:
    """A type without a cell has no form, so a type that a later server adds is refused too."""
    documented = {name.partition("(")[0] for name in CELLS}
    outcomes = {}
    for name in views.every_type():
        views.show(telephone=f"NULL::{name}")
        try:
            assert views.copied(CsvFormat()) == views.read(CsvFormat()) == b'""\r\n'
            outcomes[name] = "written"
        except SourceMismatchError as error:
            names_it = f"The column telephone of the view clients has the type {name}, which has no" in str(error)
            outcomes[name] = "refused" if names_it else str(error)

    assert len(outcomes) > 100
    assert set(outcomes.values()) == {"written", "refused"}
    written = {name for name, outcome in outcomes.items() if outcome == "written"}
    assert {name for name in written if not name.endswith(("[]", "range"))} <= documented | {
        "character",
        "information_schema",
    }
    assert {"bytea", "money", "xml", "point", "tsvector", "bit", "pg_lsn", "time with time zone", "bytea[]"} <= set(
        outcomes
    ) - written


def test_the_documentation_lists_every_type_that_can_be_written() -> None:
    table = DOCUMENT.partition("### How values are written")[2].partition("A domain counts")[0]
    listed = set(re.findall(r"`([^`]+)`", " ".join(line.split("|")[2] for line in table.splitlines() if "|" in line)))
    own = {"mood", "word", "int4range", "int4multirange"}
    short = {"time without time zone": "time", "timestamp without time zone": "timestamp"}
    plain = {short.get(name, name.partition("(")[0]) for name in CELLS if not name.endswith("[]")} - own
    assert listed == plain


def test_an_enumeration_is_its_label_whatever_its_cast_to_text_gives(views: Views) -> None:
    views.run(
        "CREATE TYPE grade AS ENUM ('best', 'worst')",
        "CREATE TYPE span AS RANGE (subtype = integer)",
        *(
            f"CREATE FUNCTION words_of(value {name}) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'other words'$$"
            for name in ("grade", "span")
        ),
        *(f"CREATE CAST ({name} AS text) WITH FUNCTION words_of({name})" for name in ("grade", "span")),
    )

    for value, cell in {
        "'worst'::grade": b"worst",
        "ARRAY['best']::grade[]": b"best",
        "span '[1,5)'": b"[1,5)",
    }.items():
        views.show(telephone=value)
        assert cell in views.copied(CsvFormat())
        assert cell in views.read(CsvFormat())


def test_a_composite_value_is_refused_by_name(views: Views) -> None:
    views.run("CREATE TYPE pair AS (a text, b text)")
    views.show(telephone="ROW('a', 'b')::pair")

    with pytest.raises(SourceMismatchError, match="The column telephone of the view clients has the type pair, which"):
        views.read(CsvFormat())


@pytest.mark.parametrize(("type_name", "literal"), [(name, value) for name in BEYOND for value in BEYOND[name]])
def test_a_time_that_no_cell_can_show_is_refused_on_both_paths(views: Views, type_name: str, literal: str) -> None:
    views.show(telephone=f"'{literal}'::{type_name}")

    for write in (views.copied, views.read):
        with pytest.raises(SourceMismatchError) as caught:
            write(CsvFormat())
        assert "telephone" in str(caught.value)
        assert "years 1 to 9999" in str(caught.value) or "before 24:00" in str(caught.value)
        assert "C1" in caught.value.private


def test_the_health_check_names_every_column_of_a_refused_type(views: Views) -> None:
    others = {name: f"NULL::{_DOCUMENTED_TYPES.get(column_kind(name), 'text')}" for name in VIEW_COLUMNS}
    moment = {"updated_at": "now()"}
    views.show(**{**others, **moment, "tenant": "'t'::text", "code": "'C1'::text"})
    assert views.source.missing_columns(VIEW_COLUMNS) == ()

    wrong = {
        "email": "''::bytea",
        "vat_reg_date": "now()",
        "pcl_sent": "now()",
        "team_code": "true",
        "updated_at": "''::text",
    }
    views.show(**{**others, **wrong, "tenant": "'t'::text", "code": "1.5::float8"})
    with pytest.raises(SourceMismatchError) as caught:
        views.source.missing_columns(VIEW_COLUMNS)
    named = re.findall(r"The column (\w+) of", str(caught.value))
    assert sorted(named) == sorted([*wrong, "code"])


def sql_literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
