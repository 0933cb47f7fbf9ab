"""Every type that MariaDB offers has the documented cell on every path, or is refused before a client is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql
import pytest
from pymysql.converters import encoders
from sqlalchemy.exc import DBAPIError

from exports.errors import SourceMismatchError
from exports.file.ranges import KeyRange
from exports.file.renderer import Row
from exports.ports.clients import ClientSelection
from exports.request.fields import VIEW_COLUMNS, CellKind, TargetField, column_kind
from tests.contract.client_stores import empty_database
from tests.contract.mariadb_views import INVALID_DATES, MariadbViews
from tests.contract.viewed_clients import TENANT

DOCUMENT = (Path(__file__).parents[2] / "docs" / "client-view.md").read_text(encoding="utf-8")
CELLS = {
    "tinyint": {"-7": "-7"},
    "tinyint(1)": {"1": "1", "0": "0", "2": "2"},
    "smallint": {"-7": "-7"},
    "mediumint": {"-7": "-7"},
    "int": {"42": "42"},
    "int(6) zerofill": {"42": "000042"},
    "bigint": {"-9223372036854775808": "-9223372036854775808"},
    "bigint unsigned": {"18446744073709551615": "18446744073709551615"},
    "bit(1)": {"b'1'": "1", "b'0'": "0"},
    "bit(64)": {"18446744073709551615": "18446744073709551615"},
    "year": {"2026": "2026", "0": "0000"},
    "decimal(20,10)": {"0": "0.0000000000", "0.0000001": "0.0000001000", "-1.5": "-1.5000000000"},
    "decimal(65,0)": {"1e64": "1" + 64 * "0"},
    "decimal(8,2) zerofill": {"1.5": "000001.50"},
    "float": {"0.1": "0.1", "16777217": "16777216", "1e30": "1e30", "-1.17549e-38": "-1.17549e-38", "3": "3"},
    "float(9,2)": {"1.5": "1.50"},
    "double": {"0.1e0 + 0.2e0": "0.30000000000000004", "1e300": "1e300", "1e-7": "0.0000001", "1e15": "1e15", "3": "3"},
    "double(9,2)": {"1.5": "1.50"},
    "char(3)": {"'x'": "x", "''": ""},
    "varchar(9)": {"'x '": "x ", "'Zoë 🙂'": "Zoë 🙂"},
    "varchar(9) character set latin1": {"'Zoë€'": "Zoë€", "x'81'": "\x81"},
    "varchar(9) character set cp1250": {"'Łódź?'": "Łódź?"},
    "varchar(9) character set sjis": {"_sjis x'5c3f8341'": "\\?ア"},
    "varchar(9) character set armscii8": {"'Ա?'": "Ա?"},
    "tinytext": {"'x'": "x"},
    "text": {"'a,\"b\"\\n=1'": 'a,"b"\n=1'},
    "mediumtext": {"'x'": "x"},
    "longtext": {"'x'": "x"},
    "json": {"'{ \"a\" : 1.50}'": '{ "a" : 1.50}'},
    "date": {"'2026-01-31'": "2026-01-31", "'0987-06-05'": "0987-06-05", "'9999-12-31'": "9999-12-31"},
    "time": {"'09:00'": "09:00:00", "'-100:00:01'": "-100:00:01", "'838:59:59'": "838:59:59"},
    "time(3)": {"'09:00'": "09:00:00", "'-00:00:00.25'": "-00:00:00.250000"},
    "datetime": {"'2026-01-31 09:00'": "2026-01-31 09:00:00", "'0001-01-01'": "0001-01-01 00:00:00"},
    "datetime(3)": {"'2026-01-31 09:00:00.25'": "2026-01-31 09:00:00.250000"},
    "datetime(6)": {"'2026-01-31'": "2026-01-31 00:00:00", "'9999-12-31 0:0:0.000001'": "9999-12-31 00:00:00.000001"},
    "timestamp": {"'2026-06-01 00:00'": "2026-06-01T00:00:00Z"},
    "timestamp(6)": {"'2026-06-01'": "2026-06-01T00:00:00Z", "'2026-06-01 0:0:0.5'": "2026-06-01T00:00:00.500000Z"},
    "enum('sad','a,b')": {"'a,b'": "a,b", "1": "sad"},
    "enum('ź','?') character set cp1250": {"'ź'": "ź", "'?'": "?"},
    "set('Director','Shareholder','x')": {"'Shareholder,Director'": "Director; Shareholder", "''": "", "'x'": "x"},
    "uuid": {"'6ECD8C99-4036-403D-BF84-CF8400F67836'": "6ecd8c99-4036-403d-bf84-cf8400f67836"},
    "inet4": {"'192.168.0.1'": "192.168.0.1"},
    "inet6": {"'2001:DB8:0::1'": "2001:db8::1", "'::ffff:1.2.3.4'": "::ffff:1.2.3.4"},
}
"""The cell of each literal, by type. Written by hand; the server's own text confirms them below."""

