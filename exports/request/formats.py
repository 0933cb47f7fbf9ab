"""The format of a file: the options that a caller may choose, and the complete format that they result in."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.models import Model

WantedName = Annotated[str, StringConstraints(min_length=1, max_length=1000), Field(examples=["clients.csv"])]


class FormatPreset(StrEnum):
    """A common way to write CSV.

    `excel` and `excelEu` begin the file with a byte order mark. They write a text that Excel would turn into another
    number or into a date as `="0123"`. `excelEu` separates cells by semicolons, for Excel in regions where the comma is
    the decimal sign.
    """

    RFC4180 = "rfc4180"
    EXCEL = "excel"
    EXCEL_EU = "excelEu"
    TSV = "tsv"


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


class CsvFormat(Model):
    """A complete format, with every option decided.

    Jobs store it. So fields are only added, with defaults.

    Attributes:
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

    @property
    def extension(self) -> str:
        """The file name extension for this format, such as `.csv.gz`."""
        plain = ".tsv" if self.delimiter is Delimiter.TAB else ".csv"
        return plain + (".gz" if self.compression is Compression.GZIP else "")


FORMAT_PRESETS: dict[FormatPreset, CsvFormat] = {
    FormatPreset.RFC4180: CsvFormat(),
    FormatPreset.EXCEL: CsvFormat(byte_order_mark=True, excel_text=True),
    FormatPreset.EXCEL_EU: CsvFormat(delimiter=Delimiter.SEMICOLON, byte_order_mark=True, excel_text=True),
    FormatPreset.TSV: CsvFormat(delimiter=Delimiter.TAB),
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
        formula_guard: Whether a text that a spreadsheet would run as a formula gets an apostrophe in front.
        file_name: Name of the file. The service makes it safe for every file system, cuts it to 150 characters and adds
            the extension of the format.
    """

    preset: FormatPreset = FormatPreset.RFC4180
    delimiter: Delimiter | None = None
    line_ending: LineEnding | None = None
    byte_order_mark: bool | None = None
    quoting: Quoting | None = None
    compression: Compression = Compression.NONE
    formula_guard: bool = True
    file_name: WantedName | None = None

    def resolve(self) -> CsvFormat:
        """Return the preset's format with every option that was given."""
        given = {name: value for name, value in self if name != "preset" and value is not None}
        return FORMAT_PRESETS[self.preset].model_copy(update=given)
