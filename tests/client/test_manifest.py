"""What the manifest of an export since another one tells a program that applies the changes."""

from __future__ import annotations

from typing import Any

import pytest
from client_export import FileMismatchError, Manifest


def manifest(changes: dict[str, Any] | None) -> Manifest:
    document = {"code": "c", "fileName": "clients.csv", "rows": 0, "bytes": 0, "pages": [], "request": {}}
    return Manifest.from_json(document if changes is None else document | {"changes": changes})


def test_deleted_clients_and_those_that_left_the_filter_are_to_be_removed() -> None:
    found = manifest({"since": "b", "deletedCodes": ["C1", "C2"], "leftCodes": ["C3"]})
    assert found.removed_codes == {"C1", "C2", "C3"}
    assert manifest({"since": "b", "deletedCodes": [], "leftCodes": []}).removed_codes == frozenset()


@pytest.mark.parametrize(
    "changes", [None, {"since": "b", "deletedCodes": None, "leftCodes": ["C3"]}], ids=["no since", "unknown"]
)
def test_a_manifest_that_does_not_know_the_deleted_clients_names_none(changes: dict[str, Any] | None) -> None:
    with pytest.raises(FileMismatchError, match="does not say which clients were deleted"):
        _ = manifest(changes).removed_codes
