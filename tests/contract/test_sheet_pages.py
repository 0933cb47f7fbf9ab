"""The same clients give the same rows of a worksheet, whether the database or the renderer writes them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from random import Random

import pytest

from devhost.local.checks import under_ci
from exports.adapters.clients_sql import source as sql_source
from exports.errors import SourceMismatchError
from exports.file.ranges import KeyRange
from exports.file.renderer import Records, render_lists
from exports.file.xlsx.renderer import XlsxRenderer
from exports.ports.clients import ClientSelection, ClientSource
from exports.request.columns import ALL_COLUMNS, ColumnMapping
from exports.request.fields import TargetField
from exports.request.formats import LongCells
from tests.contract.client_stores import STORES, TENANT, ClientStore, client
from tests.contract.test_rendered_pages import hostile_clients
from tests.support.workbooks import XLSX, columns

LIMIT = 32_767
ROOMY_STORES = [name for name in STORES if name not in ("table_store", "mariadb_store")]
"""Those whose columns hold more text than a cell of a workbook."""

Written = tuple[bytes, int, int, int]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> ClientStore:
    opened: ClientStore = request.getfixturevalue(request.param)
    return opened


def total(parts: Iterable[Records]) -> Written:
    """Return the bytes of records, and how many clients, removed characters and cut cells they have."""
    found = [*parts]
    return (
        b"".join(part.data for part in found),
        sum(part.rows for part in found),
        sum(part.removed_characters for part in found),
        sum(part.cut_cells for part in found),
    )


def rendered(source: ClientSource, renderer: XlsxRenderer) -> Written:
    selection = ClientSelection(TENANT, renderer.source_columns)
    with closing(source.render(selection, KeyRange(), renderer)) as parts:  # type: ignore[type-var]
        return total(parts)


def expected(source: ClientSource, renderer: XlsxRenderer) -> Written:
    selection = ClientSelection(TENANT, renderer.source_columns)
    with closing(source.read(selection, KeyRange())) as lists:  # type: ignore[type-var]
        return total(render_lists(lists, renderer))


def test_every_source_writes_the_rows_of_the_renderer(store: ClientStore) -> None:
    store.put(*hostile_clients(300))
    renderer = XlsxRenderer(ALL_COLUMNS, XLSX)

    written = rendered(store.source, renderer)
    assert written == expected(store.source, renderer)
    assert written[1] == 300
    assert written[2] > 100, "no character is refused"


def test_columns_in_any_order_have_the_rows_of_the_renderer(store: ClientStore) -> None:
    store.put(*hostile_clients(60))
    chance = Random(11)

    for _ in range(40 if under_ci() else 12):
        fields = chance.choices([*TargetField], k=chance.randrange(1, 12))
        mappings = [ColumnMapping(csv_header=f"{number}", target_field=field) for number, field in enumerate(fields)]
        renderer = XlsxRenderer(mappings, XLSX)
        assert rendered(store.source, renderer) == expected(store.source, renderer), fields


def test_codes_of_any_characters_are_those_of_the_first_and_last_client(store: ClientStore) -> None:
    odd = ["a", '"', '""', ",", "a,b", "é,", "zz", "b\x1f", "\x1d", "\x1dc\x1d", "\x1f\x1d", "\x01", "d\x04", "e\x1df"]
    store.put(*(client(code, name=f"Client {code}", pcl_sent=True) for code in odd))
    renderer = XlsxRenderer(columns(TargetField.NAME, TargetField.PCL_SENT), XLSX)
    selection = ClientSelection(TENANT, renderer.source_columns)
    in_order = [row[0] for rows in store.source.read(selection, KeyRange()) for row in rows]

    parts = [*store.source.render(selection, KeyRange(), renderer)]

    assert (parts[0].first_code, parts[-1].last_code) == (in_order[0], in_order[-1])
    assert total(parts) == expected(store.source, renderer)


@pytest.mark.parametrize("store", ROOMY_STORES, indirect=True)
def test_cells_that_are_too_long_are_cut_and_counted_as_the_renderer_does(store: ClientStore) -> None:
    texts = ["x" * LIMIT, "x" * (LIMIT - 1) + "🙂", "é" * (LIMIT + 5), "\x01" + "y" * LIMIT, "\n" * (LIMIT + 1), None]
    store.put(*(client(f"C{number}", website=text, team="t\x1f") for number, text in enumerate(texts)))
    renderer = XlsxRenderer(columns(TargetField.CODE, TargetField.WEBSITE, TargetField.TEAM), XLSX)

    written = rendered(store.source, renderer)
    assert written == expected(store.source, renderer)
    assert written[1:] == (6, 7, 3)


@pytest.mark.parametrize("long_cells", LongCells)
@pytest.mark.parametrize("store", ROOMY_STORES, indirect=True)
def test_characters_that_are_left_out_make_no_cell_too_long(store: ClientStore, long_cells: LongCells) -> None:
    store.put(client("C1", website="z" * LIMIT + "\x01"), client("C2", website="plain"))
    wanted = XLSX.model_copy(update={"long_cells": long_cells})
    renderer = XlsxRenderer(columns(TargetField.CODE, TargetField.WEBSITE), wanted)

    written = rendered(store.source, renderer)
    assert written == expected(store.source, renderer)
    assert written[1:] == (2, 1, 0)
    assert written[0].count(b"z" * LIMIT) == 1


@pytest.mark.parametrize("store", ROOMY_STORES, indirect=True)
def test_the_message_about_a_long_cell_is_that_of_the_renderer(store: ClientStore) -> None:
    store.put(client("C1", website="x" * LIMIT), client("C2", website="\n" + "x" * LIMIT))
    renderer = XlsxRenderer(
        columns(TargetField.CODE, TargetField.WEBSITE), XLSX.model_copy(update={"long_cells": LongCells.FAIL})
    )

    found = []
    for write in (rendered, expected):
        with pytest.raises(SourceMismatchError) as caught:
            write(store.source, renderer)
        found.append((str(caught.value), caught.value.private, caught.value.column))
    assert found[0] == found[1]
    assert found[0][1:] == ("The client has the code C2.", "website")


def test_samples_have_the_rows_of_the_renderer(store: ClientStore) -> None:
    store.put(*hostile_clients(60))
    starts = ["C00030", "C00000", "C00007a", "C00057", "D"]
    renderer = XlsxRenderer(ALL_COLUMNS, XLSX)
    selection = ClientSelection(TENANT, renderer.source_columns)

    sampled = list(store.source.sample(selection, map(KeyRange, starts), 7))
    wanted = [Records(len(sample), renderer.render(sample)) for sample in sampled]
    assert list(store.source.render_samples(selection, starts, 7, renderer)) == wanted


def test_postgresql_writes_the_records_of_workbooks_itself(
    postgres_store: ClientStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres_store.put(*hostile_clients(60))
    renderer = XlsxRenderer(ALL_COLUMNS, XLSX)
    selection = ClientSelection(TENANT, renderer.source_columns)
    starts = ["C00030", "C00007"]
    wanted = expected(postgres_store.source, renderer)
    sampled = postgres_store.source.sample(selection, map(KeyRange, starts), 7)
    wanted_samples = [Records(len(sample), renderer.render(sample)) for sample in sampled]

    monkeypatch.setattr(sql_source, "render_lists", None)
    monkeypatch.setattr(sql_source, "render_samples", None)
    assert rendered(postgres_store.source, renderer) == wanted
    assert [*postgres_store.source.render_samples(selection, starts, 7, renderer)] == wanted_samples
