"""The documents of a workbook that hold no clients (ECMA-376, part 1: SpreadsheetML; part 2: packages)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from exports.file.xlsx.cells import header_cell, without_refused

SHEET_MAX_ROWS = 1_048_576
"""Rows of a worksheet (Excel specifications and limits)."""

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_FORBIDDEN_IN_NAME = re.compile(r"[\\/?*\[\]:]")
_MAX_NAME_UNITS = 31
_RESERVED_NAME = "history"
_DEFAULT_NAME = "clients"


def sheet_path(number: int) -> str:
    """Return the name of a sheet's document in the package. Sheets are counted from 1."""
    return f"xl/worksheets/sheet{number}.xml"


def fixed_documents(names: Sequence[str], columns: int, filtered_rows: Sequence[int]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of every document but the sheets.

    Args:
        names: The names of the sheets.
        columns: How many columns each sheet has.
        filtered_rows: For each sheet how many rows its filter covers, header included; empty: there is no filter.
    """
    numbers = range(1, len(names) + 1)
    sheets = "".join(
        f'<Override PartName="/{sheet_path(number)}" ContentType="{_CONTENT}.worksheet+xml"/>' for number in numbers
    )
    yield (
        "[Content_Types].xml",
        (
            f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_CONTENT}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_CONTENT}.styles+xml"/>{sheets}</Types>'
        ).encode(),
    )
    yield "_rels/.rels", _relationships([("rId1", "officeDocument", "xl/workbook.xml")])
    yield "xl/workbook.xml", _workbook(names, columns, filtered_rows)
    targets = [(f"rId{number}", "worksheet", f"worksheets/sheet{number}.xml") for number in numbers]
    styles = (f"rId{len(names) + 1}", "styles", "styles.xml")
    yield "xl/_rels/workbook.xml.rels", _relationships([*targets, styles])
    yield "xl/styles.xml", _STYLES.encode()


def _relationships(found: Sequence[tuple[str, str, str]]) -> bytes:
    inner = "".join(f'<Relationship Id="{name}" Type="{_OFFICE}/{kind}" Target="{to}"/>' for name, kind, to in found)
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'.encode()


def _workbook(names: Sequence[str], columns: int, filtered_rows: Sequence[int]) -> bytes:
    sheets = "".join(
        f'<sheet name="{_in_attribute(name)}" sheetId="{number}" r:id="rId{number}"/>'
        for number, name in enumerate(names, 1)
    )
    filters = "".join(
        f'<definedName name="_xlnm._FilterDatabase" localSheetId="{number}" hidden="1">'
        f"{_in_attribute(_quoted(name))}!$A$1:${column_letters(columns)}${rows}</definedName>"
        for number, (name, rows) in enumerate(zip(names, filtered_rows, strict=False))
    )
    defined = f"<definedNames>{filters}</definedNames>" if filters else ""
    return (
        f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><bookViews><workbookView/></bookViews>'
        f"<sheets>{sheets}</sheets>{defined}</workbook>"
    ).encode()


def _in_attribute(text: str) -> str:
    return escape(text, {'"': "&quot;"})


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def sheet_opening(
    headers: Sequence[str], widths: Sequence[int], rows: int, *, with_header: bool, is_first: bool
) -> bytes:
    """Return the beginning of a sheet, up to the first row of clients. The header row is frozen.

    It says how large the sheet is. Without that, a reader that streams rows, such as openpyxl with `read_only`, first
    reads the whole sheet to find out.

    Args:
        rows: How many rows the sheet has, header included.
    """
    size = f"A1:{column_letters(len(headers))}{rows}" if rows else "A1"
    selected = ' tabSelected="1"' if is_first else ""
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/><selection pane="bottomLeft"/>'
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(widths, 1)
    )
    row = f"<row>{''.join(map(header_cell, headers))}</row>" if with_header else ""
    return (
        f'{_HEAD}<worksheet xmlns="{_MAIN}"><dimension ref="{size}"/>'
        f'<sheetViews><sheetView{selected} workbookViewId="0">'
        f"{pane if with_header else ''}</sheetView></sheetViews><cols>{columns}</cols><sheetData>{row}"
    ).encode()


def sheet_closing(columns: int, filtered_rows: int) -> bytes:
    """Return the end of a sheet. `filtered_rows`: rows that the filter covers, header included; 0: no filter."""
    covered = f'<autoFilter ref="A1:{column_letters(columns)}{filtered_rows}"/>' if filtered_rows else ""
    return f"</sheetData>{covered}</worksheet>".encode()


def column_letters(number: int) -> str:
    """Return the letters of a column: 1 is A, 27 is AA."""
    letters = ""
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def sheet_names(file_name: str, count: int) -> list[str]:
    """Make the names of sheets from the name of the file; the second one ends in ` (2)`.

    A name has at most 31 characters, none of `\\ / ? * [ ] :`, no apostrophe at its ends, and is not `History`, which
    Excel reserves. All names begin with the same text, so none is equal to another, even if the file is called `… (2)`.
    """
    stem = _FORBIDDEN_IN_NAME.sub("_", without_refused(re.sub(r"\.xlsx\Z", "", file_name, flags=re.IGNORECASE)))
    endings = ["", *(f" ({number})" for number in range(2, count + 1))]
    room = _MAX_NAME_UNITS - len(endings[-1])
    short = stem.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore").strip("' \t\r\n") or _DEFAULT_NAME
    names = [short + ending for ending in endings]
    return [f"{name}_" if name.lower() == _RESERVED_NAME else name for name in names]
