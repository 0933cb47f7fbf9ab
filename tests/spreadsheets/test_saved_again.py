"""`verify` names the columns that were changed in a file that LibreOffice has saved again."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from client_export import FileMismatchError
from client_export.verification import Manifest, verify_file

from exports.file.manifest import ManifestDto
from exports.file.verification.verify import verify
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from exports.request.formats import CsvFormat
from tests.support.libreoffice import saved_again
from tests.support.proofs import InMemory, a_proved_file
from tests.support.steps import two_columns
from tests.support.workbooks import XLSX

Table = list[list[str]]
COLUMNS = tuple(
    ColumnMapping(csv_header=header, target_field=TargetField(field))
    for header, field in (("Code", "Code"), ("Client – Größe", "Name"), ("VAT", "VatNumber"))
)
SEMICOLONS = "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,true,true"
CHANGES: dict[str, tuple[Callable[[Table], Table], str | None]] = {
    "only saved again": (lambda rows: rows, None),
    "renamed": (lambda rows: [["Code", "Client – Größe", "Tax"], *rows[1:]], "column 3 is “Tax”, not “VAT”"),
    "moved": (lambda rows: [[row[1], row[0], row[2]] for row in rows], "“Client – Größe” is column 1, not column 2"),
    "deleted": (lambda rows: [[row[0], row[2]] for row in rows], "“Client – Größe” is missing"),
    "added": (lambda rows: [[*row, "Note"] for row in rows], "“Note” was added"),
    "header deleted": (lambda rows: rows[1:], "none of them is named"),
}


def edited_csv(file: bytes, change: Callable[[Table], Table]) -> bytes:
    rows = [*csv.reader(io.StringIO(file.decode(), newline=""))]
    text = io.StringIO(newline="")
    csv.writer(text).writerows(change(rows))
    return text.getvalue().encode()


def edited_workbook(file: bytes, change: Callable[[Table], Table]) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(file))
    sheet = book.worksheets[0]
    rows = change([[cell or "" for cell in row] for row in sheet.iter_rows(values_only=True)])
    other = openpyxl.Workbook()
    for row in rows:
        other.worksheets[0].append(row)
    data = io.BytesIO()
    other.save(data)
    return data.getvalue()


@pytest.mark.parametrize(
    ("form", "edit", "saved_as"),
    [(CsvFormat(), edited_csv, ("csv", SEMICOLONS)), (XLSX, edited_workbook, ("xlsx", "xlsx"))],
    ids=["csv", "xlsx"],
)
def test_a_changed_column_is_named_after_a_spreadsheet_has_saved_the_file(
    form: CsvFormat, edit: Callable[[bytes, Callable[[Table], Table]], bytes], saved_as: tuple[str, str], tmp_path: Path
) -> None:
    file, manifest = a_proved_file(spec=two_columns(columns=COLUMNS, format=form))
    copies = saved_again([edit(file, apply) for apply, _ in CHANGES.values()], *saved_as)
    for copy, (_, told) in zip(copies, CHANGES.values(), strict=True):
        assert copy != file
        assert_tells(verdict_of_service(copy, manifest), told)
        assert_tells(refusal_of_client(copy, manifest, tmp_path), told)


def verdict_of_service(copy: bytes, manifest: ManifestDto) -> str:
    verdict = verify(InMemory(copy), manifest)
    assert not verdict.is_intact
    return "\n".join(verdict.faults)


def refusal_of_client(copy: bytes, manifest: ManifestDto, folder: Path) -> str:
    (folder / "copy").write_bytes(copy)
    with pytest.raises(FileMismatchError) as refused:
        verify_file(folder / "copy", Manifest.from_json(manifest.model_dump(mode="json", by_alias=True)))
    return str(refused.value)


def assert_tells(said: str, told: str | None) -> None:
    if told is None:
        assert "columns" not in said
    else:
        assert f"The columns are not those of the export: {told}." in said
