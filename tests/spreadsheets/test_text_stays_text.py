"""The Excel presets keep text as text, and ordinary text ordinary, for readers of their language."""

from __future__ import annotations

import re

import pytest

from exports.file.csv.excel_text import is_converted
from exports.request.formats import FormatDto, FormatPreset
from tests.spreadsheets.files import file_of
from tests.support.libreoffice import Cell, Language, formulas, open_csv

READERS = (
    (FormatPreset.EXCEL, Language.ENGLISH_UK),
    pytest.param(FormatPreset.EXCEL, Language.ENGLISH_US, marks=pytest.mark.thorough),
    (FormatPreset.EXCEL_EU, Language.GERMAN),
)
GERMAN_AND_OTHERS = [
    Language.GERMAN,
    *(pytest.param(each, marks=pytest.mark.thorough) for each in Language if each is not Language.GERMAN),
]
TEXTS = (
    *("0123", "00", "00.5", "-0123", "020 7946 0000", "123456789012", "12345678901234567890", "12E45", "1e5", "1,5e3"),
    *("1-2", "3/4", "1/2", "26-1-31", "1/2/2026", "31/12/2026", "12/31/2026", "2026-01-31", "2026-01-31T10:00"),
    *(
        "MAR1",
        "Mar-26",
        "Mar 2026",
        "Jan 1",
        "May 1, 2026",
        "1 May 2026",
        "Sept 2",
        "1.5",
        "1,5",
        ".5",
        ",5",
        "5.",
        "5,",
    ),
    *("1.234", "1,234", "1.234,5", "1,234.5", "12.345.678", "1 234", "5%", "1.5%", "1,5%", "50 %", "1 1/2", "3 3/4"),
    *(
        "TRUE",
        "true",
        "False",
        "WAHR",
        "falsch",
        "£5",
        "€5",
        "$5",
        "5 €",
        "£1,234.50",
        "$1,000",
        "(5)",
        "(1,234)",
        "5-",
    ),
    *(
        "8:30",
        "8:30:15",
        "25:00",
        "1:2",
        "1:30.5",
        "12:30 pm",
        "5 pm",
        "1:00 AM",
        "\u00a00123",
        "0123\u00a0",
        "\u202f12",
    ),
    *("1.2.", "31.12.", "31.12.2026", "31.12.26", "5.6.7", "1. März 2026", "1. Mai", "3. Dez. 2026", "März 2026"),
    *("Mai 2026", "Dez 1", "1 Okt", "1-Okt-26", "+5", "+442079460000", "+44 (0)20 7946 0000", "- 5"),
)
ORDINARY = (
    *(
        "Smith & Sons",
        "10 Downing Street",
        "SC123456",
        "May Ltd",
        "Mai",
        "LS1 1AA",
        "1.5 m",
        "True North",
        "a@b.example",
    ),
    *("5 apples", "B12", "GB 123", "No. 5", "10 - 12", "Flat 2, 3 High Street", "March Street 1", "€", "%", "()"),
)
NUMBERS = ("5", "-5", "12345678901", "20260131")


def _opened(preset: FormatPreset, texts: tuple[str, ...], language: Language) -> list[Cell]:
    wanted = FormatDto(preset=preset).resolve()
    data = file_of(wanted, [("c1", text, "x") for text in texts])
    (sheet,) = open_csv([data], wanted.delimiter.value, language)
    return [row[1] for row in sheet[1:]]


@pytest.mark.parametrize(("preset", "language"), READERS)
def test_the_excel_presets_keep_text_as_text_for_their_readers(preset: FormatPreset, language: Language) -> None:
    cells = _opened(preset, TEXTS, language)

    assert {text: cell.kind for text, cell in zip(TEXTS, cells, strict=True) if cell.kind != "string"} == {}
    assert [cell.shown for cell in cells] == [*TEXTS]


@pytest.mark.parametrize("language", GERMAN_AND_OTHERS)
def test_libreoffice_converts_no_text_that_the_excel_rules_keep(language: Language) -> None:
    texts = (*ORDINARY, *NUMBERS)
    assert not any(map(is_converted, texts))

    cells = _opened(FormatPreset.EXCEL, texts, language)

    assert [cell.shown for cell in cells] == [*texts]
    assert [cell.kind for cell in cells] == ["string"] * len(ORDINARY) + ["float"] * len(NUMBERS)


def test_the_first_column_shows_converted_text_with_an_apostrophe() -> None:
    wanted = FormatDto(preset=FormatPreset.EXCEL).resolve()
    (sheet,) = open_csv([file_of(wanted, [("0123", "0123", "x")])], ",", Language.ENGLISH_UK)

    assert [(cell.shown, cell.kind) for cell in sheet[1][:2]] == [("'0123", "string"), ("0123", "string")]


OTHER_NUMBERS = ("-1e-7", "+.5E3", "-2.E5")


@pytest.mark.parametrize("language", GERMAN_AND_OTHERS)
def test_numbers_and_telephone_numbers_stay_as_they_are_without_constants(language: Language) -> None:
    data = file_of(FormatDto().resolve(), [("c1", "-5", "+44 20 7946 0000")])

    assert re.search(rb"^c1,-5,\+44 20 7946 0000\r$", data, re.MULTILINE)
    (sheet,) = open_csv([data], ",", language)
    assert [cell.formula for cell in sheet[1]] == [None] * len(sheet[1])


@pytest.mark.parametrize(
    "number", ["-9.223372036854776e+18", *(pytest.param(each, marks=pytest.mark.thorough) for each in OTHER_NUMBERS)]
)
def test_numbers_with_an_exponent_get_no_apostrophe_because_they_only_count(number: str) -> None:
    data = file_of(FormatDto().resolve(), [("c1", number, "x")])

    assert f"c1,{number},x".encode() in data
    (sheet,) = open_csv([data], ",", Language.ENGLISH_UK)
    assert (formulas(sheet), sheet[1][1].kind) == ([], "float")
