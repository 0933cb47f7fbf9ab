"""The format of a file: the options that a caller may choose, and the complete format that they result in."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict, JsonValue

from shared.models import Model, OptionalField
from shared.problems import Fault, pointer

WantedName = Annotated[str, StringConstraints(min_length=1, max_length=1000), Field(examples=["clients.csv"])]


class FormatPreset(StrEnum):
    """A common way to write a file: CSV, or a workbook.

    `excel` and `excelEu` begin the file with a byte order mark. They write a text that Excel would turn into another
    number or into a date as `="0123"`. `excelEu` separates cells by semicolons, for Excel in regions where the comma is
    the decimal sign. `xlsx` is a workbook of Excel, with typed cells.
    """

    RFC4180 = "rfc4180"
    EXCEL = "excel"
    EXCEL_EU = "excelEu"
    TSV = "tsv"
    XLSX = "xlsx"


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
        if self.kind is not None:
            return f".{self.kind.value}"
        plain = ".tsv" if self.delimiter is Delimiter.TAB else ".csv"
        return plain + (".gz" if self.compression is Compression.GZIP else "")


FORMAT_PRESETS: dict[FormatPreset, CsvFormat] = {
    FormatPreset.RFC4180: CsvFormat(),
    FormatPreset.EXCEL: CsvFormat(byte_order_mark=True, excel_text=True),
    FormatPreset.EXCEL_EU: CsvFormat(delimiter=Delimiter.SEMICOLON, byte_order_mark=True, excel_text=True),
    FormatPreset.TSV: CsvFormat(delimiter=Delimiter.TAB),
    FormatPreset.XLSX: CsvFormat(kind=FileKind.XLSX, long_cells=LongCells.CUT, formula_guard=False),
}

CSV_PRESETS = tuple(preset for preset, form in FORMAT_PRESETS.items() if form.kind is None)
"""The presets that write CSV."""

_OPTIONS_OF_WORKBOOKS = frozenset({"long_cells", "file_name"})
_OPTIONS_OF_CSV = ("delimiter", "lineEnding", "byteOrderMark", "quoting", "compression")
_IS_XLSX: JsonDict = {"const": FormatPreset.XLSX.value}
_CSV_ONLY: list[JsonValue] = [
    {
        "required": ["preset", name],
        "properties": {
            "preset": _IS_XLSX,
            name: {"const": Compression.GZIP.value} if name == "compression" else {"not": {"type": "null"}},
        },
    }
    for name in _OPTIONS_OF_CSV
]
_XLSX_ONLY: JsonDict = {
    "required": ["longCells"],
    "properties": {"longCells": {"not": {"type": "null"}}, "preset": {"not": _IS_XLSX}},
}


class FormatDto(Model):
    """The `format` of a request. An option that is given overrides the preset.

    Attributes:
        preset: The format to start from.
        delimiter: The character that separates cells.
        line_ending: The characters that end each record.
        byte_order_mark: Whether the file begins with a byte order mark.
        quoting: Which cells are quoted.
        compression: With `gzip` the file is a gzip file with one member for each page.
        formula_guard: Whether a text that a spreadsheet would run as a formula gets an apostrophe in front. Has no
            meaning for `xlsx`: its cells say that they are text, so nothing runs and nothing is changed.
        long_cells: Only for `xlsx`: whether text of more than 32,767 characters, which no cell of a workbook can hold,
            is cut and counted in the manifest, or the job fails. `cut` by default.
        file_name: Name of the file. The service makes it safe for every file system, cuts it to 150 characters and adds
            the extension of the format.
    """

    model_config = ConfigDict(json_schema_extra={"not": {"anyOf": [*_CSV_ONLY, _XLSX_ONLY]}})

    preset: FormatPreset = FormatPreset.RFC4180
    delimiter: Delimiter | None = None
    line_ending: LineEnding | None = None
    byte_order_mark: bool | None = None
    quoting: Quoting | None = None
    compression: Compression = Compression.NONE
    formula_guard: bool = True
    long_cells: LongCells | None = None
    file_name: WantedName | None = None

    def resolve(self) -> CsvFormat:
        """Return the preset's format with every option that was given and that the preset knows."""
        preset = FORMAT_PRESETS[self.preset]
        known = _OPTIONS_OF_WORKBOOKS if preset.kind is FileKind.XLSX else type(self).model_fields.keys() - {"preset"}
        given = {name: value for name, value in self if name in known and value is not None}
        return preset.model_copy(update=given)


def find_option_faults(wanted: FormatDto) -> Iterator[Fault]:
    """Yield a fault for every option that has no meaning for the preset."""
    if wanted.preset is not FormatPreset.XLSX:
        if wanted.long_cells is not None:
            detail = "longCells has a meaning only for the preset xlsx; leave it out."
            yield Fault(pointer=pointer("format", "longCells"), detail=detail)
        return
    given = wanted.model_dump(by_alias=True, exclude={"compression"}, exclude_none=True)
    given |= {"compression": wanted.compression} if wanted.compression is not Compression.NONE else {}
    for name in _OPTIONS_OF_CSV:
        if name in given:
            detail = (
                f"{name} is an option of CSV; a workbook has no such option. Leave it out, or choose another preset."
            )
            yield Fault(pointer=pointer("format", name), detail=detail)
