"""Builds the files that the tests of this folder open in LibreOffice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from random import Random

from exports.file.csv.renderer import CsvRenderer
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from exports.request.formats import CsvFormat, FormatDto, Quoting
from tests.support.csv_presets import CSV_PRESETS
from tests.support.libreoffice import Sheet, formulas

Row = tuple[str, str, str]
FIELDS = (TargetField.CODE, TargetField.NAME, TargetField.EMAIL)
_CONSTANT = re.compile(r"""of:="[^"=&]+\"""")
_PIECES = (
    *("=1+1", "=HYPERLINK(0)", '=HYPERLINK(0)&"', "=", '="0123"', "@SUM(1)", "+1+1", "-2+3", "&HYPERLINK(0)&", "*1"),
    *('"', '""', "'", ",", ";", "\t", "|", "\n", "\r", "\r\n", "\0", "\ufeff", "\u200b", " ", "\u00a0", "x", "(", ")"),
    *("-5", "+44 20 7946 0000", "0123", "12E45", "1-2", "1,5"),
)
_CODES = ("c1", "0042", "1-2", "-5", "+44 20", "12E45")


def preset_formats() -> Iterator[CsvFormat]:
    """Return the format of every preset of CSV, with as few and with as many quotes as possible."""
    for preset in CSV_PRESETS:
        for quoting in Quoting:
            yield FormatDto(preset=preset, quoting=quoting).resolve()


def file_of(wanted: CsvFormat, rows: Iterable[Sequence[str]]) -> bytes:
    """Write clients with a code, a name and an email."""
    columns = [ColumnMapping(csv_header=field.value, target_field=field) for field in FIELDS]
    renderer = CsvRenderer(columns, wanted)
    return renderer.opening(with_header=True) + renderer.render([*rows])


def hostile_rows(seed: int, count: int) -> list[Row]:
    """Return clients with text that tries to be a formula."""
    chance = Random(seed)

    def text() -> str:
        return "".join(chance.choices(_PIECES, k=chance.randrange(6)))

    return [(chance.choice((*_CODES, text() or "x")), text(), text()) for _ in range(count)]


def running(sheet: Sheet) -> list[str]:
    """Return the formulas of a sheet but those that are a single constant."""
    return [formula for formula in formulas(sheet) if not _CONSTANT.fullmatch(formula)]
