"""Keys, tenants and filters on MariaDB are compared in the type, character set and collation of their columns."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from random import Random

import pytest
from sqlalchemy.dialects import mysql

from exports.adapters.clients_sql.dialects.mysql import MysqlDialect
from exports.adapters.clients_sql.dialects.mysql_types import DISORDERED
from exports.adapters.clients_sql.sql import statements
from exports.adapters.clients_sql.sql.columns import ClientView
from exports.errors import SourceMismatchError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from tests.contract.client_stores import empty_database
from tests.contract.mariadb_views import MariadbViews
from tests.contract.viewed_clients import TENANT

TEXTS: tuple[str, ...] = (
    *("a", "A", "á", "ä", "Z", "z", "_", "-", "~", "0", "10", "9", " ", "ss", "ß", "ch"),
    *("cz", "Ł", "ł", "ő", "€", "😀", "a b", "ab", "a-b", "a\tb", "ñ", "n", "я", "ґ", "Ω", "ي"),
    *("א", "あ", "ア", "中", "가", "ก", "Ա", "ა", "'", '"', "%", "", "?", "a?", "??"),
)
CHARSETS_A_RUN = 8
"""In how many character sets a run asks for each text alone. In every one it asks for all texts together."""

COLLATIONS = """
SELECT full_collation_name, character_set_name FROM information_schema.collation_character_set_applicability
WHERE character_set_name IS NOT NULL AND character_set_name <> 'binary' ORDER BY full_collation_name
"""
RARE = "uca1400_"
"""Part of the names of most collations, one for each language and each way to compare."""

DISORDER = """
SELECT COUNT(*) FROM (
    SELECT code, LAG(code) OVER (ORDER BY code COLLATE {0}) AS before_it FROM texts
) AS sorted WHERE before_it > code COLLATE {0}
"""
"""Counts the texts that stand behind a greater one in the order of a collation."""

NUMBERS = {
    "tinyint(1)": ("-128", "-1", "0", "1", "9", "10", "127"),
    "int": ("-2147483648", "-10", "-9", "0", "9", "10", "2147483647"),
    "int(4) zerofill": ("0000", "0009", "0010", "12345"),
    "bigint": ("-9223372036854775808", "-1", "0", "9007199254740993", "9223372036854775807"),
    "bigint unsigned": ("0", "9007199254740992", "9007199254740993", "18446744073709551615"),
    "decimal(20,10)": ("-1.5000000000", "0.0000000000", "0.0000000001", "9.0000000000", "10.0000000000"),
    "decimal(65,30)": ("-1." + 29 * "0" + "1", "0." + 30 * "0", 35 * "9" + "." + 30 * "9"),
    "decimal(6,1) zerofill": ("00000.5", "00009.0", "00010.0"),
    "uuid": (
        "ffffffff-0000-1000-8000-000000000001",
        "00000000-0000-4000-8000-0000000000ff",
        "00000001-ffff-7000-8000-000000000000",
        "6ecd8c99-4036-403d-bf84-cf8400f67836",
    ),
    "inet4": ("0.0.0.0", "9.0.0.1", "10.0.0.0", "255.255.255.255"),
    "inet6": ("::", "::9", "::10", "::ffff:1.2.3.4", "2001:db8::1", "ffff::"),
}
"""Values of key columns as their cells show them."""

NOT_VALUES: tuple[str, ...] = (
    "",
    " ",
    "x",
    "1 ",
    " 1",
    "+1",
    "01",
    "1e1",
    "1.0.0",
    "0x1",
    "😀",
    "١",
    "NaN",
    "99999999999999999999",
    "::1%1",
)
REFUSED: tuple[str, ...] = (
    "float",
    "double",
    "date",
    "time",
    "datetime",
    "timestamp",
    "year",
    "bit(8)",
    "enum('a','b')",
    "set('a','b')",
)
REFUSED += ("binary(16)", "varbinary(9)", "blob", "point")


@pytest.fixture(scope="module")
def views(mariadb_url: str) -> Iterator[MariadbViews]:
    with empty_database(mariadb_url) as database, closing(MariadbViews(database)) as made:
        yield made


@cache
def storable_in(views: MariadbViews, charset: str) -> list[str]:
    """Return the texts that a character set can hold, by the server's own conversion."""
    listed = " UNION ALL ".join(f"SELECT {place} AS place, :t{place} AS text" for place in range(len(TEXTS)))
    there_and_back = f"HEX(CONVERT(CONVERT(text USING {charset}) USING utf8mb4)) = HEX(text)"
    held = f"SELECT place FROM ({listed}) AS texts WHERE {there_and_back} ORDER BY place"
    return [TEXTS[place] for place in views.query(held, **{f"t{place}": text for place, text in enumerate(TEXTS)})]


