"""Callers send positions of the audit log back, so a text of another form must be told apart."""

from __future__ import annotations

import pytest

from exports.ports.audit import day_of_position


@pytest.mark.parametrize("text", ["", "x", "2026-01-31", "2026-02-30T00:00:00.000000-0123456789abcdef", "' or 1 eq 1"])
def test_a_text_of_another_form_is_no_position(text: str) -> None:
    assert day_of_position(text) is None
