"""What a manifest tells a program, and which manifests the client refuses."""

from __future__ import annotations

import gzip
import hashlib
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from client_export import FileMismatchError, Manifest
from client_export.cli.main import app
from client_export.cli.show import print_verification
from client_export.downloads import Download
from client_export.verification import verify_file
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from exports.file.file_names import clean_file_name
from exports.request.formats import FORMAT_PRESETS, Compression, FormatPreset
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


@given(st.text("a. \u200c\u200d", min_size=1, max_size=4) | st.text(max_size=9), st.sampled_from(FormatPreset))
def test_the_client_takes_every_file_name_that_the_service_makes(wanted: str, preset: FormatPreset) -> None:
    name = clean_file_name(wanted, FORMAT_PRESETS[preset].extension) or "clients.csv"
    document = {"code": "c", "fileName": name, "rows": 0, "bytes": 0, "pages": [EMPTY], "request": {}}
    assert Manifest.from_json(document).file_name == name


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


def test_a_small_file_that_decompresses_to_a_huge_one_takes_little_memory(tmp_path: Path) -> None:
    file = gzip.compress(bytes(64 << 20) + b"\n")
    sums = {"rows": 1, "bytes": len(file)}
    page = EMPTY | sums | {"sha256": hashlib.sha256(file).hexdigest()}
    form = {"format": {"kind": "jsonl", "compression": "gzip"}}
    document = {"code": "c", "fileName": "clients.jsonl.gz", "pages": [page], "request": form} | sums
    tracemalloc.start()
    try:
        assert proved(tmp_path, document, file)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 16 << 20


@pytest.mark.parametrize("preset", FormatPreset)
def test_the_manifest_of_every_format_and_of_no_clients_is_taken(tmp_path: Path, preset: FormatPreset) -> None:
    form = FORMAT_PRESETS[preset]
    for file, good in (a_proved_file(form), a_proved_file(form, names=(), starts=())):
        assert proved(tmp_path, good.model_dump(mode="json", by_alias=True), file)


@pytest.mark.parametrize("compression", Compression)
def test_a_file_of_a_byte_order_mark_alone_is_proved(tmp_path: Path, compression: Compression) -> None:
    form = FORMAT_PRESETS[FormatPreset.EXCEL].model_copy(update={"compression": compression})
    file, good = a_proved_file(form, include_headers=False, names=(), starts=())
    assert good.rows == 0
    assert proved(tmp_path, good.model_dump(mode="json", by_alias=True), file)


@pytest.mark.parametrize("text", [b"\xef\xbb", b"\xef\xbb\xbfx", b"\xef\xbb\xbf\xef\xbb\xbf", b"\n"])
def test_only_a_byte_order_mark_may_stand_in_a_file_without_records(tmp_path: Path, text: bytes) -> None:
    page = EMPTY | {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    request = {"includeHeaders": False}
    document = {"code": "c", "fileName": "a.csv", "rows": 0, "bytes": len(text), "pages": [page], "request": request}
    with pytest.raises(FileMismatchError, match="records"):
        proved(tmp_path, document, text)


@pytest.mark.parametrize("wrong", [{"rows": -1}, {"bytes": -1}, {"rows": "1"}, {"page": None}, {"crc32": "zz"}])
def test_a_page_with_a_number_that_counts_nothing_is_no_manifest(wrong: Document) -> None:
    _, good = a_proved_file()
    document = good.model_dump(mode="json", by_alias=True)
    document["pages"][1] |= wrong
    with pytest.raises(FileMismatchError, match="not a manifest"):
        Manifest.from_json(document)


@pytest.mark.parametrize("flag", [None, 1, "false"])
def test_a_manifest_that_does_not_say_whether_there_are_headers_is_no_manifest(flag: object) -> None:
    _, good = a_proved_file()
    document = good.model_dump(mode="json", by_alias=True)
    document["request"]["includeHeaders"] = flag
    with pytest.raises(FileMismatchError, match="not a manifest"):
        Manifest.from_json(document)


def test_an_order_check_that_this_package_does_not_know_proves_no_order(tmp_path: Path) -> None:
    file, good = a_proved_file()
    assert not proved(tmp_path, good.model_dump(mode="json", by_alias=True) | {"keyOrder": "Newer"}, file)


def a_file_that_lacks_something(tmp_path: Path) -> tuple[Path, Path]:
    """Write a workbook with a cut text and without two characters of clients, and its manifest."""
    form = FORMAT_PRESETS[FormatPreset.XLSX]
    data, good = a_proved_file(form, names=("x" * 40_000, "\1y\2", "z"), starts=())
    file, proof = tmp_path / "clients.xlsx", tmp_path / "manifest.json"
    file.write_bytes(data)
    proof.write_text(good.model_dump_json(by_alias=True), encoding="utf-8")
    return file, proof


def test_the_command_verify_tells_what_a_file_lacks(tmp_path: Path) -> None:
    file, proof = a_file_that_lacks_something(tmp_path)
    told = CliRunner().invoke(app, ["verify", str(file), "--manifest", str(proof)])
    assert told.exit_code == 0
    assert "cut       1 of the texts, too long for a cell" in told.stdout
    assert "left out  2 of the characters of clients" in told.stdout
    as_json = CliRunner().invoke(app, ["verify", str(file), "--manifest", str(proof), "--json"])
    found = json.loads(as_json.stdout)["verification"]
    assert (found["cutCells"], found["removedCharacters"]) == (1, 2)


def test_a_download_tells_what_its_file_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, proof = a_file_that_lacks_something(tmp_path)
    manifest = Manifest.from_json(json.loads(proof.read_text("utf-8")))
    assert (manifest.cut_cells, manifest.removed_characters) == (1, 2)
    print_verification(Download(file, verify_file(file, manifest)))
    assert "cut       1 of the texts" in capsys.readouterr().out


def test_a_file_that_lacks_nothing_has_no_lines_about_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, good = a_proved_file()
    (tmp_path / "file").write_bytes(data)
    manifest = Manifest.from_json(good.model_dump(mode="json", by_alias=True))
    assert (manifest.cut_cells, manifest.removed_characters) == (None, None)
    print_verification(Download(tmp_path / "file", verify_file(tmp_path / "file", manifest)))
    shown = capsys.readouterr().out
    assert "proved" in shown
    assert "cut " not in shown
    assert "left out" not in shown
