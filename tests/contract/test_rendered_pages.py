"""The same clients give the same bytes, whether the source, its database or the renderer writes them."""

from __future__ import annotations

from contextlib import closing
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.file.renderer import Records, render_lists
from exports.ports.clients import ClientSelection, ClientSource
from exports.request.columns import ALL_COLUMNS, ColumnMapping
from exports.request.fields import FIELD_COLUMNS, CellKind, TargetField, cell_kind, source_columns
from exports.request.filters import ClientFilter
from exports.request.formats import CsvFormat, Delimiter, FormatDto, LineEnding, Quoting
from tests.contract.client_stores import STORES, TENANT, ClientStore, client
from tests.support.csv_presets import CSV_PRESETS
from tests.support.each_case import assert_each

FORMATS: dict[str, CsvFormat] = {
    **{preset.value: FormatDto(preset=preset).resolve() for preset in CSV_PRESETS},
    "semicolons": CsvFormat(delimiter=Delimiter.SEMICOLON),
    "bars, LF": CsvFormat(delimiter=Delimiter.BAR, line_ending=LineEnding.LF),
    "quotes": CsvFormat(quoting=Quoting.ALL),
    "tabs and quotes": CsvFormat(delimiter=Delimiter.TAB, quoting=Quoting.ALL),
    "unguarded": CsvFormat(formula_guard=False),
}
TEXTS = (
    *("", " ", "  ", " a", "a ", " a ", "!", "~", "a,b", "a;b", "a\tb", "a|b", 'a"b', '"', '""', ",", "\\", "\\."),
    *("NULL", "\\N", "a\nb", "a\r\nb", "\n", "\r", "\n=1", "\r=1", "\t=1", "a\n=1", "a,=1", "a;=1", "a|+x", "a\t@x"),
    *("=1+1", "=", "+", "-", "@", "+44 20 7946 0000", "+44 (0)20", "-5", "-5%", "+1,5", "+1;2", "-a", "+a", "--1"),
    *('+44 "x"', "+44\n=1", "-1\n", "+£5", "-€5", "+ 44", "+  44", "+\u00a044", "＝1", "＋1", "－1", "＠x", "a＝"),
    *("'=1", "0123", "1E5", "12-03", "MAR1", "8:30", "123456789012345678", "Zoë", "é", "🙂", "\u00a0", "\u2003x"),
    *("x" * 300, "\x01", "\x1f", "“quoted”", "C:\\x", "%s", "%(a)s", ":a", "infinity", "\u2028", "\ufeff", "x\x7f"),
)
DAYS = (None, "2026-01-31", "0001-01-01", "9999-12-31", "0987-06-05", "2024-02-29")
KINDS = {name: cell_kind(field) for field in TargetField for name in source_columns(field)}


_TABLES = pytest.param("table_store", marks=pytest.mark.thorough)


@pytest.fixture(params=[_TABLES if name == "table_store" else name for name in STORES])
def store(request: pytest.FixtureRequest) -> ClientStore:
    opened: ClientStore = request.getfixturevalue(request.param)
    return opened


def hostile_clients(count: int) -> list[Any]:
    """Return clients with difficult texts. Every text occurs in every column, in early and late records."""
    chance = Random(5)
    names = [name for name in FIELD_COLUMNS if name != "code"]
    return [client(f"C{n:05d}", **{name: _value(name, chance) for name in names}) for n in range(count)]


def _value(name: str, chance: Random) -> Any:
    kind = KINDS[name]
    if kind is CellKind.BOOLEAN:
        return chance.choice((None, True, False))
    if kind is CellKind.DATE:
        return chance.choice(DAYS)
    if chance.random() < 0.3:
        return None
    if chance.random() < 0.3:
        return "".join(chance.choices("a0 ,;\t|\"\r\n=+-@'(.", k=chance.randrange(8)))
    return chance.choice(TEXTS)


def renderer_of(wanted: CsvFormat, *fields: TargetField) -> CsvRenderer:
    columns = [ColumnMapping(csv_header=field.value, target_field=field) for field in fields]
    return CsvRenderer(columns or ALL_COLUMNS, wanted)


def rendered(source: ClientSource, renderer: CsvRenderer, key_range: KeyRange | None = None, **filters: Any) -> bytes:
    selection = ClientSelection(TENANT, renderer.source_columns, ClientFilter(**filters))
    return b"".join(records.data for records in source.render(selection, key_range or KeyRange(), renderer))


def expected(source: ClientSource, renderer: CsvRenderer, **filters: Any) -> bytes:
    selection = ClientSelection(TENANT, renderer.source_columns, ClientFilter(**filters))
    return b"".join(records.data for records in render_lists(source.read(selection, KeyRange()), renderer))


def test_every_source_writes_the_bytes_of_the_renderer_in_every_format(store: ClientStore) -> None:
    store.put(*hostile_clients(300))
    selection = ClientSelection(TENANT, renderer_of(CsvFormat()).source_columns)
    lists = [*store.source.read(selection, KeyRange())]

    for name, wanted in FORMATS.items():
        renderer = renderer_of(wanted)
        assert renderer.source_columns == selection.columns
        written = b"".join(records.data for records in render_lists(lists, renderer))
        assert rendered(store.source, renderer) == written, name


