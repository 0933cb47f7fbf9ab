"""Fixtures of stores: each test runs on the fake and on the real store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest


def memory_or_azurite(fake: Callable[[], Any], real: Callable[..., Any], **options: Any) -> Any:
    """Make a fixture that provides an empty store: the fake, then the real store in the emulator.

    Args:
        real: Takes a storage account, the name of a new table or container, and `options`.
    """

    @pytest.fixture(params=["memory", "azurite"])
    def store(request: pytest.FixtureRequest) -> Any:
        if request.param == "memory":
            return fake()
        return real(request.getfixturevalue("account"), f"t{uuid4().hex}", **options)

    return store
