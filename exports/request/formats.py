"""How a file is written: what a caller may ask for, and what that comes to."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.models import Model

WantedName = Annotated[str, StringConstraints(min_length=1, max_length=1000), Field(examples=["clients.csv"])]


class FormatPreset(StrEnum):
    """A usual way to write CSV.

    `excel` and `excelEu` begin with a byte order mark and write what Excel would turn into another number or a date
    as `="0123"`; `excelEu` separates by semicolons, for Excel where the comma is the decimal sign.
    """

    RFC4180 = "rfc4180"
    EXCEL = "excel"
    EXCEL_EU = "excelEu"
    TSV = "tsv"


class Delimiter(StrEnum):
    """What separates the cells of a record."""

    COMMA = ","
    SEMICOLON = ";"
    TAB = "\t"
    BAR = "|"


class LineEnding(StrEnum):
    """What ends a record."""

    CRLF = "crlf"
    LF = "lf"


class Quoting(StrEnum):
    """Which cells are in quotes: those that need it, or all."""

    MINIMAL = "minimal"
    ALL = "all"


class Compression(StrEnum):
    """What becomes of the bytes of the file."""

    NONE = "none"
    GZIP = "gzip"


class CsvFormat(Model):
    """A format with nothing left open: pinned in a job, so fields are only added, with defaults.

    Attributes:
        excel_text: Write what Excel would turn into a number or a date as `="0123"`.
        file_name: As the caller wishes; it is made safe for every file system.
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
        """The extension that tells what the file holds."""
        plain = ".tsv" if self.delimiter is Delimiter.TAB else ".csv"
        return plain + (".gz" if self.compression is Compression.GZIP else "")


FORMAT_PRESETS: dict[FormatPreset, CsvFormat] = {
    FormatPreset.RFC4180: CsvFormat(),
    FormatPreset.EXCEL: CsvFormat(byte_order_mark=True, excel_text=True),
    FormatPreset.EXCEL_EU: CsvFormat(delimiter=Delimiter.SEMICOLON, byte_order_mark=True, excel_text=True),
    FormatPreset.TSV: CsvFormat(delimiter=Delimiter.TAB),
}


class FormatDto(Model):
    """The `format` of a request. What is given explicitly overrides the preset.

    Attributes:
        preset: Where to begin.
        delimiter: What separates cells.
        line_ending: What ends records.
        byte_order_mark: Whether the file begins with one.
        quoting: Which cells are in quotes.
        compression: With `gzip` the file is a gzip file, one member a page.
        formula_guard: Whether text that a spreadsheet would run gets an apostrophe.
        file_name: Made safe for every file system, 150 characters at most; gets the extension of the format.
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
        """Take the preset, and over it what was given."""
        given = {name: value for name, value in self if name != "preset" and value is not None}
        return FORMAT_PRESETS[self.preset].model_copy(update=given)
