"""What a manifest tells a program, and which manifests the client refuses."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from client_export import FileMismatchError, Manifest
from client_export.verification import verify_file

from exports.request.formats import FORMAT_PRESETS, FormatPreset
from tests.support.contradictions import Document, contradictions
from tests.support.each_case import assert_each
from tests.support.proofs import a_proved_file

EMPTY = {"page": 0, "start": None, "stop": None, "rows": 0, "bytes": 0, "sha256": hashlib.sha256().hexdigest()}


def manifest(changes: dict[str, Any] | None) -> Manifest:
    document = {"code": "c", "fileName": "clients.csv", "rows": 0, "bytes": 0, "pages": [EMPTY], "request": {}}
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


def proved(tmp_path: Path, document: Document, file: bytes) -> bool:
    """Prove a file as a program does."""
    path = tmp_path / "file"
    path.write_bytes(file)
    return verify_file(path, Manifest.from_json(document)).is_proved


def test_the_client_refuses_every_manifest_that_proves_nothing(tmp_path: Path) -> None:
    file, good = a_proved_file()
    document = good.model_dump(mode="json", by_alias=True)
    assert proved(tmp_path, document, file)

    def check(wrong: Document) -> None:
        with pytest.raises(FileMismatchError, match=r"contradicts itself|CRC-32 of the file"):
            proved(tmp_path, wrong, file)

    assert_each(contradictions(document), check)


@pytest.mark.parametrize("preset", FormatPreset)
def test_the_manifest_of_every_format_and_of_no_clients_is_taken(tmp_path: Path, preset: FormatPreset) -> None:
    form = FORMAT_PRESETS[preset]
    for file, good in (a_proved_file(form), a_proved_file(form, names=(), starts=())):
        assert proved(tmp_path, good.model_dump(mode="json", by_alias=True), file)


@pytest.mark.parametrize("wrong", [{"rows": -1}, {"bytes": -1}, {"rows": "1"}, {"page": None}, {"crc32": "zz"}])
def test_a_page_with_a_number_that_counts_nothing_is_no_manifest(wrong: Document) -> None:
    _, good = a_proved_file()
    document = good.model_dump(mode="json", by_alias=True)
    document["pages"][1] |= wrong
    with pytest.raises(FileMismatchError, match="not a manifest"):
        Manifest.from_json(document)


def test_an_order_check_that_this_package_does_not_know_proves_no_order(tmp_path: Path) -> None:
    file, good = a_proved_file()
    assert not proved(tmp_path, good.model_dump(mode="json", by_alias=True) | {"keyOrder": "Newer"}, file)
