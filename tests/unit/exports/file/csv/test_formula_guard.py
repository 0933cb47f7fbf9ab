"""Formulas get an apostrophe, and numbers and other text do not."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exports.file.cells import ColumnText
from exports.file.csv.formula_guard import guard_parts, guard_text
from exports.file.csv.formula_search import find_guard, may_be_changed

GUARDED = (
    "=1+1",
    "=",
    "=cmd|'/c calc'!A1",
    "@SUM(1)",
    "@",
    "+cmd|'/c calc'!A1",
    "+SUM(A1)",
    "-2+3+cmd|' /C calc'!A0",
    "-A1",
    "--1",
    "-@SUM(1)",
    "+1=1",
    "-1;=2",
    "-1|2",
    "-1!A1",
    "-1*2",
    "-5 apples",
    "-5\n=1+1",
    "\t=1+1",
    "\tplain",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    "＋1",
    "－5",
    "＠SUM(1)",
)
SPARED = (
    "",
    "plain",
    "Müller & Söhne",
    "a=1",
    "a@b.example",
    "'=1+1",
    " leading space",
    "007",
    "-",
    "+",
    "-5",
    "+5",
    "- 5",
    "-5%",
    "-.5",
    "-1,234.50",
    "-£1,234.50",
    "-€5",
    "-(5)",
    "+44 20 7946 0000",
    "+44 (0)20 7946 0000",
    "+44-20-7946-0000",
    "+44.20.7946.0000",
    "+442079460000",
)


@pytest.mark.parametrize("text", GUARDED)
def test_text_that_a_spreadsheet_might_run_gets_an_apostrophe(text: str) -> None:
    assert guard_text(text) == f"'{text}"


@pytest.mark.parametrize("text", SPARED)
def test_numbers_telephone_numbers_and_other_text_stay_unchanged(text: str) -> None:
    assert guard_text(text) == text


@given(st.text())
def test_a_guarded_text_is_never_guarded_again(text: str) -> None:
    assert guard_text(guard_text(text)) == guard_text(text)


@given(st.text())
def test_the_guard_adds_one_apostrophe_or_nothing(text: str) -> None:
    assert guard_text(text).removeprefix("'") == text.removeprefix("'")


@given(st.sampled_from("=+-@\t\r\n"), st.text(alphabet="=+@!|'\"ABCabc019 ()", min_size=1))
def test_a_sign_before_anything_but_a_number_is_guarded(sign: str, rest: str) -> None:
    if any(character.isalpha() or character in "=@!|'\"+" for character in rest):
        assert guard_text(sign + rest).startswith("'")


_CELL = st.text(st.sampled_from(list('+-=@＋1 ().,;\t\n"a\u00ad\u3000\x1f٣')), max_size=6)


@given(st.lists(_CELL | st.sampled_from(["+44 20", "-5"]), min_size=1, max_size=4))
@example(["+44 20", "+  5"])
@example(["+1\x1fa"])  # a number and other text, if the cells were told apart by their separators
@example(["-5\x1f+"])
@example(["\ta", "\ra", "\na"])
def test_the_guard_of_a_column_changes_the_cells_that_need_it_and_no_other(cells: list[str]) -> None:
    joined = ColumnText.of(cells).joined
    guard = find_guard(joined, len(cells)) or str
    assert [*map(guard, cells)] == [*map(guard_parts, cells)]
    assert {cell for cell in cells if guard_parts(cell) != cell} <= may_be_changed(cells, joined)


@pytest.mark.parametrize("text", [text for text in SPARED if text[:1] in "+-" and text.isascii()])
def test_no_cell_is_looked_at_if_all_that_begin_with_signs_are_numbers(text: str) -> None:
    cells = ["Ann", text, ""]
    assert find_guard(ColumnText.of(cells).joined, len(cells)) is None