OTHERWISE_PRINTED = ("bit", "float", "time(", "datetime(", "timestamp", "set")
"""Types whose cells are documented to differ from the text that the server prints."""

MYSQL_ONLY = {"json"}
MARIADB_ONLY = {"uuid", "inet4", "inet6"}
BEYOND = {
    "date": ("'0000-00-00'", "'2026-02-31'", "'2026-01-00'", "'0000-01-01'"),
    "datetime": ("'0000-00-00'", "'2026-02-31 09:00'"),
    "datetime(6)": ("'0000-00-00'", "'2026-00-01 09:00:00.5'"),
    "timestamp": ("'0000-00-00'",),
    "varchar(9) character set cp1250": ("_cp1250 x'4181'", "_cp1250 x'3f81'"),
    "varchar(9) character set ascii": ("_ascii x'e9'",),
    "varchar(9) character set tis620": ("_tis620 x'fc'",),
    "text character set ucs2": ("_ucs2 x'd800'",),
    "longtext": ("_utf8mb4 x'eda080'",),
}
"""Values that a column can keep but no cell can show."""

CASTS = {
    "binary(3)": "HEX(telephone)",
    "varbinary(3)": "HEX(telephone)",
    "blob": "HEX(telephone)",
    "point": "ST_AsText(telephone)",
    "multipolygon": "ST_AsText(telephone)",
    "geometry": "ST_AsText(telephone)",
}
CANDIDATES = """
SELECT word FROM information_schema.keywords
UNION SELECT plugin_name FROM information_schema.plugins WHERE plugin_type = 'DATA TYPE'
UNION SELECT name FROM mysql.help_topic
"""
"""Texts with every word that may name a type: keywords of the server, its plugins for types, the titles of its help."""


@pytest.fixture(scope="module")
def views(mariadb_url: str) -> Iterator[MariadbViews]:
    with empty_database(mariadb_url) as database, closing(MariadbViews(database)) as made:
        yield made


@pytest.mark.parametrize("declared", CELLS)
def test_each_value_has_the_documented_cell_in_pages_and_estimates(views: MariadbViews, declared: str) -> None:
    expected = CELLS[declared]
    views.keep(declared, [*expected, "NULL"])

    assert views.cells() == [*expected.values(), ""]
    if not declared.startswith(OTHERWISE_PRINTED):
        assert printed(views) == list(expected.values())


def printed(views: MariadbViews) -> list[str]:
    """Return the values as the server sends them to every client program, before a driver converts them."""
    url = views.engine.url
    connection = pymysql.connect(
        host=url.host,
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.database,
        charset="utf8mb4",
        init_command=INVALID_DATES,
        conv=dict[Any, Any](encoders),
    )
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT value FROM kept WHERE value IS NOT NULL ORDER BY code")
        return [value for (value,) in cursor.fetchall()]


