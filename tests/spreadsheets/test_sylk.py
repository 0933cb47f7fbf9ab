"""No file begins with the letters `ID`, by which Excel recognizes SYLK (Microsoft Knowledge Base 323626).

LibreOffice recognizes it by `ID;P`.
"""

from __future__ import annotations

import pytest

from exports.file.csv.renderer import CsvRenderer
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from exports.request.formats import CsvFormat, Delimiter, FormatDto, FormatPreset, Quoting
from exports.steps.finalize.publish_file import publish_file
from tests.support.csv_presets import CSV_PRESETS
from tests.support.fakes import a_services
from tests.support.libreoffice import Language, open_csv, open_nameless
from tests.support.steps import a_planned_job, some_clients, two_columns, write_pages


def _renderer(wanted: CsvFormat, header: str = "ID") -> CsvRenderer:
    fields = {header: TargetField.CODE, "Name": TargetField.NAME}
    return CsvRenderer([ColumnMapping(csv_header=name, target_field=field) for name, field in fields.items()], wanted)


@pytest.mark.parametrize(
    "delimiter",
    [Delimiter.COMMA, *(pytest.param(each, marks=pytest.mark.thorough) for each in Delimiter if each != ",")],
)
def test_a_file_that_would_begin_with_id_begins_with_a_quote(delimiter: Delimiter) -> None:
    wanted = [
        FormatDto(preset=preset, quoting=quoting, delimiter=delimiter, byte_order_mark=False).resolve()
        for preset in CSV_PRESETS
        for quoting in Quoting
    ]
    files = [_renderer(each).opening(with_header=True) + b"c1" + delimiter.encode() + b"a\r\n" for each in wanted]

    assert {data[:5] for data in files} == {b'"ID"' + delimiter.encode()}
    for sheet in open_csv(files, delimiter.value, Language.ENGLISH_UK):
        assert [cell.shown for cell in sheet[0][:2]] == ["ID", "Name"]


def test_a_byte_order_mark_before_id_is_protection_enough() -> None:
    opening = _renderer(FormatDto(preset=FormatPreset.EXCEL).resolve()).opening(with_header=True)
    assert opening == b"\xef\xbb\xbfID,Name\r\n"


@pytest.mark.parametrize("header", ["Id", "id", "I", "xID", 'ID"', "ID,", "ID\n"])
def test_only_a_cell_that_begins_the_file_with_id_is_quoted_for_it(header: str) -> None:
    opening = _renderer(CsvFormat(), header).opening(with_header=True)
    assert not opening.startswith(b"ID")
    assert opening.startswith(b'"') is any(letter in header for letter in '",\n')


def test_without_a_header_the_first_code_is_quoted() -> None:
    renderer = _renderer(CsvFormat())
    assert renderer.protect_start(renderer.render([("ID1", "a"), ("ID2", "b")])) == b'"ID1",a\r\nID2,b\r\n'


def test_a_file_whose_first_page_has_lost_its_clients_opens_as_text() -> None:
    """The unprotected file shows that LibreOffice would take it for SYLK, and show nothing of it."""
    names = {"A": "Ann", "ID": "Peter", "ID2": "Paul"}
    services = a_services(
        [{**client, "code": code, "name": names[code]} for client, code in zip(some_clients(3), names, strict=True)]
    )
    spec = two_columns(include_headers=False, format=CsvFormat(delimiter=Delimiter.SEMICOLON))
    job = a_planned_job(services, ("ID",), spec=spec)
    del services.clients.clients[0]
    publish_file(services, write_pages(services, job, 2))
    file = services.files.read(job.file_path)
    assert file is not None

    (sheet,) = open_csv([file], ";", Language.ENGLISH_UK)
    assert [[cell.shown for cell in row[:2]] for row in sheet[:2]] == [["ID", "Peter"], ["ID2", "Paul"]]
    nameless = open_nameless([file, file.replace(b'"', b"")])
    shown = ["".join(cell.shown for row in sheet for cell in row) for sheet in nameless]
    assert ["Paul" in text for text in shown] == [True, False]
