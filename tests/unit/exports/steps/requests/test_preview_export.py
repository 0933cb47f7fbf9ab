"""A preview shows the beginning of exactly the file that an export would write."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from exports.errors import SourceMismatchError, SourceUnavailableError
from exports.request.body import CsvExportRequestDto
from exports.request.columns import ColumnMapping
from exports.request.estimate import WarningCode
from exports.request.fields import TargetField
from exports.request.filters import ClientFilter
from exports.request.formats import Compression, FormatDto
from exports.request.preview import MAX_CELL_CHARACTERS, MAX_TEXT_CHARACTERS, ExportPreviewDto
from exports.request.spec import ExportSpec, SensitiveFields
from exports.steps.finalize.commit_file import commit_file
from exports.steps.requests.preview_export import FULL, QUICK, preview_export
from tests.support.builders import a_spec_of
from tests.support.fake_clients import Client
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_planned_job, some_clients, two_columns, write_pages

FIELDS = {
    "Code": TargetField.CODE,
    "Name": TargetField.NAME,
    "Post": TargetField.CAN_CONTACT_POST,
    "Founded": TargetField.INCORPORATION_DATE,
}
COLUMNS = tuple(ColumnMapping(csv_header=header, target_field=field) for header, field in FIELDS.items())
NAMES = ("Ann", "=1+1", 'say "x"', "a,b;c\td", "line\r\nbreak", "", "0042", " x ", "_x000D_", "<&>")
FORMATS: tuple[dict[str, Any], ...] = (
    {},
    {"preset": "excel"},
    {"preset": "excelEu"},
    {"preset": "tsv"},
    {"quoting": "all", "lineEnding": "lf", "delimiter": "|"},
    {"formulaGuard": False},
    {"compression": "gzip"},
)


def _spec(**values: Any) -> ExportSpec:
    return two_columns(columns=COLUMNS, format=FormatDto.model_validate(values).resolve())


def _clients(*names: str) -> list[Client]:
    return [
        client | {"name": name, "can_contact_post": place % 2 == 0, "incorporation_date": "2001-02-03"}
        for place, (client, name) in enumerate(zip(some_clients(len(names)), names, strict=True))
    ]


def _preview(services: MemoryServices, spec: ExportSpec) -> ExportPreviewDto:
    return preview_export(services, TENANT, spec)


def _file(services: MemoryServices, spec: ExportSpec) -> bytes:
    """Export to a file; return its bytes before compression."""
    job = a_planned_job(services, starts=(), spec=spec)
    commit_file(services, write_pages(services, job, 1))
    file = services.files.read(job.file_path)
    assert file is not None
    return gzip.decompress(file) if spec.format.compression is Compression.GZIP else file


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_the_text_of_a_preview_is_the_file_that_an_export_writes(form: dict[str, Any], header: bool) -> None:
    services = a_services(_clients(*NAMES))
    spec = _spec(**form).model_copy(update={"include_headers": header})
    assert _preview(services, spec).text == _file(services, spec).decode("utf-8-sig")


def test_the_cells_are_those_that_a_program_reads_from_the_file() -> None:
    rows = _preview(a_services(_clients(*NAMES)), _spec()).rows
    assert rows[0] == ("C0001", "Ann", "true", "2001-02-03")
    assert [row[1] for row in rows] == ["Ann", "'=1+1", *NAMES[2:]]


@pytest.mark.parametrize("preset", ["xlsx", "jsonl"])
def test_other_kinds_of_files_show_the_same_values_as_text(preset: str) -> None:
    services = a_services(_clients(*NAMES))
    as_csv = _preview(services, _spec(formulaGuard=False))
    assert _preview(services, _spec(preset=preset)).rows == as_csv.rows


def test_a_preview_of_a_workbook_has_no_text_and_json_lines_are_shown_as_they_are() -> None:
    services = a_services(_clients("Ann"))
    assert _preview(services, _spec(preset="xlsx")).text == ""
    assert _preview(services, _spec(preset="jsonl")).text.startswith('{"Code":')


def test_ten_clients_are_shown_and_all_are_counted() -> None:
    services = a_services(some_clients(25))
    found = _preview(services, two_columns())
    assert [row[0] for row in found.rows] == [f"C{number:04d}" for number in range(1, 11)]
    assert found.total_items == 25
    assert found.columns == two_columns().columns
    assert services.clients.reads == 1


def test_clients_that_cannot_be_counted_in_time_have_a_minimum_and_no_total() -> None:
    services = a_services(some_clients(2))
    services.clients.counts_in_time = False
    services.clients.least_counted = 7
    found = _preview(services, two_columns())
    assert (found.total_items, found.minimum_items, len(found.rows)) == (None, 7, 2)


@pytest.mark.parametrize("least", [None, 1])
def test_there_are_at_least_as_many_clients_as_a_preview_shows(least: int | None) -> None:
    services = a_services(some_clients(12))
    services.clients.counts_in_time = False
    services.clients.least_counted = least
    for _ in range(2):
        found = _preview(services, two_columns())
        assert (found.total_items, found.minimum_items, len(found.rows)) == (None, 10, 10)


def test_a_count_that_was_given_up_is_made_when_more_time_is_given_and_then_kept() -> None:
    services = a_services(some_clients(12))
    services.clients.counts_in_time = False
    assert _preview(services, two_columns()).total_items is None
    services.clients.counts_in_time = True
    full = preview_export(services, TENANT, two_columns(), FULL)
    assert (full.total_items, full.minimum_items) == (12, None)
    assert _preview(services, two_columns()).total_items == 12
    assert services.clients.counts == 2


@pytest.mark.parametrize("seconds_set", [0, 60, -10], ids=["", "set forward", "set back"])
def test_clients_are_counted_once_in_fifteen_seconds_for_each_filter(seconds_set: float) -> None:
    services = a_services(some_clients(12))
    for seconds, spec, total, counts in (
        (0, two_columns(), 12, 1),
        (14, two_columns(columns=COLUMNS), 12, 1),
        (0, two_columns(filter=ClientFilter(search="Client 1")), 4, 2),
        (2, two_columns(), 12, 3),
    ):
        services.now.advance(seconds=seconds)
        services.now.set_forward(seconds=seconds_set)
        assert _preview(services, spec).total_items == total
        assert services.clients.counts == counts
    preview_export(services, "other", two_columns())
    assert services.clients.counts == 4


def test_a_count_that_took_too_long_is_not_tried_again_at_once() -> None:
    services = a_services(some_clients(12))
    services.clients.counts_in_time = False
    assert [_preview(services, two_columns()).minimum_items for _ in range(3)] == [10] * 3
    assert services.clients.counts == 1


def test_the_count_of_a_few_clients_is_not_kept_when_more_than_these_are_shown() -> None:
    services = a_services(some_clients(5))
    assert _preview(services, two_columns()).total_items == 5
    services.clients.clients = some_clients(25)
    found = _preview(services, two_columns())
    assert (found.total_items, len(found.rows)) == (25, 10)


def test_clients_that_are_not_found_in_time_are_left_to_a_preview_that_waits() -> None:
    services = a_services(some_clients(12))
    services.clients.search_seconds = 5
    quick = _preview(services, two_columns())
    assert (quick.rows_complete, len(quick.rows), quick.total_items, quick.minimum_items) == (False, 1, None, 1)
    assert quick.text == "Code,Name\r\nC0001,Client 1\r\n"
    full = preview_export(services, TENANT, two_columns(), FULL)
    assert (full.rows_complete, len(full.rows), full.total_items) == (True, 10, 12)
    again = _preview(services, two_columns())
    assert (again.rows_complete, again.total_items, again.minimum_items) == (False, 12, None)


def test_a_quick_preview_takes_less_than_three_tenths_of_a_second() -> None:
    assert QUICK.read_seconds + QUICK.count_seconds < 0.3
    assert FULL.read_seconds > QUICK.read_seconds


def test_a_preview_without_clients_has_only_the_header() -> None:
    found = _preview(a_services(), two_columns())
    assert (found.total_items, found.rows, found.text) == (0, (), "Code,Name\r\n")


def test_a_file_that_a_spreadsheet_would_take_for_sylk_is_shown_as_it_is_written() -> None:
    services = a_services([client | {"code": f"ID{client['code']}"} for client in some_clients(1)])
    spec = two_columns(include_headers=False)
    found = _preview(services, spec)
    assert found.text == _file(services, spec).decode() == '"IDC0001",Client 1\r\n'
    assert found.rows == (("IDC0001", "Client 1"),)


def test_long_cells_and_long_text_are_cut() -> None:
    found = _preview(a_services(_clients(*["x" * 200_000] * 2)), _spec())
    assert [len(row[1]) for row in found.rows] == [MAX_CELL_CHARACTERS] * 2
    assert found.rows[0][1].endswith("x…")
    assert len(found.text) == MAX_TEXT_CHARACTERS


@pytest.mark.parametrize(("long_cells", "words"), [("cut", "will be cut"), ("fail", "this export would fail")])
def test_a_preview_warns_of_text_that_a_workbook_cuts_or_that_fails_the_export(long_cells: str, words: str) -> None:
    services = a_services(_clients("short", "x" * 32_768))
    found = _preview(services, _spec(preset="xlsx", longCells=long_cells))
    (warning,) = found.warnings
    assert (warning.code, warning.columns) == (WarningCode.CELLS_TOO_LONG, ("Name",))
    assert words in warning.message
    assert [len(row[1]) for row in found.rows] == [5, MAX_CELL_CHARACTERS]


@pytest.mark.parametrize("preset", ["rfc4180", "excel", "xlsx", "jsonl"])
def test_a_preview_leaves_all_other_warnings_to_the_estimate(preset: str) -> None:
    services = a_services(_clients(*NAMES, "x" * 32_767))
    assert _preview(services, _spec(preset=preset)).warnings == ()


def test_sensitive_fields_are_left_out_and_named() -> None:
    services = a_services(some_clients(1))
    spec = a_spec_of(CsvExportRequestDto(), sensitive=SensitiveFields.REFUSED)
    found = _preview(services, spec)
    assert TargetField.NI_NUMBER in found.omitted_fields
    assert TargetField.NI_NUMBER not in {column.target_field for column in found.columns}
    assert len(found.rows[0]) == len(found.columns)


def test_a_value_that_does_not_fit_its_column_is_named() -> None:
    services = a_services([client | {"incorporation_date": "soon"} for client in some_clients(1)])
    with pytest.raises(SourceMismatchError, match="incorporation_date"):
        _preview(services, _spec())


def test_a_preview_stores_nothing_and_passes_on_an_outage() -> None:
    services = a_services(some_clients(3))
    _preview(services, two_columns())
    assert services.jobs.all() == []

    def fail() -> None:
        raise SourceUnavailableError("The client database did not answer.")

    services.clients.before_ask = fail
    with pytest.raises(SourceUnavailableError):
        _preview(services, two_columns())
