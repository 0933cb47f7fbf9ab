"""The format of a file: the options that a caller may choose, and the complete format that they result in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict, JsonValue

from exports.request.faults import NEEDS_HEADERS, OPTION_OF_CSV, OPTION_OF_PRESETS
from shared.models import Model, OptionalField, drop_default
from shared.problems import Fault, pointer

WantedName = Annotated[str, StringConstraints(min_length=1, max_length=1000), Field(examples=["clients.csv"])]


class FormatPreset(StrEnum):
    """A common way to write a file: CSV, a workbook, or JSON Lines.

    `excel` and `excelEu` begin the file with a byte order mark. They write a text that Excel would turn into another
    number or into a date as `="0123"`. `excelEu` separates cells by semicolons, for Excel in regions where the comma is
    the decimal sign. `xlsx` is a workbook of Excel, with typed cells. `jsonl` is JSON Lines: one JSON object on each
    line, whose keys are the headers.
    """

    RFC4180 = "rfc4180"
    EXCEL = "excel"
    EXCEL_EU = "excelEu"
    TSV = "tsv"
    XLSX = "xlsx"
    JSONL = "jsonl"


class Delimiter(StrEnum):
    """The character that separates the cells of a record."""

    COMMA = ","
    SEMICOLON = ";"
    TAB = "\t"
    BAR = "|"


class LineEnding(StrEnum):
    """The characters that end a record."""

    CRLF = "crlf"
    LF = "lf"


class Quoting(StrEnum):
    """Which cells are quoted: only those that need it, or all."""

    MINIMAL = "minimal"
    ALL = "all"


class Compression(StrEnum):
    """How the bytes of the file are compressed."""

    NONE = "none"
    GZIP = "gzip"


class FileKind(StrEnum):
    """The kind of a file that is not CSV."""

    XLSX = "xlsx"
    JSONL = "jsonl"


class LongCells(StrEnum):
    """What happens to text of more than 32,767 characters, which no cell of a workbook can hold."""

    CUT = "cut"
    FAIL = "fail"


class CsvFormat(Model):
    """A complete format, with every option decided.

    Jobs store it. So fields are only added, with defaults.

    Attributes:
        kind: What the file is instead of CSV. The options of CSV have no meaning then. None: the file is CSV.
        long_cells: What happens to text that no cell of a workbook can hold; None unless the file is a workbook.
        excel_text: Whether a text that Excel would turn into another number or a date is written as `="0123"`.
        file_name: The name that the caller asked for. The service makes it safe for every file system.
    """

    delimiter: Delimiter = Delimiter.COMMA
    line_ending: LineEnding = LineEnding.CRLF
    byte_order_mark: bool = False
    quoting: Quoting = Quoting.MINIMAL
    compression: Compression = Compression.NONE
    formula_guard: bool = True
    excel_text: bool = False
    file_name: str | None = None
    kind: OptionalField[FileKind] = None
    long_cells: OptionalField[LongCells] = None

    @property
    def extension(self) -> str:
        """The file name extension for this format, such as `.csv.gz`."""
        csv = ".tsv" if self.delimiter is Delimiter.TAB else ".csv"
        plain = csv if self.kind is None else f".{self.kind.value}"
        return plain + (".gz" if self.compression is Compression.GZIP else "")


FORMAT_PRESETS: dict[FormatPreset, CsvFormat] = {
    FormatPreset.RFC4180: CsvFormat(),
    FormatPreset.EXCEL: CsvFormat(byte_order_mark=True, excel_text=True),
    FormatPreset.EXCEL_EU: CsvFormat(delimiter=Delimiter.SEMICOLON, byte_order_mark=True, excel_text=True),
    FormatPreset.TSV: CsvFormat(delimiter=Delimiter.TAB),
    FormatPreset.XLSX: CsvFormat(kind=FileKind.XLSX, long_cells=LongCells.CUT, formula_guard=False),
    FormatPreset.JSONL: CsvFormat(kind=FileKind.JSONL, line_ending=LineEnding.LF, formula_guard=False),
}

_CSV_ONLY = frozenset({"delimiter", "line_ending", "byte_order_mark", "quoting"})
OPTIONS: Mapping[FileKind | None, frozenset[str]] = {
    None: _CSV_ONLY | {"compression", "formula_guard", "file_name", "include_headers"},
    FileKind.XLSX: frozenset({"long_cells", "file_name", "include_headers"}),
    FileKind.JSONL: frozenset({"compression", "file_name"}),
}
"""The options that have a meaning for each kind of file; None is CSV. `include_headers` is beside `format`."""

PRESETS_THAT_NEED_HEADERS = [
    preset for preset, form in FORMAT_PRESETS.items() if "include_headers" not in OPTIONS[form.kind]
]
"""The presets of files that cannot do without headers."""

_IGNORED: Mapping[FileKind | None, frozenset[str]] = {FileKind.XLSX: frozenset({"formula_guard"})}
"""Options that may be given and change nothing."""

NAMES: Mapping[FileKind | None, str] = {None: "CSV", FileKind.XLSX: "a workbook", FileKind.JSONL: "JSON Lines"}
"""Each kind of file in a sentence."""

_ABSENT: Mapping[str, object] = {"compression": Compression.NONE, "formula_guard": False, "include_headers": True}
"""The values with which an option asks for nothing. For all others it is null."""


def _is_refused(option: str, kind: FileKind | None) -> bool:
    return option not in OPTIONS[kind] and option not in _IGNORED.get(kind, ())


def _fault_schema(option: str) -> JsonDict:
    """Return the schema of a `format` that has an option which its preset does not know."""
    name = to_camel(option)
    presets: list[JsonValue] = [name.value for name, form in FORMAT_PRESETS.items() if _is_refused(option, form.kind)]
    values: dict[str, JsonDict] = {"compression": {"const": Compression.GZIP.value}, "formula_guard": {"const": True}}
    return {
        "required": [name] if FormatPreset.RFC4180.value in presets else ["preset", name],
        "properties": {"preset": {"enum": presets}, name: values.get(option, {"not": {"type": "null"}})},
    }


_FAULT_SCHEMAS: list[JsonValue] = [
    _fault_schema(option) for option in (*sorted(_CSV_ONLY), "compression", "formula_guard", "long_cells")
]


class FormatDto(Model):
    """The `format` of a request. An option that is given overrides the preset.

    Attributes:
        preset: The format to start from.
        delimiter: The character that separates cells.
        line_ending: The characters that end each record.
        byte_order_mark: Whether the file begins with a byte order mark.
        quoting: Which cells are quoted.
        compression: With `gzip` the file is a gzip file with one member for each page.
        formula_guard: Whether a text that a spreadsheet would run as a formula gets an apostrophe in front: `true` by
            default. Has no meaning for `xlsx`: its cells say that they are text, so nothing runs and nothing is
            changed. `jsonl` changes no text, so `true` is refused; its default is `false`.
        long_cells: Only for `xlsx`: whether text of more than 32,767 characters, which no cell of a workbook can hold,
            is cut and counted in the manifest, or the job fails. `cut` by default.
        file_name: Name of the file. The service makes it safe for every file system, adds the extension of the format,
            and cuts it, with its extension, to 150 characters and 240 bytes of UTF-8.
    """

    model_config = ConfigDict(json_schema_extra={"not": {"anyOf": _FAULT_SCHEMAS}})

    preset: FormatPreset = FormatPreset.RFC4180
    delimiter: Delimiter | None = None
    line_ending: LineEnding | None = None
    byte_order_mark: bool | None = None
    quoting: Quoting | None = None
    compression: Compression = Compression.NONE
    formula_guard: Annotated[bool, Field(json_schema_extra=drop_default)] = True
    long_cells: LongCells | None = None
    file_name: WantedName | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_guard(cls, given: Any) -> Any:
        """Default to no formula guard where the preset refuses one, so that a stored request can be read again."""
        is_jsonl = isinstance(given, dict) and given.get("preset") == FormatPreset.JSONL
        if is_jsonl and given.keys().isdisjoint({"formulaGuard", "formula_guard"}):
            return {**given, "formulaGuard": False}
        return given

    def resolve(self) -> CsvFormat:
        """Return the preset's format with every option that was given and that the preset knows."""
        preset = FORMAT_PRESETS[self.preset]
        known = OPTIONS[preset.kind]
        given = {name: value for name, value in self if name in known and value is not None}
        return preset.model_copy(update=given)


def find_option_faults(wanted: FormatDto, *, include_headers: bool = True) -> Iterator[Fault]:
    """Yield a fault for every option that has no meaning for the preset."""
    kind = FORMAT_PRESETS[wanted.preset].kind
    for option, value in (*wanted, ("include_headers", include_headers)):
        if option != "preset" and value != _ABSENT.get(option) and _is_refused(option, kind):
            place = () if option == "include_headers" else ("format",)
            yield _option_fault(pointer(*place, to_camel(option)), option, kind)


def _option_fault(place: str, option: str, kind: FileKind | None) -> Fault:
    name = to_camel(option)
    if option == "include_headers":
        return NEEDS_HEADERS.at(place, option=name, kind=NAMES[kind])
    if option in OPTIONS[None]:
        return OPTION_OF_CSV.at(place, option=name, kind=NAMES[kind])
    presets = ", ".join(preset.value for preset, form in FORMAT_PRESETS.items() if option in OPTIONS[form.kind])
    return OPTION_OF_PRESETS.at(place, option=name, presets=presets)
