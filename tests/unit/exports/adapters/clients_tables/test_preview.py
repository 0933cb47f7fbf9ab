"""A preview of clients in Table Storage never says that there may be fewer clients than it shows."""

from __future__ import annotations

from typing import Any

import pytest

from exports.adapters.clients_tables.source import TableClientSource
from exports.ports.clients import ClientSelection
from exports.request.preview import ClientCount


def test_a_count_that_is_given_up_early_is_at_least_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    source = TableClientSource("azure-tables:///clients", "UseDevelopmentStorage=true")
    responses: list[list[dict[str, Any]]] = [[], [{"code": "A"}], [{"code": "B"}]]
    monkeypatch.setattr(source, "entities", lambda *_, **__: iter(responses))
    found = source.preview(ClientSelection("t", ("code",)), 2, 30.0, 1e-9)
    assert found.rows == [("A",), ("B",)]
    assert found.count == ClientCount(minimum=2)
