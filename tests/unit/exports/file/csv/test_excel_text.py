"""Text that Excel would convert is recognized, and other text is not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.file.csv.excel_text import constant, is_converted

HARMLESS_CONSTANT = r'''="[0-9A-Za-zäÄ +\-./:()%,'£€$\u00a0\u202f]+"'''

CONVERTED = (
    "0123",
    "00",
    " 0123 ",
    "-0123",
    "020 7946 0000",
    "123456789012",
    "1234567890123456",
    "1E5",
    "12e45678",
    "1.5E+10",
    " 1e9",
    "3-4",
    "1/2",
    "1.50",
    "2026-01-31",
    "31.01.2026",
    "MAR1",
    "Sept-2",
    "1-Mar",
    "Dec 2026",
    "8:30",
    "8:30:15 pm",
    "5 p",
    "+442079460000",
    "+44 (0)20 7946 0000",
    "+44-20",
    "-44-20",
    "1.5",
    "1,5",
    ",5",
    "1.234,5",
    "1,234.50",
    "1 234",
    "\u00a00123",
    "0123\u00a0",
    "\u202f12",
    "5%",
    "1,5 %",
    "£5",
    "1.234,50 €",
    "(5)",
    "5-",
    "1 1/2",
    "TRUE",
    "falsch",
    "25:00",
    "1:30.5",
    "1.2.",
    "31.12.",
    "1. März 2026",
    "3. Dez. 2026",
    "Mai 2026",
    "1-Okt-26",
    "May 1, 2026",
    "2026-01-31T10:00",
)
KEPT = (
    "",
    "0",
    "-5",
    "-1,234.50",
    "-5%",
    "12345678901",
    "SC123456",
    "GB123456789",
    "0123A",
    "LS1 1AA",
    "10 Downing Street",
    "March Street 1",
    "Marching1",
    "123/AB456",
    "+",
    "-",
    "=0123",
    '0123"',
    "0123\n",
    "٠١٢٣",
    "0" * 256,
    "00" + " " * 100_000 + "x",
    "Mai",
    "Jan Novak",
    "May & Sons",
    "True North Ltd",
    "5 Mai Street",
    "(5) Ltd",
    "1.5 m",
    "€",
    "B 12",
    "10 - 12",
    "1,2,x",
)


@pytest.mark.parametrize("text", CONVERTED)
def test_text_that_excel_converts_is_found(text: str) -> None:
    assert is_converted(text)


@pytest.mark.parametrize("text", KEPT)
def test_text_that_excel_keeps_or_no_constant_can_hold_is_not_converted(text: str) -> None:
    assert not is_converted(text)


@given(st.text() | st.text(st.sampled_from(list("0123456789 +-./:()%eEpamMARmarä€,\"'=\n,;\t")), max_size=12))
def test_a_constant_is_always_a_harmless_formula(text: str) -> None:
    if is_converted(text):
        assert re.fullmatch(HARMLESS_CONSTANT, constant(text))
        assert len(text) <= 255


@given(st.integers(min_value=-(10**11) + 1, max_value=10**11 - 1))
def test_numbers_of_up_to_eleven_digits_stay_numbers(number: int) -> None:
    assert not is_converted(str(number))
