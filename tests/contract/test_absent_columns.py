"""A view may lack columns: they are empty in the file, the same in all of its pages, and no filter can need them."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import create_engine, event

from exports.adapters.clients_sql import described as description
from exports.adapters.clients_sql import source as sql_source
from exports.adapters.clients_sql.dialects.base import SourceDialect
from exports.adapters.clients_sql.dialects.sqlite import SqliteDialect
from exports.adapters.clients_sql.sql.checks import require_usable
from exports.errors import SourceMismatchError, SourceRefusedError, SourceReplacedError
from exports.file.jsonl.renderer import JsonLinesRenderer
from exports.file.ranges import KeyRange
from exports.file.renderer import Renderer, Row, render_lists
from exports.file.xlsx.renderer import XlsxRenderer
from exports.ports.clients import ClientSelection
from exports.request.columns import ALL_COLUMNS
from exports.request.fields import REQUIRED_COLUMNS, VIEW_COLUMNS, TargetField
from exports.request.filters import SEARCHED_COLUMNS, ClientFilter
from exports.request.formats import FORMAT_PRESETS, CsvFormat, FormatPreset, Quoting
from tests.contract.client_stores import SQL_STORES, TENANT, SqlStore, client
from tests.contract.test_rendered_pages import FORMATS, hostile_clients, renderer_of
from tests.support.each_case import assert_each
from tests.support.workbooks import XLSX

ABSENT = (
    "vat_reg_date",
    "pcl_sent",
    "registered_address_line1",
    "registered_address_city",
    *(f"postal_address_{part}" for part in ("line1", "line2", "line3", "city", "post_code", "country")),
    "website",
)
"""A date, a boolean, parts of an address, a whole address, and text."""

FILTERS: dict[str, tuple[str, ClientFilter]] = {
    "managerCodes": ("manager_code", ClientFilter(manager_codes=("M1",))),
    "partnerCodes": ("partner_code", ClientFilter(partner_codes=("P1",))),
    "associateCodes": ("associate_code", ClientFilter(associate_codes=("A1",))),
    "teamCodes": ("team_code", ClientFilter(team_codes=("T1",))),
    "statuses": ("status", ClientFilter.model_validate({"statuses": ["Active"]})),
    "types": ("type", ClientFilter.model_validate({"types": ["Trust"]})),
    "serviceCodes": ("service_codes", ClientFilter(service_codes=("VAT",))),
    "search": ("trading_as", ClientFilter(search="x")),
    "updatedSince": ("updated_at", ClientFilter(updated_since=datetime(2026, 1, 1, tzinfo=UTC))),
    "updatedUntil": ("updated_at", ClientFilter(updated_until=datetime(2026, 1, 1, tzinfo=UTC))),
}


@pytest.fixture(params=SQL_STORES)
def store(request: pytest.FixtureRequest) -> SqlStore:
    opened: SqlStore = request.getfixturevalue(request.param)
    return opened


def leave_out(store: SqlStore, *columns: str) -> None:
    names = ", ".join(name for name in VIEW_COLUMNS if name not in columns)
    store.replace_view(f"SELECT {names} FROM client_records")


def emptied(rows: list[Row], columns: tuple[str, ...]) -> list[Row]:
    return [tuple(None if name in ABSENT else value for name, value in zip(columns, row, strict=True)) for row in rows]


def test_absent_columns_are_empty_in_the_bytes_of_every_path_and_format(store: SqlStore) -> None:
    store.put(*hostile_clients(60))
    columns = renderer_of(CsvFormat()).source_columns
    selection = ClientSelection(TENANT, columns)
    rows = emptied([row for rows in store.source.read(selection, KeyRange()) for row in rows], columns)
    leave_out(store, *ABSENT)

    assert [row for part in store.source.read(selection, KeyRange()) for row in part] == rows
    renderers: dict[str, Renderer] = {name: renderer_of(wanted) for name, wanted in FORMATS.items()}
    renderers["xlsx"] = XlsxRenderer(ALL_COLUMNS, XLSX)
    renderers["jsonl"] = JsonLinesRenderer(ALL_COLUMNS, FORMAT_PRESETS[FormatPreset.JSONL])
    for name, renderer in renderers.items():
        written = b"".join(part.data for part in store.source.render(selection, KeyRange(), renderer))
        assert written == b"".join(part.data for part in render_lists([rows], renderer)), name
        (sample,) = store.source.render_samples(selection, ["C00007"], 5, renderer)
        assert sample.data == renderer.render(rows[7:12]), name


@pytest.mark.parametrize("field", [TargetField.WEBSITE, TargetField.PCL_SENT, TargetField.POSTAL_ADDRESS])
def test_a_file_of_one_absent_column_has_a_record_for_every_client(store: SqlStore, field: TargetField) -> None:
    store.put(client("C1", website="x"), client("C2", pcl_sent=True))
    leave_out(store, *ABSENT)

    for quoting in Quoting:
        renderer = renderer_of(CsvFormat(quoting=quoting), field)
        selection = ClientSelection(TENANT, renderer.source_columns)
        assert b"".join(part.data for part in store.source.render(selection, KeyRange(), renderer)) == b'""\r\n""\r\n'


def test_a_view_of_the_required_columns_alone_gives_a_full_export(store: SqlStore) -> None:
    store.put(client("C1", name="One", email="one@example.com"))
    store.replace_view(f"SELECT {', '.join(REQUIRED_COLUMNS)} FROM client_records")
    renderer = renderer_of(CsvFormat())
    selection = ClientSelection(TENANT, renderer.source_columns)

    (part,) = store.source.render(selection, KeyRange(), renderer)

    assert part.data == b"One,C1" + b"," * 65 + b"\r\n"


def test_the_pass_over_the_keys_names_the_absent_columns(store: SqlStore) -> None:
    store.put(*(client(f"C{number}") for number in range(5)))
    leave_out(store, "website", "team_code", "email")
    selection = ClientSelection(TENANT, ("code", "website", "name", "email"))

    found = store.source.find_boundaries(selection, 2)

    assert (found.total_rows, found.absent_columns) == (5, ("website", "email"))


def test_a_filter_by_an_absent_column_is_refused_by_column_and_filter(store: SqlStore) -> None:
    store.put(client("C1", **{key: "x" for key in SEARCHED_COLUMNS if key != "code"}))

    def check(name: str) -> None:
        column, wanted = FILTERS[name]
        leave_out(store, column)
        selection = ClientSelection(TENANT, ("code", "name"), wanted)
        named = name + (", which since and incremental schedules set," if name == "updatedSince" else "")
        words = (
            f"lacks the column {column}, which the filter {named} needs. Add .* to the view, or export without {name}"
        )
        for ask in (
            lambda: store.source.find_boundaries(selection, 10),
            lambda: [*store.source.read(selection, KeyRange())],
            lambda: [*store.source.render(selection, KeyRange(), renderer_of(CsvFormat(), TargetField.NAME))],
        ):
            with pytest.raises(SourceMismatchError, match=words):
                ask()

    assert_each({name: name for name in FILTERS}, check)


@pytest.mark.parametrize("column", REQUIRED_COLUMNS)
def test_a_required_column_is_never_left_out(store: SqlStore, column: str) -> None:
    leave_out(store, column)

    with pytest.raises(SourceMismatchError, match=f"lacks the column {column};"):
        store.source.find_boundaries(ClientSelection(TENANT, ("code", "name")), 10)
    assert store.source.missing_columns(VIEW_COLUMNS) == (column,)


@pytest.mark.parametrize(
    ("planned", "left_out", "words"),
    [
        ((), ("website",), "has lost the column website since"),
        (("website",), (), "has gained the column website since"),
        (("website", "email"), ("manager", "partner"), "lost the columns .* and gained the columns .* since"),
    ],
)
def test_a_page_of_a_view_with_other_columns_than_planned_is_refused(
    store: SqlStore, planned: tuple[str, ...], left_out: tuple[str, ...], words: str
) -> None:
    store.put(client("C1", website="x"))
    renderer = renderer_of(CsvFormat())
    selection = ClientSelection(TENANT, renderer.source_columns, absent_columns=planned)
    leave_out(store, *planned)
    assert len([*store.source.render(selection, KeyRange(), renderer)]) == 1

    leave_out(store, *left_out)

    with pytest.raises(SourceReplacedError, match=words):
        list(store.source.render(selection, KeyRange(), renderer))


@pytest.mark.parametrize("name", ["sqlite_store", "mariadb_store"])
def test_a_column_lost_after_the_view_was_described_is_noticed(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    store: SqlStore = request.getfixturevalue(name)
    store.put(client("C1", website="x"))
    renderer = renderer_of(CsvFormat(), TargetField.WEBSITE)
    selection = ClientSelection(TENANT, renderer.source_columns, absent_columns=())

    def lose_column(*described: Any) -> None:
        require_usable(*described)
        monkeypatch.undo()
        leave_out(store, "website")

    monkeypatch.setattr(description, "require_usable", lose_column)

    with pytest.raises(SourceReplacedError, match="lost the column website"):
        list(store.source.render(selection, KeyRange(), renderer))


def test_a_column_that_mariadb_may_not_show_the_user_is_refused_not_empty(mariadb_store: SqlStore) -> None:
    mariadb_store.put(client("C1", name="One", website="x"))
    user = "column_reader"
    mariadb_store.execute(f"CREATE OR REPLACE USER {user}@'%' IDENTIFIED BY 'word'")
    mariadb_store.execute(f"GRANT SELECT (tenant, code, name) ON clients TO {user}@'%'")
    url = mariadb_store.engine.url.set(username=user, password="word")
    source = sql_source.SqlClientSource(url.render_as_string(hide_password=False))

    try:
        with pytest.raises(SourceRefusedError, match="may not read"):
            list(source.read(ClientSelection(TENANT, ("code", "website")), KeyRange()))
        assert list(source.read(ClientSelection(TENANT, ("code", "name")), KeyRange())) == [[("C1", "One")]]
    finally:
        source.close()
        mariadb_store.execute(f"DROP USER {user}@'%'")


def test_a_database_that_describes_no_types_still_lacks_columns(
    sqlite_store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any other database that SQLAlchemy has a driver for is read like this."""
    monkeypatch.setattr(SqliteDialect, "describe", SourceDialect.describe)
    sqlite_store.put(client("C1", name="One", website="x"))
    leave_out(sqlite_store, "website")

    rows = list(sqlite_store.source.read(ClientSelection(TENANT, ("code", "website", "name")), KeyRange()))

    assert rows == [[("C1", None, "One")]]


@pytest.mark.parametrize("name", ["sqlite_store", "mariadb_store"])
def test_a_whole_view_costs_no_statement_more_and_an_absent_column_one(
    request: pytest.FixtureRequest, name: str
) -> None:
    store: SqlStore = request.getfixturevalue(name)
    store.put(client("C1", website="x"))
    selection = ClientSelection(TENANT, ("code", "website"))

    def statements() -> list[str]:
        sent: list[str] = []
        engine = create_engine(store.engine.url)
        event.listen(engine, "before_cursor_execute", lambda *call: sent.append(call[2]))
        with closing(sql_source.SqlClientSource(engine)) as source:
            list(source.read(selection, KeyRange()))
        return [statement for statement in sent if "clients" in statement]

    whole = statements()
    leave_out(store, "website")
    lacking = statements()

    assert [len(whole), len(lacking)] == [2, 3]
    assert "website" in whole[-1]
    assert "website" not in lacking[-1]
