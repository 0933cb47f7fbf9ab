"""How the `format` of a request resolves to a complete format."""

from __future__ import annotations

import jsonschema
import pytest

from exports.request.body import CsvExportRequestDto
from exports.request.formats import (
    Compression,
    CsvFormat,
    Delimiter,
    FileKind,
    FormatDto,
    FormatPreset,
    LineEnding,
    LongCells,
    Quoting,
    find_option_faults,
)
from exports.request.spec import ExportSpec
from shared.models import Model
from tests.support.builders import a_spec_of
from tests.support.csv_presets import CSV_PRESETS
from tests.support.http import faults_of_body


def _resolve(**given: object) -> CsvFormat:
    return FormatDto.model_validate(given).resolve()


@pytest.mark.parametrize(
    ("preset", "delimiter", "mark", "excel_text", "extension"),
    [
        ("rfc4180", ",", False, False, ".csv"),
        ("excel", ",", True, True, ".csv"),
        ("excelEu", ";", True, True, ".csv"),
        ("tsv", "\t", False, False, ".tsv"),
    ],
)
def test_a_preset_resolves_to_its_format(
    preset: str, delimiter: str, mark: bool, excel_text: bool, extension: str
) -> None:
    wanted = _resolve(preset=preset)
    assert (wanted.delimiter, wanted.byte_order_mark, wanted.excel_text) == (delimiter, mark, excel_text)
    assert wanted.extension == extension
    assert (wanted.line_ending, wanted.quoting) == (LineEnding.CRLF, Quoting.MINIMAL)
    assert (wanted.compression, wanted.formula_guard) == (Compression.NONE, True)


def test_an_empty_format_is_the_default_format_of_a_job() -> None:
    assert _resolve() == CsvFormat() == ExportSpec(columns=()).format


@pytest.mark.parametrize("preset", CSV_PRESETS)
def test_an_option_that_is_given_overrides_the_preset(preset: FormatPreset) -> None:
    wanted = _resolve(
        preset=preset,
        delimiter="|",
        lineEnding="lf",
        byteOrderMark=False,
        quoting="all",
        compression="gzip",
        formulaGuard=False,
        fileName="mine",
    )
    assert wanted == CsvFormat(
        delimiter=Delimiter.BAR,
        line_ending=LineEnding.LF,
        quoting=Quoting.ALL,
        compression=Compression.GZIP,
        formula_guard=False,
        file_name="mine",
        excel_text=preset in (FormatPreset.EXCEL, FormatPreset.EXCEL_EU),
    )
    assert wanted.extension == ".csv.gz"


def test_null_leaves_an_option_to_the_preset() -> None:
    assert _resolve(preset="excelEu", delimiter=None, byteOrderMark=None).delimiter is Delimiter.SEMICOLON


def test_every_fault_of_a_format_is_named_at_once() -> None:
    body = {"preset": "excell", "delimiter": "::", "byteOrderMark": "true", "compression": "zip", "colour": 1}
    pointers = {pointer for pointer, _ in faults_of_body(body, FormatDto)}
    assert pointers == {"/preset", "/delimiter", "/byteOrderMark", "/compression", "/colour"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("delimiter", ";"),
        ("lineEnding", "lf"),
        ("byteOrderMark", False),
        ("quoting", "all"),
        ("compression", "gzip"),
    ],
)
def test_an_option_of_csv_is_a_fault_of_a_workbook_with_a_pointer(name: str, value: object) -> None:
    (fault,) = find_option_faults(FormatDto.model_validate({"preset": "xlsx", name: value}))
    assert fault.pointer == f"/format/{name}"
    assert fault.detail.startswith(f"{name} is an option of CSV")
    assert not list(find_option_faults(FormatDto.model_validate({"preset": "excel", name: value})))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("delimiter", ";"),
        ("lineEnding", "lf"),
        ("byteOrderMark", False),
        ("quoting", "all"),
        ("formulaGuard", True),
        ("longCells", "cut"),
    ],
)
def test_an_option_that_json_lines_does_not_have_is_a_fault_with_a_pointer(name: str, value: object) -> None:
    (fault,) = find_option_faults(FormatDto.model_validate({"preset": "jsonl", name: value}))
    assert fault.pointer == f"/format/{name}"
    assert "eave it out" in fault.detail


