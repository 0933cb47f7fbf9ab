"""When the service is asked to check what arrives."""

from __future__ import annotations

import pytest

from exports.adapters.blob_files import _may_be_garbled


@pytest.mark.parametrize(
    ("url", "checked"),
    [
        ("https://account.blob.core.windows.net/exports/a.csv", False),
        ("http://127.0.0.1:10000/devstoreaccount1/exports/a.csv", False),
        ("http://localhost:10000/devstoreaccount1/exports/a.csv", False),
        ("http://account.blob.core.windows.net/exports/a.csv", True),
        ("http://azurite:10000/devstoreaccount1/exports/a.csv", True),
    ],
)
def test_blocks_are_checked_where_nothing_else_guards_them(url: str, checked: bool) -> None:
    assert _may_be_garbled(url) is checked
