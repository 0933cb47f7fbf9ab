"""Which characters LibreOffice drops before it decides what a cell is: the formula guard must look behind each."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from exports.file.csv.formula_guard import guard_text
from exports.request.formats import CsvFormat, FormatDto, FormatPreset
from tests.spreadsheets.files import file_of, running
from tests.support.csv_presets import CSV_PRESETS
from tests.support.libreoffice import Language, formulas, open_csv

_CATEGORIES = {"Cc", "Cf", "Zs", "Zl", "Zp"}
INVISIBLE = [
    character
    for character in map(chr, range(sys.maxunicode + 1))
    if unicodedata.category(character) in _CATEGORIES and character not in "\r\n"
]


def test_of_all_invisible_characters_libreoffice_drops_nul_only() -> None:
    lines = [f'{number};"{character}=1+1"' for number, character in enumerate(INVISIBLE)]
    (sheet,) = open_csv(["\r\n".join(lines).encode()], ";", Language.ENGLISH_UK)

    assert len(sheet) == len(INVISIBLE)
    assert [character for character, row in zip(INVISIBLE, sheet, strict=True) if formulas([row])] == ["\0"]


def test_the_guard_looks_behind_every_invisible_character() -> None:
    seen = [character for character in INVISIBLE if guard_text(f"{character}=1+1") == f"'{character}=1+1"]
    unseen = set(INVISIBLE) - set(seen)
    assert {unicodedata.category(character) for character in unseen} <= {"Cf"}
    assert not unseen & set("\0\t\u00ad\u200b\u200e\u202e\u2060\ufeff\u00a0\u2028")


@pytest.mark.parametrize(
    "preset",
    [each if each is FormatPreset.EXCEL_EU else pytest.param(each, marks=pytest.mark.thorough) for each in CSV_PRESETS],
)
def test_a_formula_behind_nul_is_guarded_in_every_preset(preset: FormatPreset) -> None:
    wanted = FormatDto(preset=preset).resolve()
    data = file_of(wanted, [("c000", "\0=1+1", "=\0=1+1")])

    assert b"\0" not in data
    assert b"c000" + wanted.delimiter.encode() + b"'=1+1" in data
    (sheet,) = open_csv([data], wanted.delimiter.value, Language.GERMAN)
    assert running(sheet) == []


def test_digits_behind_nul_stay_text_in_excel() -> None:
    data = file_of(FormatDto(preset=FormatPreset.EXCEL).resolve(), [("c000", "\x000123", "")])

    (sheet,) = open_csv([data], ",", Language.ENGLISH_UK)
    assert (sheet[1][1].shown, sheet[1][1].kind) == ("0123", "string")


def test_a_nul_is_left_out_of_a_header() -> None:
    assert b"\0" not in file_of(CsvFormat(), [])
