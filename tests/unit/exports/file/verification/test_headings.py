"""A copy that names other columns than its export is told so; a copy that names the same ones never is."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest
from client_export import headings as of_client

from exports.file.verification import headings
from exports.file.verification.verify import verify
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from exports.request.formats import FORMAT_PRESETS, Compression, CsvFormat, FormatPreset
from tests.support.proofs import InMemory, a_proved_file
from tests.support.steps import two_columns

JSONL = FORMAT_PRESETS[FormatPreset.JSONL]
HEADERS = ("=Code", "0123")
STRANGE = [
    HEADERS,
    ("ID", "Größe, cm"),
    ("two\nlines", "'quoted\""),
    ("a  b", "+44 20"),
    ("_x000D_", "<b>&amp;"),
    ("A", "'"),
]


def spec_of(form: CsvFormat, names: Sequence[str]) -> dict[str, object]:
    fields = (TargetField.CODE, TargetField.NAME)
    columns = [ColumnMapping(csv_header=name, target_field=field) for name, field in zip(names, fields, strict=True)]
    return {"columns": tuple(columns), "format": form}


def told_of(copy: bytes, kind: str | None, expected: Sequence[str]) -> str | None:
    return headings.changed_columns(io.BytesIO(copy), kind, expected)


@pytest.mark.parametrize("names", STRANGE, ids=range(len(STRANGE)))
@pytest.mark.parametrize("preset", FORMAT_PRESETS)
def test_strange_headers_of_a_right_file_are_those_of_the_manifest(preset: FormatPreset, names: Sequence[str]) -> None:
    file, manifest = a_proved_file(spec=two_columns(**spec_of(FORMAT_PRESETS[preset], names)))
    assert verify(InMemory(file), manifest).faults == ()


@pytest.mark.parametrize("preset", FORMAT_PRESETS)
def test_right_bytes_under_other_columns_than_the_manifest_names_are_not_proved(preset: FormatPreset) -> None:
    file, manifest = a_proved_file(spec=two_columns(format=FORMAT_PRESETS[preset]))
    other = manifest.request.model_copy(update=spec_of(FORMAT_PRESETS[preset], ("Code", "Title")))
    (fault,) = verify(InMemory(file), manifest.model_copy(update={"request": other})).faults
    assert "column 2 is “Name”, not “Title”. Report this." in fault or "other keys than the headers" in fault


def test_a_copy_that_was_compressed_anew_names_its_changed_column() -> None:
    file, manifest = a_proved_file(CsvFormat(compression=Compression.GZIP))
    copy = gzip.compress(gzip.decompress(file).replace(b"Name", b"Title", 1), 9)
    faults = verify(InMemory(copy), manifest).faults
    assert faults[-1] == "The columns are not those of the export: column 2 is “Title”, not “Name”."
    assert "columns" not in "".join(verify(InMemory(gzip.compress(gzip.decompress(file), 9)), manifest).faults)


def test_a_changed_key_of_json_lines_is_named() -> None:
    file, manifest = a_proved_file(JSONL)
    rows = [json.loads(line) for line in file.splitlines()]
    for row in rows:
        row["Title"] = row.pop("Name")
    for copy in ("".join(f"{json.dumps(row)}\n" for row in rows), json.dumps(rows, indent=2)):
        faults = verify(InMemory(copy.encode()), manifest).faults
        assert faults[-1] == "The columns are not those of the export: column 2 is “Title”, not “Name”."


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("A,B,C", None),
        ("A;B;C;;", None),
        ('\'A\tB\t"=""C"""', None),
        ("A,C", "“B” is missing"),
        ("C", "“A” and “B” are missing"),
        ("A,B,C,D,E,F,G,H", "“D”, “E”, “F” and 2 more were added"),
        ("A,X,C", "column 2 is “X”, not “B”"),
        ("A,C,B", "“C” is column 2, not column 3"),
        ("A,B,C,B", "“B” is there more than once"),
        ("B,X", "“A” and “C” are missing; “X” was added"),
        ("1,2,3", "none of them is named"),
        ("<!DOCTYPE html>", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_each_difference_of_the_heading_row_is_told_in_words(header: str, told: str | None, encoding: str) -> None:
    assert told_of(f"{header}\r\n1,2,3\r\n".encode(encoding) if header else b"", None, ["A", "B", "C"]) == told


@pytest.mark.parametrize(
    ("copy", "kind"),
    [
        ("Größe,A\n".encode("cp1252"), None),
        (b"\x1f\x8b\x08", None),
        *((copy, kind) for copy in (b"PK\3\4 cut off", b"\x1f\x8b\x08", b'{"A": ') for kind in ("jsonl", "xlsx")),
    ],
)
def test_nothing_is_said_of_columns_that_cannot_be_read(copy: bytes, kind: str | None) -> None:
    assert told_of(copy, kind, ["Größe", "A"]) is None


def test_a_workbook_with_a_gap_in_its_first_row_names_the_missing_column() -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet["A1"], sheet["C1"] = "A", "C"
    data = io.BytesIO()
    book.save(data)
    assert told_of(data.getvalue(), "xlsx", ["A", "B", "C"]) == "column 2 is without a name, not “B”"


def test_the_client_compares_columns_by_the_same_code() -> None:
    assert Path(headings.__file__).read_bytes() == Path(of_client.__file__).read_bytes()