def keep_codes(views: MariadbViews, declared: str, codes: Sequence[str]) -> list[str]:
    """Keep clients with these codes. Return the codes as the server orders and prints them.

    Of codes that are equal for the column, the first is kept.
    """
    views.run(
        "DROP TABLE IF EXISTS kept", f"CREATE TABLE kept (code {declared} NOT NULL PRIMARY KEY) DEFAULT CHARSET utf8mb4"
    )
    with views.engine.begin() as connection:
        values = ", ".join(["(%s)"] * len(codes))
        connection.exec_driver_sql(f"INSERT IGNORE INTO kept VALUES {values}", tuple(codes))
    views.view(code="code", manager_code="code", name="code")
    return [str(code) for code in views.query("SELECT CAST(code AS CHAR) FROM kept ORDER BY code")]


def assert_pages_tile(views: MariadbViews, ordered: list[str], case: str, sizes: Sequence[int] = (1, 3)) -> None:
    for rows_per_page in sizes:
        total, pages = views.pages(rows_per_page)
        assert [code for page in pages for code in page] == ordered, case
        assert [len(page) for page in pages[:-1]] == [rows_per_page] * (len(pages) - 1), case
        assert total == len(ordered), case
    ranks = views.source.rank_codes(ordered)
    assert all(before < after for before, after in pairwise(ranks)), case


@pytest.mark.thorough
def test_no_other_collation_of_the_server_sorts_otherwise_than_it_compares(views: MariadbViews) -> None:
    """Of all 1,241 collations of the server, only those that the service refuses as keys may do so."""
    seed = secrets.randbits(32)
    chance = Random(seed)
    names = defaultdict[str, list[str]](list)
    for name, charset in views.query(COLLATIONS):
        names[charset].append(name)
    disordered = set()
    with views.engine.connect() as connection:
        for charset in names:
            storable = storable_in(views, charset)
            texts = [*storable, *("".join(chance.choices(storable, k=3)) for _ in range(150))]
            connection.exec_driver_sql("DROP TEMPORARY TABLE IF EXISTS texts")
            connection.exec_driver_sql(f"CREATE TEMPORARY TABLE texts (code varchar(20) CHARACTER SET {charset})")
            values = ", ".join(["(%s)"] * len(texts))
            connection.exec_driver_sql(f"INSERT INTO texts VALUES {values}", tuple(texts))
            for name in names[charset]:
                if connection.exec_driver_sql(DISORDER.format(name)).scalar():
                    disordered.add(name)
    assert disordered <= DISORDERED, seed
    assert sum(map(len, names.values())) > 300


@pytest.mark.thorough
def test_pages_tile_in_the_order_of_collations_of_every_character_set(views: MariadbViews) -> None:
    """Each run pages by some of the collations, at least by one of each character set and by those it must refuse."""
    seed = secrets.randbits(32)
    chance = Random(seed)
    every = views.query(COLLATIONS)
    charsets = dict(every)
    usual = [name for name, _ in every if RARE not in name]
    chosen = {name for name, _ in chance.sample(every, 5)} | {*chance.sample(usual, 15)} | DISORDERED
    chosen |= {chance.choice([name for name in usual if charsets[name] == charset]) for charset in charsets.values()}
    for name in sorted(chosen & charsets.keys()):
        storable = storable_in(views, charsets[name])
        codes = [*storable, *("".join(chance.choices(storable, k=3)) for _ in range(10))]
        ordered = keep_codes(views, f"varchar(20) CHARACTER SET {charsets[name]} COLLATE {name}", codes)

        if name in DISORDERED:
            pads = "nopad_" if "_nopad_" in name else ""
            change = f"CONVERT(code USING utf8mb4) COLLATE utf8mb4_{pads}bin"
            with pytest.raises(
                SourceMismatchError, match=f"COLLATE {name}, which cannot be .* utf8mb4_{pads}bin AS code"
            ):
                views.pages(9)
            views.view(code=change)
            ordered = views.query(f"SELECT {change} AS changed FROM kept ORDER BY changed")
        assert_pages_tile(views, ordered, f"{name}, seed {seed}", [9])
    assert len(chosen) > 50


