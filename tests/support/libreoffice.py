"""LibreOffice Calc as a reader of exported files: opens CSV as a person does and says what each cell became.

The program runs headless (`soffice`, Debian's package libreoffice-calc) and converts the file to flat OpenDocument XML
(OpenDocument 1.3, part 3, "Table Content"). The options of the CSV filter are those of the import dialogue
(https://wiki.documentfoundation.org/Documentation/DevGuide/Spreadsheet_Documents, "Filter Options for CSV Import").
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from xml.etree import ElementTree

import pytest

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_UTF_8 = 76
_MOST_REPEATS = 1_000
"""Empty cells at the end of a sheet are stored once with a repeat count of up to 16,384; no test looks at them."""


class Language(IntEnum):
    """How the reader's computer writes numbers and dates: Windows language identifiers ([MS-LCID])."""

    ENGLISH_UK = 2057
    ENGLISH_US = 1033
    GERMAN = 1031


@dataclass(frozen=True, slots=True)
class Cell:
    """What one cell became.

    Attributes:
        shown: The text that a reader sees.
        kind: `string`, `float`, `date`, `time`, `percentage`, `currency` or `boolean`; empty for an empty cell.
        formula: The formula that the cell computes, if it is one.
    """

    shown: str
    kind: str
    formula: str | None = None


Sheet = list[list[Cell]]


def find_libreoffice() -> str:
    """Find the program. Under CI a missing program fails the test; elsewhere the test is skipped."""
    program = os.environ.get("LIBREOFFICE") or shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        message = "LibreOffice is not installed: apt-get install libreoffice-calc, or name the program in LIBREOFFICE"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return program


def open_csv(
    files: Sequence[bytes], separator: str, language: Language, *, timeout_seconds: float = 280
) -> list[Sheet]:
    """Open CSV files as a person does whose computer separates cells by `separator`; return the cells of each file."""
    options = f"CSV:{ord(separator)},34,{_UTF_8},1,,{int(language)},false,true"
    return _open(files, ".csv", f"--infilter={options}", timeout_seconds)


def open_nameless(files: Sequence[bytes], *, timeout_seconds: float = 280) -> list[Sheet]:
    """Open files whose names do not tell their kind, so that LibreOffice decides by their first bytes."""
    return _open(files, "", "--calc", timeout_seconds)


def _open(files: Sequence[bytes], suffix: str, option: str, timeout_seconds: float) -> list[Sheet]:
    program = find_libreoffice()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        folder = Path(directory)
        sources = [folder / f"{number}{suffix}" for number in range(len(files))]
        for source, data in zip(sources, files, strict=True):
            source.write_bytes(data)
        subprocess.run(
            [
                program,
                f"-env:UserInstallation={(folder / 'profile').as_uri()}",
                "--headless",
                option,
                *("--convert-to", "fods", "--outdir", str(folder / "opened")),
                *map(str, sources),
            ],
            check=True,
            capture_output=True,
            timeout=timeout_seconds,
        )
        return [read_sheet(folder / "opened" / f"{source.stem}.fods") for source in sources]


def workbook_as_csv(data: bytes, *, timeout_seconds: float = 280) -> list[list[str]]:
    """Open a workbook and save its first sheet as CSV, as a person does; return the cells.

    Cells are saved as they are shown, and text in quotes (filter options 7 and 8).
    """
    as_csv = f"csv:Text - txt - csv (StarCalc):44,34,{_UTF_8},1,,0,true,true"
    (saved,) = saved_again([data], "xlsx", as_csv, timeout_seconds=timeout_seconds)
    return [*csv.reader(io.StringIO(saved.decode("utf-8-sig"), newline=""), strict=True)]


def saved_again(files: Sequence[bytes], kind: str, wanted: str, *, timeout_seconds: float = 280) -> list[bytes]:
    """Open files and save them, as a person does; return what each became.

    Args:
        kind: The ending of the names of the files: `csv`, in UTF-8 and with commas, or `xlsx`.
        wanted: What to save, as `soffice --convert-to` takes it.
    """
    program = find_libreoffice()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        folder = Path(directory)
        sources = [folder / f"{number}.{kind}" for number in range(len(files))]
        for source, data in zip(sources, files, strict=True):
            source.write_bytes(data)
        subprocess.run(
            [
                program,
                f"-env:UserInstallation={(folder / 'profile').as_uri()}",
                "--headless",
                *([f"--infilter=CSV:44,34,{_UTF_8},1,,0,false,true"] if kind == "csv" else []),
                *("--convert-to", wanted, "--outdir", str(folder / "saved")),
                *map(str, sources),
            ],
            check=True,
            capture_output=True,
            timeout=timeout_seconds,
        )
        ending = wanted.partition(":")[0]
        return [(folder / "saved" / f"{source.stem}.{ending}").read_bytes() for source in sources]


def read_sheet(document: Path) -> Sheet:
    """Read the first sheet of a flat OpenDocument file."""
    root = ElementTree.parse(document).getroot()
    table = next(root.iter(f"{_TABLE}table"))
    return [
        [cell for found in row if found.tag == f"{_TABLE}table-cell" for cell in _cells(found)]
        for row in table.iter(f"{_TABLE}table-row")
    ]


def formulas(sheet: Sheet) -> list[str]:
    """Return the formulas that the sheet computes."""
    return [cell.formula for row in sheet for cell in row if cell.formula is not None]


def _cells(element: ElementTree.Element) -> Iterator[Cell]:
    shown = "\n".join("".join(paragraph.itertext()) for paragraph in element.findall(f"{_TEXT}p"))
    attributes: Mapping[str, str] = element.attrib
    cell = Cell(shown, attributes.get(f"{_OFFICE}value-type", ""), attributes.get(f"{_TABLE}formula"))
    repeats = int(attributes.get(f"{_TABLE}number-columns-repeated", "1"))
    yield from [cell] * min(repeats, _MOST_REPEATS)
