"""Servers have their own defaults. Our sessions set what changes a result, so a file does not depend on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from uuid import uuid4

import pytest
from sqlalchemy import URL, create_engine

from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import SourceMismatchError
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.file.renderer import render_lists
from exports.ports.clients import ClientSelection
from exports.request.columns import ALL_COLUMNS
from exports.request.fields import VIEW_COLUMNS
from exports.request.filters import ClientFilter
from tests.contract.viewed_clients import TENANT

CLIENTS = 12
FILTERS = (
    ClientFilter(),
    ClientFilter(search="\\Ünit'1"),
    ClientFilter(manager_codes=("m\\1", "m'2", 'm"3', "m 4", "M5")),
    ClientFilter(service_codes=("VAT", "C\\T")),
    ClientFilter(updated_since=datetime(2026, 6, 2, tzinfo=UTC)),
)


def files(url: URL) -> list[tuple[int, bytes, bytes, bytes]]:
    """Return, for each filter, the rows planned, and the bytes by the database's own writer, by rows and by samples."""
    renderer = CsvRenderer(ALL_COLUMNS)
    found = []
    with closing(SqlClientSource(url)) as source:
        for wanted in FILTERS:
            selection = ClientSelection(TENANT, renderer.source_columns, wanted)
            planned = source.find_boundaries(selection, 5)
            pages = [KeyRange(*ends) for ends in pairwise([None, *planned.starts, None])]
            written = (part.data for page in pages for part in source.render(selection, page, renderer))
            lists = (rows for page in pages for rows in source.read(selection, page))
            rows = (part.data for part in render_lists(lists, renderer))
            samples = source.render_samples(selection, planned.starts, 2, renderer)
            sampled = b"".join(part.data for part in samples)
            found.append((planned.total_rows, b"".join(written), b"".join(rows), sampled))
    assert [rows for rows, *_ in found] == [CLIENTS, 3, 9, 8, 7]
    assert [written for _, written, *_ in found] == [rows for _, _, rows, _ in found]
    return found


def run(url: URL, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement.replace("%", "%%"))
    engine.dispose()


def view_of(columns: dict[str, str]) -> str:
    listed = ", ".join(f"{columns.get(name, 'NULL')} AS {name}" for name in VIEW_COLUMNS)
    return f"CREATE VIEW clients AS SELECT {listed} FROM kept"


MARIADB_COLUMNS = {
    "tenant": f"'{TENANT}'",
    "code": "code",
    "name": "name",
    "status": "'Active'",
    "manager_code": "manager",
    "service_codes": "services",
    "updated_at": "changed",
    "email": "padded",
    "telephone": "CONCAT(changed)",
    "website": "(SELECT GROUP_CONCAT(REPEAT('x', 300)) FROM seq_1_to_9)",
    "team": "(WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1500) SELECT MAX(i) FROM n)",
    "utr": "1 / 3",
    "vat_number": "WEEK(changed)",
    "vat_scheme": "DATE_FORMAT(changed, '%M')",
    "trading_as": "name REGEXP 'Ü n'",
    "paye_ref": "CAST(TIME '10:00:00' AS DATETIME) > '2000-01-01'",
    "incorporation_date": "CAST(CAST('2026-01-31 23:59:59.7' AS DATETIME) AS DATE)",
    "nature_of_business": "moment",
    "ni_number": "kind",
    "personal_code": "''",
    "can_contact_post": "NOT seen",
    "registered_address_line1": "CONCAT(name, IF(seen, '', ' '))",
    "registered_address_line2": "inexact",
}
HOSTILE_MODES = (
    "ORACLE,ANSI,MSSQL,ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,HIGH_NOT_PRECEDENCE,"
    "IGNORE_SPACE,REAL_AS_FLOAT,TIME_ROUND_FRACTIONAL,EMPTY_STRING_IS_NULL,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
    "NO_UNSIGNED_SUBTRACTION,ONLY_FULL_GROUP_BY,SIMULTANEOUS_ASSIGNMENT,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES"
)
HOSTILE_MARIADB = {
    "sql_mode": f"'{HOSTILE_MODES}'",
    "sql_select_limit": "2",
    "group_concat_max_len": "4",
    "div_precision_increment": "0",
    "sql_auto_is_null": "1",
    "default_week_format": "3",
    "lc_time_names": "'de_DE'",
    "time_zone": "'+05:30'",
    "max_join_size": "1",
    "sql_safe_updates": "1",
    "collation_connection": "'latin1_bin'",
    "character_set_client": "'latin1'",
    "character_set_results": "'latin1'",
    "optimizer_switch": "'derived_merge=off,materialization=off,semijoin=off,index_condition_pushdown=off'",
    "in_predicate_conversion_threshold": "2",
    "join_cache_level": "8",
    "old_mode": "'ZERO_DATE_TIME_CAST'",
    "innodb_strict_mode": "0",
    "max_recursive_iterations": "3",
    "max_sort_length": "64",
    "max_error_count": "0",
    "default_regex_flags": "'EXTENDED'",
    "completion_type": "'RELEASE'",
    "tx_isolation": "'READ-UNCOMMITTED'",
    "system_versioning_asof": "'2020-01-01'",
    "net_write_timeout": "1",
    "wait_timeout": "28800",
    "max_statement_time": "0.5",
    "idle_transaction_timeout": "1",
    "idle_readonly_transaction_timeout": "1",
}