def test_a_single_column_has_a_record_for_every_client(store: ClientStore) -> None:
    store.put(*hostile_clients(100))

    for field in (TargetField.NAME, TargetField.POSTAL_ADDRESS, TargetField.PCL_SENT, TargetField.CODE):
        for wanted in (CsvFormat(), CsvFormat(quoting=Quoting.ALL)):
            data = rendered(store.source, renderer_of(wanted, field))
            assert data == expected(store.source, renderer_of(wanted, field)), field


def test_the_additional_code_is_removed_completely(store: ClientStore) -> None:
    odd = ["a", '"', '""', ",", '",', ',"', "a,b", 'a"b', " ", "-5", "=x", "é,", "'", ";", '","', "zz"]
    store.put(*(client(code, name=f"Client {code}") for code in odd))
    renderer = renderer_of(CsvFormat(), TargetField.NAME, TargetField.EMAIL)

    assert rendered(store.source, renderer) == expected(store.source, renderer)


def test_records_name_the_first_and_the_last_client_that_they_show(store: ClientStore) -> None:
    odd = ["a", '"', ",", '",', "a,b", 'a"b', " ", "=x", "é,", "zz", *(f"C{number:05d}" for number in range(1_100))]
    store.put(*(client(code, name="x" * 500) for code in odd))
    selection = ClientSelection(TENANT, ("code", "name"))
    in_order = [row[0] for rows in store.source.read(selection, KeyRange()) for row in rows]
    renderer = renderer_of(CsvFormat(), TargetField.NAME)

    parts = [*store.source.render(ClientSelection(TENANT, renderer.source_columns), KeyRange(), renderer)]

    assert len(parts) > 1
    shown = 0
    for part in parts:
        assert (part.first_code, part.last_code) == (in_order[shown], in_order[shown + part.rows - 1])
        shown += part.rows
    assert shown == len(odd)


@pytest.mark.parametrize("filters", [{}, {"search": "o"}])
def test_samples_have_the_bytes_of_the_renderer(store: ClientStore, filters: dict[str, Any]) -> None:
    store.put(*hostile_clients(60))
    starts = ["C00030", "C00000", "C00007a", "C00030", "C00057", "D", "' OR '1'='1", "%s\\"]
    selection = ClientSelection(TENANT, renderer_of(CsvFormat()).source_columns, ClientFilter(**filters))
    sampled = list(store.source.sample(selection, map(KeyRange, starts), 7))

    for name, wanted in FORMATS.items():
        renderer = renderer_of(wanted)
        assert renderer.source_columns == selection.columns
        expected = [Records(len(sample), renderer.render(sample)) for sample in sampled]
        assert list(store.source.render_samples(selection, starts, 7, renderer)) == expected, name


def test_samples_of_a_single_column_count_their_clients(store: ClientStore) -> None:
    store.put(*(client(f"C{n}", name=name) for n, name in enumerate(['"', None, ",", "1", "", "x,1"])))
    renderer = renderer_of(CsvFormat(), TargetField.NAME)
    selection = ClientSelection(TENANT, renderer.source_columns)

    samples = list(store.source.render_samples(selection, ["C2", "C0"], 3, renderer))

    assert samples == [Records(3, b'","\r\n1\r\n""\r\n'), Records(3, b'""""\r\n""\r\n","\r\n')]


def test_concatenated_ranges_are_the_whole_file(store: ClientStore) -> None:
    store.put(*hostile_clients(50))
    renderer = renderer_of(CsvFormat())

    starts = [None, "C00007", "C00007a", "C00031", None]
    pieces = [rendered(store.source, renderer, KeyRange(start, stop)) for start, stop in pairwise(starts)]

    assert b"".join(pieces) == expected(store.source, renderer)


def test_hostile_text_in_a_filter_is_only_text(store: ClientStore) -> None:
    texts = ("' OR '1'='1", "\\", "\\' --", "%s", ":tenant", "%(tenant)s", "$1", "a'b\\'c", "é")
    codes = {text: f"C{number}" for number, text in enumerate(texts)}
    store.put(*(client(code, manager_code=text) for text, code in codes.items()))
    store.put(client("D1", manager_code="plain"), client("D2", tenant="harbour"))

    def check(text: str) -> None:
        data = rendered(store.source, renderer_of(CsvFormat(), TargetField.CODE), manager_codes=(text,))
        assert data == f"{codes[text]}\r\n".encode()

    assert_each({text: text for text in texts}, check)


def test_records_are_counted(store: ClientStore) -> None:
    store.put(*hostile_clients(70))
    renderer = renderer_of(CsvFormat())
    selection = ClientSelection(TENANT, renderer.source_columns)

    assert sum(records.rows for records in store.source.render(selection, KeyRange(), renderer)) == 70


def test_a_reader_that_stops_early_does_not_break_the_source(store: ClientStore) -> None:
    store.put(*(client(f"C{number:05d}", name="x" * 2_000) for number in range(1_500)))
    renderer = renderer_of(CsvFormat(), TargetField.NAME)
    selection = ClientSelection(TENANT, renderer.source_columns)

    for _ in range(20):
        with closing(store.source.render(selection, KeyRange(), renderer)) as records:  # type: ignore[type-var]
            next(records)

    assert len(rendered(store.source, renderer)) == 1_500 * 2_002