@pytest.mark.thorough
def test_text_outside_the_character_set_of_a_column_finds_nobody(views: MariadbViews) -> None:
    """Text that the column can hold finds its client, also beside the `?` that the server would make of other text."""
    seed = secrets.randbits(32)
    charsets = sorted({*views.query("SELECT character_set_name FROM information_schema.character_sets")} - {"binary"})
    one_by_one = Random(seed).sample(charsets, CHARSETS_A_RUN)
    for charset in charsets:
        case = f"{charset}, seed {seed}"
        storable = storable_in(views, charset)
        declared = f"varchar(20) CHARACTER SET {charset} COLLATE {bin_of(views, charset)}"
        ordered = keep_codes(views, declared, storable)
        assert sorted(ordered) == sorted(storable), case
        views.view(code="code", manager_code="code", name="code", service_codes="code")

        others = tuple(text for text in TEXTS if text not in storable)
        listed = tuple(text for text in TEXTS if text and text == text.strip())
        if others:
            assert views.find(manager_codes=others) == views.find(service_codes=others) == [], case
        assert views.find(manager_codes=tuple(filter(None, TEXTS))) == [code for code in ordered if code], case
        assert views.find(service_codes=listed) == [code for code in ordered if code in listed], case
        if charset in one_by_one:
            assert_each_text_finds_itself(views, ordered, case)


def assert_each_text_finds_itself(views: MariadbViews, ordered: list[str], case: str) -> None:
    for text in filter(None, TEXTS):
        expected = [text] if text in ordered else []
        assert views.find(manager_codes=(text,)) == expected, (case, text)
        if text.strip():
            assert views.find(service_codes=(text,)) == expected, (case, text)
            assert set(expected) <= set(views.find(search=text)), (case, text)
    views.view(code="code", tenant="code")
    for text in TEXTS:
        assert views.find(tenant=text) == ([text] if text in ordered else []), (case, text)


def bin_of(views: MariadbViews, charset: str) -> str:
    (name,) = views.query(
        "SELECT collation_name FROM information_schema.collations WHERE character_set_name = :charset "
        "AND collation_name LIKE '%\\_bin' AND collation_name LIKE '%nopad%'",
        charset=charset,
    )
    return str(name)


@pytest.mark.parametrize("view_collation", ["utf8mb4_unicode_ci", "latin1_swedish_ci", "utf8mb4_nopad_bin"])
def test_literals_in_the_view_never_mix_with_the_collation_of_a_filter(
    views: MariadbViews, view_collation: str
) -> None:
    keep_codes(views, "varchar(20) COLLATE utf8mb4_bin", ["C1"])
    literals = {
        "status": "'Active'",
        "manager_code": "'m'",
        "service_codes": "'VAT;CT'",
        "name": "'Zoë'",
        "code": "code",
    }
    charset = view_collation.partition("_")[0]
    views.view(
        **{name: f"_{charset}{sql} COLLATE {view_collation}" if "'" in sql else sql for name, sql in literals.items()}
    )

    assert views.find(manager_codes=("m", "日"), service_codes=("VAT", "日")) == ["C1"]
    assert views.find(search="zo") == ["C1"]
    assert views.find(search="日") == []
    assert views.find(tenant="日") == []


@pytest.mark.parametrize("declared", NUMBERS)
def test_keys_that_are_not_text_are_paged_and_found_by_their_cells(views: MariadbViews, declared: str) -> None:
    values = NUMBERS[declared]
    ordered = keep_codes(views, declared, values)
    assert sorted(ordered) == sorted(values)

    assert_pages_tile(views, ordered, declared)
    for value in values:
        assert views.find(manager_codes=(value,)) == [value]
        assert views.find(search=value) != []
    views.view(code="code", tenant="code")
    assert [views.find(tenant=value) for value in values] == [[value] for value in values]


@pytest.mark.parametrize("declared", NUMBERS)
def test_text_that_is_no_value_of_a_column_finds_nobody(views: MariadbViews, declared: str) -> None:
    keep_codes(views, declared, NUMBERS[declared])
    shown = [text for text in NOT_VALUES if text and (declared, text) != ("int(4) zerofill", "01")]
    if not declared.startswith("decimal"):
        assert [text for text in shown if views.find(manager_codes=(text,))] == []
    assert views.find(manager_codes=tuple(shown), statuses=("Active",)) == []
    for text in shown:
        views.find(search=text)
        views.find(service_codes=(text,))
    views.view(code="code", tenant="code")
    assert [text for text in shown if views.find(tenant=text) and not declared.startswith("decimal")] == []