@contextmanager
def mariadb_defaults(url: URL, values: dict[str, str]) -> Iterator[None]:
    """Give the server these defaults for new sessions, and take them back at the end."""
    engine = create_engine(url)
    connection = engine.connect()
    before = [(name, connection.exec_driver_sql(f"SELECT @@GLOBAL.{name}").scalar()) for name in values]
    connection.exec_driver_sql("SET max_statement_time = 0, idle_transaction_timeout = 0, net_write_timeout = 60")
    try:
        for name, value in values.items():
            connection.exec_driver_sql(f"SET GLOBAL {name} = {value}".replace("%", "%%"))
        yield
    finally:
        for name, old in before:
            unset = name == "system_versioning_asof"
            connection.exec_driver_sql(f"SET GLOBAL {name} = {'DEFAULT' if unset else '%s'}", () if unset else (old,))
        connection.close()
        engine.dispose()


def test_defaults_of_a_mariadb_server_change_no_byte_of_a_file(mariadb_database: URL) -> None:
    prefix = "x" * 80
    rows = ", ".join(
        f"('{prefix}{90 - n}', '\\\\Ünit''{n % 4}', '{manager}', '{'VAT;C' if n % 3 else 'C'}', 'a ', "
        f"'2026-06-0{1 + n // 5} 23:30:00.5', '2026-06-01 12:00:00', 'b', {n % 2}, 0.1, {n})"
        for n, manager in zip(range(CLIENTS), ("m\\\\1", "m''2", 'm"3', "x") * 3, strict=True)
    )
    run(
        mariadb_database,
        "SET NAMES utf8mb4",
        "CREATE TABLE kept (code varchar(200), name varchar(50), manager char(9), services varchar(50), "
        "padded char(20) CHARACTER SET latin1, changed datetime(6), moment timestamp(3) NULL, kind enum('a', 'b'), "
        "seen tinyint(1), inexact float, id int AUTO_INCREMENT PRIMARY KEY) WITH SYSTEM VERSIONING",
        f"INSERT INTO kept VALUES {rows.replace(', 0)', ', 100)')}",
        view_of(MARIADB_COLUMNS),
    )

    usual = files(mariadb_database)
    with mariadb_defaults(mariadb_database, HOSTILE_MARIADB):
        assert files(mariadb_database) == usual

    first = usual[0][1]
    for cell in (b"2026-06-01 23:30:00.500000", b",1500,", b",0.3333,", b",22,", b",June,", b"2026-01-31", b",a,"):
        assert cell in first
    assert b",".join([b"x" * 300] * 9) in first
    assert first.index(f"{prefix}79".encode()) < first.index(f"{prefix}80".encode())


def test_a_server_ends_the_session_of_a_host_that_is_silent_for_four_minutes(mariadb_database: URL) -> None:
    with (
        mariadb_defaults(mariadb_database, {"wait_timeout": "28800", "idle_readonly_transaction_timeout": "0"}),
        closing(SqlClientSource(mariadb_database)) as source,
        source._connection() as connection,
    ):
        found = connection.exec_driver_sql("SELECT @@wait_timeout, @@idle_readonly_transaction_timeout").one()
    assert tuple(found) == (240, 240)


def test_a_text_that_mariadb_would_cut_is_refused_by_name(mariadb_database: URL) -> None:
    """A session cannot raise `max_allowed_packet`, by which GROUP_CONCAT and other functions cut what they return."""
    columns = {
        "tenant": f"'{TENANT}'",
        "code": "code",
        "name": "code",
        "email": "CONCAT(long_text, 'z')",
        "website": "(SELECT GROUP_CONCAT(REPEAT('x', IF(code = 'C2', 5000, 5) + 0 * seq)) FROM seq_1_to_9)",
    }
    run(
        mariadb_database,
        "CREATE TABLE kept (code varchar(9), long_text longtext)",
        "INSERT INTO kept VALUES ('C1', 'a'), ('C2', 'b'), ('C3', REPEAT('y', 40000))",
        view_of(columns),
    )
    with mariadb_defaults(mariadb_database, {"max_allowed_packet": "32768"}):
        assert problem_of(mariadb_database, "website") == ("website", "C2")
        assert problem_of(mariadb_database, "email") == ("email", "C3")


def problem_of(url: URL, column: str) -> tuple[str, str]:
    """Return the column and the code that the refusal of a page and of a sample name."""
    selection = ClientSelection(TENANT, ("code", column))
    found = set()
    with closing(SqlClientSource(url)) as source:
        for lists in (source.read(selection, KeyRange()), source.sample(selection, [KeyRange()], 9)):
            with pytest.raises(SourceMismatchError, match="longer than max_allowed_packet of the server") as caught:
                list(lists)
            message, private = str(caught.value), caught.value.private
            found.add((message.split()[2], private.removeprefix("The client has the code ").rstrip(".")))
    (one,) = found
    return one


