"""Files that are not CSV, chosen in the ui: a workbook, and JSON Lines."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.expected import records
from tests.support.libreoffice import workbook_as_csv
from tests.support.system import System
from tests.support.visitor import Visitor, read_download
from tests.support.workbooks import as_text, read_with_openpyxl

CODES_AND_NAMES = {"columnMappings": [{"csvHeader": name, "targetField": name} for name in ("Code", "Name")]}


def choose_preset(visitor: Visitor, preset: str) -> None:
    visitor.at(f"input[name=preset][value={preset}]").check()


def set_options_of_csv(visitor: Visitor) -> None:
    """Set what only CSV has. A reader may have done that before choosing another kind of file."""
    visitor.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    visitor.at("#delimiter").select_option("|")
    visitor.at("#line-ending").select_option("lf")
    visitor.at("#quoting").select_option("all")
    visitor.at("#mark").select_option("yes")


@pytest.mark.thorough
def test_a_chosen_workbook_is_downloaded_and_two_programs_show_its_clients(visitor: Visitor, system: System) -> None:
    visitor.sign_in()
    visitor.pick("Code", "Name")
    set_options_of_csv(visitor)
    visitor.at("#compression").select_option("gzip")
    choose_preset(visitor, "xlsx")
    visitor.at("#file-name").fill("Our clients.csv")
    visitor.export()
    visitor.expect_status("Completed")
    download = visitor.download()
    book = read_download(download)

    assert download.suggested_filename == "Our clients.xlsx"
    expected = [list(each) for each in records(system.export({**CODES_AND_NAMES, "format": {"formulaGuard": False}}))]
    assert expected[0] == ["Code", "Name"]
    (sheet,) = read_with_openpyxl(book)
    assert [list(map(as_text, row)) for row in sheet] == expected
    assert workbook_as_csv(book) == expected


def test_chosen_json_lines_are_downloaded_whatever_else_was_set(visitor: Visitor, system: System) -> None:
    visitor.sign_in()
    visitor.pick("Code", "Name")
    set_options_of_csv(visitor)
    visitor.at("#headers").uncheck()
    choose_preset(visitor, "jsonl")
    visitor.at("#estimate").click()
    expect(visitor.at("#estimated")).to_be_visible()
    visitor.export()
    visitor.expect_status("Completed")
    download = visitor.download()

    assert download.suggested_filename.endswith(".jsonl")
    assert read_download(download) == system.export({**CODES_AND_NAMES, "format": {"preset": "jsonl"}})
