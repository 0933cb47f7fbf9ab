"""An estimate counts and samples clients, warns, and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from exports.errors import EstimateTooSlowError, SourceMismatchError, SourceThrottledError, SourceUnavailableError
from exports.file.ranges import Boundaries
from exports.request.columns import ColumnMapping
from exports.request.consistency import Consistency
from exports.request.estimate import EXCEL_MAX_RECORDS, ExportEstimateDto, WarningCode
from exports.request.fields import TargetField
from exports.request.formats import FormatDto
from exports.request.lookups import ESTIMATES_OF_A_PROCESS, LookupRoom
from exports.request.spec import ExportSpec
from exports.steps.requests.estimate_export import estimate_export
from exports.steps.requests.preview_export import preview_export
from tests.support.csv_presets import CSV_PRESETS
from tests.support.fake_clients import Client
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_planned_job, some_clients, two_columns, write_pages


def _estimate(services: MemoryServices, spec: ExportSpec | None = None) -> ExportEstimateDto:
    return estimate_export(services, TENANT, spec or two_columns())


def _format(**values: Any) -> ExportSpec:
    return two_columns(format=FormatDto.model_validate(values).resolve())


def _with_names(*names: str) -> list[Client]:
    return [client | {"name": name} for client, name in zip(some_clients(len(names)), names, strict=True)]


def _warnings(services: MemoryServices, spec: ExportSpec | None = None) -> dict[WarningCode, tuple[str, ...]]:
    return {warning.code: warning.columns for warning in _estimate(services, spec).warnings}


@pytest.mark.parametrize("clients", [0, 1, 700])
@pytest.mark.parametrize(
    "format_values", [{}, {"preset": "excel"}, {"compression": "gzip"}, {"preset": "tsv", "quoting": "all"}]
)
def test_a_small_export_is_estimated_to_the_byte(clients: int, format_values: dict[str, Any]) -> None:
    services = a_services(some_clients(clients))
    job = a_planned_job(services, starts=(), spec=_format(**format_values))
    written = write_pages(services, job, 1)
    estimate = _estimate(services, job.spec)
    assert (estimate.rows, estimate.bytes, estimate.pages) == (written.rows, written.bytes, 1)


def test_the_quote_of_a_file_that_would_begin_with_id_is_estimated_too() -> None:
    services = a_services([{**some_clients(1)[0], "code": "ID1"}])
    job = a_planned_job(services, starts=(), spec=two_columns(include_headers=False))
    assert _estimate(services, job.spec).bytes == write_pages(services, job, 1).bytes


def test_a_large_export_is_sampled_from_all_over_the_key_space() -> None:
    clients = some_clients(8_000)
    for client in clients[4_000:]:
        client["name"] = "n" * 100  # rows of the second half are much longer
    services = a_services(clients)
    job = a_planned_job(services, starts=())
    assert _estimate(services).bytes == pytest.approx(write_pages(services, job, 1).bytes, rel=0.1)


def test_the_number_of_pages_follows_from_the_block_size() -> None:
    services = a_services(some_clients(8_000), EXPORT_BLOCK_BYTES=20_000)
    assert _estimate(services).pages == pytest.approx(8_000 * 20 / 20_000, abs=2)
    assert _estimate(services, _format(compression="gzip")).pages < 4


@pytest.mark.parametrize(("block_bytes", "pages"), [(60_000, 1), (30_000, 2)])
def test_an_export_that_fits_a_page_is_estimated_as_one(block_bytes: int, pages: int) -> None:
    services = a_services(some_clients(2_500), EXPORT_BLOCK_BYTES=block_bytes)
    assert _estimate(services).pages == pages
    assert _estimate(services, two_columns(consistency=Consistency.SNAPSHOT)).pages == pages


@pytest.mark.parametrize(("long_cells", "words"), [("cut", "will be cut"), ("fail", "this export would fail")])
def test_text_too_long_for_a_workbook_is_a_warning_also_if_it_would_fail_the_export(
    long_cells: str, words: str
) -> None:
    services = a_services(_with_names("short", "x" * 40_000))
    (warning,) = _estimate(services, _format(preset="xlsx", longCells=long_cells)).warnings
    assert (warning.code, warning.columns) == (WarningCode.CELLS_TOO_LONG, ("Name",))
    assert words in warning.message


def test_the_duration_follows_from_the_configured_rate() -> None:
    slow, fast = (_estimate(a_services(some_clients(5_000), EXPORT_BYTES_PER_SECOND=rate)) for rate in (10_000, 10**7))
    assert slow.seconds == pytest.approx(0.3 + slow.bytes / 10_000, abs=0.1)
    assert fast.seconds < 1


def test_an_estimate_reads_nine_samples_at_most_and_stores_nothing() -> None:
    services = a_services(some_clients(8_000))
    _estimate(services)
    assert services.clients.reads <= 9
    assert services.jobs.all() == []
    assert services.files.commits == 0


def test_an_ordinary_export_gets_no_warning() -> None:
    assert _warnings(a_services(some_clients(700))) == {}


def test_a_warning_names_the_columns_that_excel_would_change() -> None:
    services = a_services(_with_names("Ann", "0042"))
    assert _warnings(services) == {WarningCode.EXCEL_CHANGES_CELLS: ("Name",)}
    assert _warnings(services, _format(preset="excel")) == {}


def test_a_warning_names_the_columns_that_the_guard_changes() -> None:
    services = a_services(_with_names("Ann", "=1+1", "-5"))
    assert _warnings(services) == {WarningCode.GUARD_CHANGES_CELLS: ("Name",)}
    assert _warnings(services, _format(formulaGuard=False)) == {}


def test_text_within_a_cell_causes_a_warning_if_the_guard_changes_it() -> None:
    services = a_services(_with_names("a;=1+1"))
    for preset in CSV_PRESETS:
        assert _warnings(services, _format(preset=preset)) == {WarningCode.GUARD_CHANGES_CELLS: ("Name",)}


def test_a_cell_longer_than_a_cell_of_excel_causes_a_warning() -> None:
    assert _warnings(a_services(_with_names("x" * 32_767))) == {}
    for name in ("x" * 32_768, "😀" * 16_384):
        assert _warnings(a_services(_with_names(name))) == {WarningCode.EXCEL_CUTS_CELLS: ("Name",)}


def test_headers_alike_but_for_letter_case_cause_a_warning() -> None:
    headers = {"Straße": TargetField.NAME, "STRASSE": TargetField.CODE, "Other": TargetField.EMAIL}
    columns = [ColumnMapping(csv_header=header, target_field=field) for header, field in headers.items()]
    spec = two_columns(columns=tuple(columns))
    assert _warnings(a_services(some_clients(1)), spec) == {WarningCode.HEADERS_ALIKE: ("Straße", "STRASSE")}
    without_headers = spec.model_copy(update={"include_headers": False})
    assert _warnings(a_services(some_clients(1)), without_headers) == {}


@pytest.mark.parametrize(
    ("rows", "include_headers", "warned"),
    [(EXCEL_MAX_RECORDS - 1, True, False), (EXCEL_MAX_RECORDS, True, True), (EXCEL_MAX_RECORDS, False, False)],
)
def test_more_records_than_a_worksheet_has_rows_cause_a_warning(rows: int, include_headers: bool, warned: bool) -> None:
    services = a_services(some_clients(3))
    services.clients.find_boundaries = lambda *_: Boundaries(rows, ())  # type: ignore[method-assign]
    found = _warnings(services, two_columns(include_headers=include_headers))
    assert (WarningCode.EXCEL_ROW_LIMIT in found) is warned


def test_a_warning_names_the_omitted_fields() -> None:
    services = a_services(some_clients(1))
    spec = two_columns(omitted_fields=(TargetField.NI_NUMBER,))
    assert _warnings(services, spec) == {WarningCode.FIELDS_LEFT_OUT: ("NiNumber",)}


def test_the_error_names_a_missing_column() -> None:
    services = a_services(some_clients(1))
    services.clients.lacking = frozenset({"name"})
    with pytest.raises(SourceMismatchError, match="lacks the column name;"):
        _estimate(services)


def test_an_unavailable_source_raises_an_error() -> None:
    services = a_services(some_clients(1))

    def fail() -> None:
        raise SourceUnavailableError("No answer.")

    services.clients.before_ask = fail
    with pytest.raises(SourceUnavailableError):
        _estimate(services)


def test_a_client_that_the_view_returns_twice_is_found_among_those_sampled() -> None:
    services = a_services([*some_clients(3), *some_clients(1)])
    with pytest.raises(SourceMismatchError, match="returns a client more than once"):
        _estimate(services)


@pytest.mark.parametrize("minutes_set", [0, 10, -10], ids=["", "set forward", "set back"])
@pytest.mark.parametrize(("seconds", "expected"), [(19, SourceUnavailableError), (20, EstimateTooSlowError)])
def test_an_estimate_for_which_there_is_no_time_says_what_to_do_instead(
    seconds: float, expected: type[Exception], minutes_set: float
) -> None:
    services = a_services(some_clients(1))

    def fail() -> None:
        services.now.advance(seconds=seconds)
        services.now.set_forward(minutes=minutes_set)
        raise SourceUnavailableError("The client database was busy.")

    services.clients.before_ask = fail
    with pytest.raises(expected) as raised:
        _estimate(services)
    assert services.clients.limits_seconds == [20]
    if isinstance(raised.value, EstimateTooSlowError):
        assert raised.value.retry_after_seconds == 300
        assert str(raised.value) == (
            "Counting these clients takes longer than 20 seconds, so there is no estimate. Start the export without "
            "one; the preview shows its first rows."
        )


def test_a_tenant_with_two_estimates_gets_no_third_one_and_stops_no_one_else() -> None:
    services = a_services(some_clients(1))
    services = replace(services, estimates=LookupRoom(ESTIMATES_OF_A_PROCESS, wait_seconds=0, things="estimates"))
    with services.estimates.enter(TENANT), services.estimates.enter(TENANT):
        with pytest.raises(SourceThrottledError, match="This tenant already has 2 estimates"):
            _estimate(services)
        assert estimate_export(services, "other", two_columns()).rows == 0
        assert preview_export(services, TENANT, two_columns()).total_items == 1
    assert _estimate(services).rows == 1
