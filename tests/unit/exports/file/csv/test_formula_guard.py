"""Formulas get an apostrophe, and numbers and other text do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.file.csv.formula_guard import guard_text

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
