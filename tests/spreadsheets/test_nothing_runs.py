"""No cell of a guarded file runs in LibreOffice, whatever separates cells there and whichever language it speaks."""

from __future__ import annotations

import pytest

from exports.request.formats import CsvFormat, Delimiter
from tests.spreadsheets.files import Row, file_of, hostile_rows, preset_formats, running
from tests.support.libreoffice import Language, open_csv

SEPARATORS = [
    pytest.param(delimiter.value, marks=() if delimiter is Delimiter.SEMICOLON else pytest.mark.thorough)
    for delimiter in Delimiter
]
NAMED = (
    "\0=1+1",
    "x;=1+1;y",
    "x;=HYPERLINK(0)&1;",
    "a\n=1+1",
    "a\r\n=1+1",
    "a\n\0=1+1",
    "a,=1+1",
    "a\t=1+1",
    "a|=1+1",
    'x;"=1+1&"',
    "x;\ufeff=1+1",
    "x; =1+1",
    "b\nc,=1+1",
    "-1e5+HYPERLINK(0)",
    "-1e5;=1+1",
    "-.5E-3*HYPERLINK(0)",
)
BEHIND_A_CONSTANT = ("&HYPERLINK(0)", 'Smith;"=1+1"', '&HYPERLINK(0)&"a', "*1", "Smith, John", "+1", "\n=1+1")
ROWS: list[Row] = [
    *(("c000", text, "x") for text in NAMED),
    *(("0123", text, "0123") for text in BEHIND_A_CONSTANT),
    *(("-5", text, "12E45") for text in BEHIND_A_CONSTANT),
]


def _hostile_files(seed: int, wanted: CsvFormat) -> list[bytes]:
    """Return a file of each of the worst rows, because one row can hide another from a reader, and files of many."""
    worst = [row for number, row in enumerate(ROWS) if (number + seed) % 5 == 0]
    random = hostile_rows(seed, 60)
    return [file_of(wanted, rows) for rows in (ROWS, random, random[:5], *([row] for row in worst))]


@pytest.mark.parametrize("language", [Language.ENGLISH_UK, pytest.param(Language.GERMAN, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("separator", SEPARATORS)
def test_no_cell_of_any_preset_runs_whatever_separates_cells(separator: str, language: Language) -> None:
    files = [data for seed, wanted in enumerate(preset_formats()) for data in _hostile_files(seed, wanted)]

    for data, sheet in zip(files, open_csv(files, separator, language), strict=True):
        assert running(sheet) == [], data


def test_an_unguarded_file_does_run() -> None:
    """Or the other tests of this file could not fail."""
    unguarded = CsvFormat(formula_guard=False)
    files = [file_of(unguarded, [("c000", text, "x")]) for text in ("x;=1+1;y", "x;=HYPERLINK(0)&1;", "a\n=1+1")]

    assert all(running(sheet) for sheet in open_csv(files, ";", Language.GERMAN))