@pytest.mark.parametrize("declared", REFUSED)
def test_a_code_that_cannot_be_paged_is_refused_by_name(views: MariadbViews, declared: str) -> None:
    views.run("DROP TABLE IF EXISTS kept", f"CREATE TABLE kept (value {declared})")
    views.view(code="value")

    base = declared.partition("(")[0]
    with pytest.raises(
        SourceMismatchError, match=rf"The column code of the view clients has the type {base}"
    ) as caught:
        views.pages(10)
    assert "which cannot be compared as a key. Write in the view: " in str(caught.value)


@pytest.mark.parametrize("declared", ["enum('b','a','ź')", "set('b','a','ź')", "enum('b','a') character set ascii"])
def test_a_tenant_or_a_filtered_column_may_be_an_enumeration(views: MariadbViews, declared: str) -> None:
    views.run("DROP TABLE IF EXISTS kept", f"CREATE TABLE kept (code varchar(9), value {declared})")
    views.run("INSERT INTO kept VALUES ('C1', 'a'), ('C2', 'b'), ('C3', NULL)")
    views.view(code="code", tenant="value", manager_code="value")

    assert views.find(tenant="a") == ["C1"]
    assert [views.find(tenant=tenant) for tenant in ("1", "x", "日")] == [[], [], []]
    views.view(code="code", manager_code="value")
    assert views.find(manager_codes=("a", "x", "日", "1")) == ["C1"]


@pytest.mark.parametrize("declared", ["datetime(6)", "timestamp(6) NULL", "date", "datetime"])
def test_updated_since_compares_moments_in_utc(views: MariadbViews, declared: str) -> None:
    views.keep(declared, ["'2026-06-01'", "'2026-06-01 23:30'", "'2026-06-02'", "NULL"], "updated_at")
    days = declared == "date"

    def since(*moment: int) -> list[str]:
        return views.find(updated_since=datetime(*moment, tzinfo=UTC))  # type: ignore[misc,arg-type]

    assert since(2026, 6, 1) == ["C00", "C01", "C02"]
    assert since(2026, 6, 1, 0, 0, 0, 1) == (["C00", "C01", "C02"] if days else ["C01", "C02"])
    assert since(2026, 6, 2) == ["C02"]
    assert since(2026, 6, 2, 0, 0, 1) == (["C02"] if days else [])
    assert since(2, 1, 1) == ["C00", "C01", "C02"]
    assert since(9998, 12, 31) == []
    for moment in (datetime(2026, 6, 1, 0, 0, 0, 1, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC)):
        every = views.find(updated_until=moment) + views.find(updated_since=moment)
        assert every == ["C00", "C01", "C02"]


def test_an_index_serves_the_keys_in_every_character_set(views: MariadbViews) -> None:
    for declared in (
        "varchar(20)",
        "varchar(20) CHARACTER SET latin2",
        "varchar(20) CHARACTER SET utf8mb3",
        "uuid",
        "bigint",
    ):
        value = "UUID()" if declared == "uuid" else "seq"
        views.run(
            "DROP TABLE IF EXISTS kept",
            f"CREATE TABLE kept (tenant {declared}, code {declared}, filler char(200), PRIMARY KEY (tenant, code))",
            f"INSERT INTO kept SELECT {value}, {value}, '' FROM seq_1_to_2000",
            "ANALYZE TABLE kept",
        )
        views.view(tenant="tenant", code="code")
        dialect = MysqlDialect()
        with views.engine.connect() as connection:
            view = ClientView(dialect, dialect.describe(connection, ("tenant", "code")))
            first, last = views.query("SELECT min(code) FROM kept UNION ALL SELECT max(code) FROM kept")
            page = statements.page(view, ClientSelection(str(first), ("code",)), KeyRange(str(first), str(last)))
            compiled = page.compile(dialect=mysql.dialect(paramstyle="pyformat"))
            explained = connection.exec_driver_sql(f"EXPLAIN {compiled}", dict(compiled.params)).mappings().all()
        assert [(row["type"], row["key"]) for row in explained] == [("range", "PRIMARY")], (declared, explained)


def test_a_number_of_another_tenant_is_never_taken_for_text(views: MariadbViews) -> None:
    keep_codes(views, "varchar(20)", ["C1"])
    views.view(code="code", tenant="7")

    assert [views.find(tenant=tenant) for tenant in ("7", "7x", "07", TENANT)] == [["C1"], [], [], []]