HOSTILE_POSTGRES = {
    "DateStyle": "'German, DMY'",
    "IntervalStyle": "'iso_8601'",
    "TimeZone": "'Asia/Kolkata'",
    "bytea_output": "'escape'",
    "extra_float_digits": "-15",
    "client_encoding": "'LATIN1'",
    "standard_conforming_strings": "off",
    "backslash_quote": "off",
    "escape_string_warning": "on",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "quote_all_identifiers": "on",
    "xmlbinary": "'hex'",
    "xmloption": "'document'",
    "timezone_abbreviations": "'India'",
    "gin_fuzzy_search_limit": "1",
    "default_transaction_isolation": "'serializable'",
    "default_transaction_deferrable": "on",
    "default_transaction_read_only": "off",
    "statement_timeout": "'5s'",
    "idle_in_transaction_session_timeout": "'5s'",
    "enable_seqscan": "off",
    "enable_sort": "off",
    "enable_hashagg": "off",
    "enable_nestloop": "off",
    "jit": "on",
    "jit_above_cost": "0",
    "force_parallel_mode": "on",
    "row_security": "on",
    "synchronize_seqscans": "on",
    "work_mem": "'64kB'",
}
POSTGRES_COLUMNS = {
    "tenant": f"'{TENANT}'::text",
    "code": "code",
    "name": "name",
    "status": "'Active'::text",
    "manager_code": "manager",
    "service_codes": "services",
    "updated_at": "changed",
    "email": "raw::text",
    "telephone": "changed",
    "website": "name || changed::text",
    "team": "span",
    "utr": "inexact",
    "vat_number": "ARRAY['a', NULL, 'b,c']",
    "vat_scheme": "xmlelement(name x, raw)::text",
    "paye_ref": "kind",
    "incorporation_date": "changed::date",
    "nature_of_business": "'2026-01-31 09:00 IST'::text::timestamptz",
    "trading_as": "'{\"a\": [1, 2]}'::json",
    "internal_reference": "'[2026-01-01,2026-02-01)'::text::daterange",
    "can_contact_post": "lower(name) LIKE '%1'",
    "registered_address_line1": "concat(name, ' ')",
}
SHADOWS: tuple[str, ...] = ("lower(text)", "btrim(text)", "concat(VARIADIC text[])", "concat_ws(text, VARIADIC text[])")
SHADOWS += ("to_char(timestamp, text)", "strpos(text, text)", "array_to_string(text[], text)")
SHADOWS += ("set_config(text, text, boolean)", "regexp_replace(text, text, text, text)")


def test_settings_of_a_postgresql_user_change_no_byte_of_a_file(postgres_schema: URL) -> None:
    schema, role, shadow = (
        str(postgres_schema.query["options"]).partition("search_path=")[2],
        *(f"{kind}_{uuid4().hex}" for kind in ("reader", "shadow")),
    )
    rows = ", ".join(
        f"('C{n:02}', E'\\\\Ünit''{n % 4}', {manager}, '{'VAT;C' if n % 3 else 'C'}', '\\x00ff41', "
        f"'2026-06-0{1 + n // 5} 23:30:00.5Z', interval '1 mon -1 day 02:03', 0.1, 'b')"
        for n, manager in zip(range(CLIENTS), ("E'm\\\\1'", "'m''2'", "'m\"3'", "'x'") * 3, strict=True)
    )
    run(
        postgres_schema,
        "CREATE TYPE kinds AS ENUM ('a', 'b')",
        "CREATE TABLE kept (code text, name text, manager text, services text, raw bytea, changed timestamptz, "
        "span interval, inexact double precision, kind kinds)",
        f"INSERT INTO kept VALUES {rows}",
        view_of(POSTGRES_COLUMNS),
        f"CREATE ROLE {role} LOGIN PASSWORD 'secret'",
        f"CREATE SCHEMA {shadow}",
        *(
            f"CREATE FUNCTION {shadow}.{head} RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT 'wrong' $$"
            for head in SHADOWS
        ),
        f"GRANT USAGE ON SCHEMA {schema}, {shadow} TO {role}",
        f"GRANT SELECT ON clients TO {role}",
    )
    reader = postgres_schema.set(username=role, password="secret", query={})
    settings = ", ".join([shadow, schema, "pg_catalog"])
    try:
        run(postgres_schema, f"ALTER ROLE {role} SET search_path = {schema}")
        usual = files(reader)
        run(
            postgres_schema,
            f"ALTER ROLE {role} SET search_path = {settings}",
            *(f"ALTER ROLE {role} SET {name} = {value}" for name, value in HOSTILE_POSTGRES.items()),
        )
        assert files(reader) == usual
    finally:
        run(postgres_schema, f"DROP OWNED BY {role}", f"DROP ROLE {role}", f"DROP SCHEMA {shadow} CASCADE")

    first = usual[0][1]
    for cell in (b"\\x00ff41", b"2026-06-01T23:30:00.500000Z", b"1 mon -1 days +02:03:00", b",0.1,", b'"a; b,c"'):
        assert cell in first
    assert b"wrong" not in first