def test_json_lines_have_gzip_and_a_name_and_no_formula_guard() -> None:
    wanted = _resolve(preset="jsonl", compression="gzip", fileName="mine", formulaGuard=False)
    assert (wanted.kind, wanted.compression, wanted.file_name) == (FileKind.JSONL, Compression.GZIP, "mine")
    assert (wanted.extension, wanted.formula_guard, wanted.line_ending) == (".jsonl.gz", False, LineEnding.LF)
    assert _resolve(preset="jsonl").extension == ".jsonl"


def test_the_headers_of_json_lines_cannot_be_left_out() -> None:
    (fault,) = find_option_faults(FormatDto(preset=FormatPreset.JSONL), include_headers=False)
    assert fault.pointer == "/includeHeaders"
    assert not list(find_option_faults(FormatDto(preset=FormatPreset.XLSX), include_headers=False))


@pytest.mark.parametrize("preset", FormatPreset)
def test_a_stored_request_of_every_preset_can_be_read_again_without_a_fault(preset: FormatPreset) -> None:
    stored = FormatDto(preset=preset).model_dump_json(by_alias=True)
    assert FormatDto.model_validate_json(stored) == FormatDto(preset=preset)
    assert not list(find_option_faults(FormatDto.model_validate_json(stored)))


@pytest.mark.parametrize("preset", FormatPreset)
@pytest.mark.parametrize(
    "given",
    [{"delimiter": ";"}, {"formulaGuard": True}, {"compression": "gzip"}, {"longCells": "cut"}, {"quoting": None}],
)
def test_the_schema_of_a_format_refuses_exactly_what_is_a_fault(preset: FormatPreset, given: dict[str, object]) -> None:
    body = {"preset": preset.value, **given}
    is_valid = jsonschema.Draft202012Validator(FormatDto.model_json_schema()).is_valid(body)
    assert is_valid == (not list(find_option_faults(FormatDto.model_validate(body))))


@pytest.mark.parametrize("preset", FormatPreset)
@pytest.mark.parametrize("include_headers", [True, False])
def test_the_schema_of_a_request_refuses_missing_headers_where_a_fault_does(
    preset: FormatPreset, include_headers: bool
) -> None:
    body = {"format": {"preset": preset.value}, "includeHeaders": include_headers}
    is_valid = jsonschema.Draft202012Validator(CsvExportRequestDto.model_json_schema()).is_valid(body)
    assert is_valid == (not list(find_option_faults(FormatDto(preset=preset), include_headers=include_headers)))


@pytest.mark.parametrize("preset", CSV_PRESETS)
def test_long_cells_is_a_fault_of_csv(preset: FormatPreset) -> None:
    (fault,) = find_option_faults(FormatDto(preset=preset, long_cells=LongCells.CUT))
    assert fault.pointer == "/format/longCells"
    assert not list(find_option_faults(FormatDto(preset=FormatPreset.XLSX, long_cells=LongCells.CUT)))


def test_a_workbook_has_its_own_options_and_extension() -> None:
    wanted = _resolve(preset="xlsx", longCells="fail", fileName="mine", formulaGuard=True, compression="none")
    assert (wanted.kind, wanted.long_cells, wanted.file_name) == (FileKind.XLSX, LongCells.FAIL, "mine")
    assert (wanted.extension, wanted.formula_guard) == (".xlsx", False)
    assert _resolve(preset="xlsx").long_cells is LongCells.CUT


def test_a_stored_format_of_csv_has_no_properties_of_workbooks() -> None:
    assert {"kind", "longCells"}.isdisjoint(CsvFormat().model_dump(mode="json", by_alias=True))


def _defaults_of(model: type[Model]) -> dict[str, object]:
    """Return the defaults in the schema of a model, but not those of objects, which the published schema leaves out."""
    properties = model.model_json_schema()["properties"]
    defaults = {name: each["default"] for name, each in properties.items() if each.get("default") is not None}
    return {name: value for name, value in defaults.items() if not isinstance(value, dict)}


@pytest.mark.parametrize("preset", FormatPreset)
def test_a_client_may_write_out_every_default_of_the_schema(preset: FormatPreset) -> None:
    """Generated clients do so, whatever the preset."""
    form = {**_defaults_of(FormatDto), "preset": preset.value}
    body = {**_defaults_of(CsvExportRequestDto), "format": form}
    assert {"includeHeaders", "consistency"} < body.keys()
    assert "compression" in form
    assert a_spec_of(CsvExportRequestDto.model_validate(body)) == a_spec_of(
        CsvExportRequestDto.model_validate({"format": {"preset": preset.value}})
    )