def test_the_cells_of_float_read_back_as_the_same_numbers(views: MariadbViews) -> None:
    views.keep("float", [f"{number} / 7e{power}" for number in range(-40, 40) for power in (0, 3, -20, 30)])
    cells = dict(zip(views.query("SELECT code FROM kept ORDER BY code"), views.cells(), strict=True))

    views.run("CREATE OR REPLACE TABLE again (code varchar(20), value float)")
    views.run(*(f"INSERT INTO again VALUES ('{code}', {cell})" for code, cell in cells.items()))
    assert views.query("SELECT count(*) FROM kept JOIN again USING (code) WHERE kept.value = again.value") == [320]


def test_every_type_of_the_server_is_written_or_refused_by_name(views: MariadbViews) -> None:
    """A type without a cell has no form, so a type that a later server adds is refused too."""
    outcomes = {}
    for base, declared in types_of_the_server(views).items():
        views.keep(declared)
        try:
            assert views.cells() == [""]
            outcomes[base] = "written"
        except SourceMismatchError as error:
            found = re.search(
                r"The column telephone of the view clients has the type (\w+).*, which has no text", str(error)
            )
            outcomes[base] = "refused" if found and found[1] == base else str(error)

    assert set(outcomes.values()) == {"written", "refused"}
    written = {base for base, outcome in outcomes.items() if outcome == "written"}
    assert written == {base_of(declared) for declared in CELLS} - MYSQL_ONLY
    assert {"binary", "varbinary", "blob", "longblob", "geometry", "point"} <= set(outcomes) - written


def types_of_the_server(views: MariadbViews) -> dict[str, str]:
    """Try every word as the type of a column. Return a declaration of each type, by the server's name of the type."""
    words = {word.upper() for title in views.query(CANDIDATES) for word in re.findall(r"[A-Za-z]\w*", title)}
    found: dict[str, str] = {}
    with views.engine.connect() as connection:
        for declared in sorted(f"{word}{length}" for word in words for length in ("", "(3)", "('a', 'b')")):
            try:
                connection.exec_driver_sql(f"CREATE OR REPLACE TEMPORARY TABLE tried (value {declared})")
            except DBAPIError:
                continue
            ((_, name, *_),) = connection.exec_driver_sql("SHOW COLUMNS FROM tried").all()
            found.setdefault(base_of(name), declared)
    return found


def base_of(declared: str) -> str:
    return re.split(r"[( ]", declared)[0]


@pytest.mark.parametrize("declared", CASTS)
def test_a_refused_type_is_named_with_the_function_that_makes_text(views: MariadbViews, declared: str) -> None:
    views.keep(declared)

    with pytest.raises(SourceMismatchError) as caught:
        views.cells()
    assert f"Write in the view: {CASTS[declared]} AS telephone." in str(caught.value)
    views.view(code="code", telephone=CASTS[declared].replace("telephone", "value"))
    assert views.cells() == [""]


@pytest.mark.parametrize(("declared", "literal"), [(name, value) for name in BEYOND for value in BEYOND[name]])
def test_a_value_that_no_cell_can_show_is_refused_on_every_path(
    views: MariadbViews, declared: str, literal: str
) -> None:
    good = "'2026-01-31'" if declared.startswith(("date", "time")) else "'x'"
    views.keep(declared, [good, good, literal, good])

    for read in (views.cells, lambda: sample(views)):
        with pytest.raises(
            SourceMismatchError, match="The column telephone of the clients view holds a value"
        ) as caught:
            read()
        assert caught.value.private == "The client has the code C02."


def sample(views: MariadbViews) -> list[Row]:
    (rows,) = views.source.sample(ClientSelection(TENANT, ("code", "telephone")), [KeyRange("C")], 4)
    return rows


