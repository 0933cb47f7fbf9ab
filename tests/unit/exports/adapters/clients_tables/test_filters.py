"""What this process compares of clients in Table Storage, whatever types their properties have."""

from __future__ import annotations

from typing import Any

import pytest

from exports.adapters.clients_tables.filters import make_filter
from exports.request.filters import ClientFilter


@pytest.mark.parametrize(("stored", "is_found"), [(5, True), ("VAT; 5", True), (0, False), (None, False), ("", False)])
def test_a_service_code_is_compared_as_text_whatever_type_it_is_stored_as(stored: Any, is_found: bool) -> None:
    passes = make_filter(ClientFilter(service_codes=("5",))).passes

    assert passes is not None
    assert passes({"service_codes": stored}) is is_found