@pytest.mark.parametrize(
    "declared", ["date", "datetime", "datetime(6)", "varchar(30)", "varchar(30) character set cp1250"]
)
def test_a_date_field_takes_the_day_of_dates_and_of_moments_without_a_zone(views: MariadbViews, declared: str) -> None:
    views.keep(declared, ["'2026-01-31'", "'0987-06-05'", "NULL"], "incorporation_date")
    assert views.cells(TargetField.INCORPORATION_DATE) == ["2026-01-31", "0987-06-05", ""]

    for wrong in ("'0000-00-00'", "'2026-02-31'"):
        views.keep(declared, ["'2026-01-31'", wrong], "incorporation_date")
        with pytest.raises(SourceMismatchError, match="The column incorporation_date of the clients view") as caught:
            views.cells(TargetField.INCORPORATION_DATE)
        assert caught.value.private == "The client has the code C01."


@pytest.mark.parametrize(
    "declared", ["tinyint(1)", "bit(1)", "int", "int(3) zerofill", "varchar(9)", "char(1) character set ascii"]
)
def test_a_boolean_field_takes_the_numbers_1_and_0(views: MariadbViews, declared: str) -> None:
    views.keep(declared, ["1", "0", "NULL"], "vat_registered")
    assert views.cells(TargetField.VAT_REGISTERED) == ["true", "false", ""]


def test_group_concat_is_never_cut(views: MariadbViews) -> None:
    views.keep("int")
    views.view(code="code", telephone="(SELECT GROUP_CONCAT(seq) FROM seq_1_to_200000)")

    ((_, joined),) = sample(views)
    assert str(joined).endswith(",199999,200000")


def test_the_health_check_names_every_column_of_a_refused_type(views: MariadbViews) -> None:
    fitting = {CellKind.BOOLEAN: "1", CellKind.DATE: "DATE '2026-01-31'"}
    good = {name: fitting.get(column_kind(name), "'x'") for name in VIEW_COLUMNS} | {"updated_at": "NOW(6)"}
    views.keep("int")
    views.view(**good)
    assert views.source.missing_columns(VIEW_COLUMNS) == ()

    wrong = {
        "email": "x'00'",
        "vat_reg_date": "CAST(1 AS DOUBLE)",
        "pcl_sent": "1.5",
        "team_code": "CURRENT_DATE",
        "updated_at": "'2026-01-31'",
        "code": "1.5e0",
    }
    views.view(**(good | wrong))
    with pytest.raises(SourceMismatchError) as caught:
        views.source.missing_columns(VIEW_COLUMNS)
    assert sorted(re.findall(r"The column (\w+) of", str(caught.value))) == sorted(wrong)


def test_every_change_that_a_refusal_names_can_be_written_into_the_view(views: MariadbViews) -> None:
    views.run("CREATE TABLE moments (moment timestamp NULL)", "INSERT INTO moments VALUES ('2026-06-01')")
    wrong = {
        "email": "x'00'",
        "vat_reg_date": "(SELECT moment FROM moments)",
        "pcl_sent": "1.5",
        "team_code": "CURRENT_DATE",
        "updated_at": "'2026-01-31'",
    }
    views.keep("int")
    good = dict.fromkeys(VIEW_COLUMNS, "NULL") | {"tenant": "'northwind'", "code": "'C1'"}
    views.view(**(good | wrong))
    with pytest.raises(SourceMismatchError) as caught:
        views.source.missing_columns(VIEW_COLUMNS)

    changes = dict(re.findall(r"Write in the view: (?P<sql>.*?) AS (?P<name>\w+)\.", str(caught.value)))
    changed = {name: sql.replace(name, f"({wrong[name]})") for sql, name in changes.items()}
    assert changed.keys() == wrong.keys()
    views.view(**(good | changed))
    assert views.source.missing_columns(VIEW_COLUMNS) == ()


def test_the_documentation_lists_every_type_that_can_be_written() -> None:
    table = DOCUMENT.partition("### How values are written in MySQL and MariaDB")[2].partition("Every other type")[0]
    listed = set(re.findall(r"`([^`]+)`", " ".join(line.split("|")[2] for line in table.splitlines() if "|" in line)))
    assert listed == {base_of(declared) for declared in CELLS} | MYSQL_ONLY
