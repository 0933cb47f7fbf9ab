"""Compare the columns that a copy of a file names with those of its export, by what a reader of the copy sees.

A spreadsheet that saves a file again changes all of its bytes. Then only the content tells whether a column was
renamed, moved, removed or added. Another character may separate the cells, in another encoding, compressed or not.

This module needs nothing of the service: the Python client has the same file.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO
from xml.etree import ElementTree

_HEAD_BYTES = 256 * 1024
_ANY_GZIP = 31
_GZIP = b"\x1f\x8b"
_SEPARATORS = ",;\t|"
_SHEET, _STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_CONSTANT = re.compile(r'="(.*)"', re.DOTALL)
_NOT_SHOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufeff\ufffe\uffff']")
"""Apostrophes of the formula guard, and what some formats leave out."""
_UNREADABLE = (
    *(ValueError, KeyError, IndexError, EOFError, RecursionError, NotImplementedError, RuntimeError),
    *(csv.Error, zipfile.BadZipFile, zlib.error, ElementTree.ParseError),
)
_MOST_NAMED = 3


def changed_columns(file: BinaryIO, kind: str | None, expected: Sequence[str]) -> str | None:
    """Say in words that continue a sentence how the columns differ; None if they do not, or cannot be read.

    Args:
        file: The copy, which can be read from any position. Only its beginning and the parts of a workbook are read.
        kind: `xlsx`, `jsonl`, or None for CSV.
        expected: The headers of the export, in their order.
    """
    wanted = [*map(_shown, expected)]
    try:
        found = _of_workbook(file) if kind == "xlsx" else _of_text(file, kind, wanted)
        "".join(found).encode()  # a byte in another encoding has become half of a surrogate pair
    except _UNREADABLE:
        return None
    names = _up_to_last_shown([*map(_shown, found)])
    return _difference(names, _up_to_last_shown(wanted)) if names else None


def _up_to_last_shown(names: list[str]) -> list[str]:
    """Return the names up to the last one of which a reader sees anything: spreadsheets save blank cells after them."""
    last = max((number for number, name in enumerate(names, 1) if name), default=0)
    return names[:last]


def _shown(header: str) -> str:
    """Return a header as a reader sees it, whatever the format adds or leaves out."""
    plain = _NOT_SHOWN.sub("", header)
    constant = _CONSTANT.fullmatch(plain)
    return " ".join((constant[1] if constant else plain).split())


# --- what the copy names


def _of_text(file: BinaryIO, kind: str | None, wanted: Sequence[str]) -> list[str]:
    text = _text(file)
    if text.lstrip().startswith("<"):
        return []  # a page of a web server, saved instead of the file
    if kind == "jsonl":
        found, _ = json.JSONDecoder(object_pairs_hook=_keys).raw_decode(text.lstrip("[ \t\r\n"))
        return found if isinstance(found, list) else []
    records = [next(csv.reader(io.StringIO(text, newline=""), delimiter=each), []) for each in _SEPARATORS]
    return max(records, key=lambda record: len({*map(_shown, record)}.intersection(wanted)))


def _text(file: BinaryIO) -> str:
    """Return the beginning of the text. A byte that is not of its encoding becomes half of a surrogate pair."""
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if head.startswith(_GZIP):
        head = zlib.decompressobj(_ANY_GZIP).decompress(head, _HEAD_BYTES)
    is_utf_16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    decoder = codecs.getincrementaldecoder("utf-16" if is_utf_16 else "utf-8-sig")("surrogateescape")
    return decoder.decode(head).lstrip("\r\n")


def _keys(pairs: list[tuple[str, object]]) -> list[str]:
    return [name for name, _ in pairs]


def _of_workbook(file: BinaryIO) -> list[str]:
    with zipfile.ZipFile(file) as archive:
        cells = _first_row(archive)
        shared = [int(text) for _, kind, text in cells if kind == "s"]
        strings = _shared_strings(archive, max(shared)) if shared else []
    row: dict[int, str] = {}
    for column, kind, text in cells:
        row[column] = strings[int(text)] if kind == "s" else text
    return [row.get(column, "") for column in range(max(row, default=-1) + 1)]


def _first_row(archive: zipfile.ZipFile) -> list[tuple[int, str | None, str]]:
    """Return column, kind and text of each cell."""
    with archive.open(_SHEET) as sheet:
        for _, element in ElementTree.iterparse(sheet):  # noqa: S314 - expat limits what entities become
            if element.tag == f"{_MAIN}row":
                return [(_column(cell, number), cell.get("t"), _text_of(cell)) for number, cell in enumerate(element)]
    return []


def _column(cell: ElementTree.Element, number: int) -> int:
    """Return the column of a cell, counted from 0. Cells need not say where they are."""
    letters = cell.get("r", "").rstrip("0123456789")
    column = 0
    for letter in letters:
        column = 26 * column + ord(letter) - ord("A") + 1
    return column - 1 if letters else number


def _shared_strings(archive: zipfile.ZipFile, last: int) -> list[str]:
    found: list[str] = []
    with archive.open(_STRINGS) as strings:
        for _, element in ElementTree.iterparse(strings):  # noqa: S314 - expat limits what entities become
            if element.tag == f"{_MAIN}si":
                found.append(_text_of(element))
                element.clear()
                if len(found) > last:
                    break
    return found


def _text_of(element: ElementTree.Element) -> str:
    text = "".join(part.text or "" for part in element.iter() if part.tag in (f"{_MAIN}t", f"{_MAIN}v"))
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)


# --- how it differs


def _difference(found: Sequence[str], expected: Sequence[str]) -> str | None:
    if list(found) == list(expected):
        return None
    if not {*found} & {*expected}:
        return "none of them is named"
    return "; ".join(_differences(found, expected))


def _differences(found: Sequence[str], expected: Sequence[str]) -> Iterator[str]:
    missing = [name for name in expected if name not in found]
    added = [name for name in found if name not in expected]
    if len(found) == len(expected):
        for number, (now, before) in enumerate(zip(found, expected, strict=True), 1):
            if now in added and before in missing:
                added.remove(now)
                missing.remove(before)
                yield f"column {number} is {f'“{now}”' if now else 'without a name'}, not “{before}”"
    if missing:
        yield f"{_named(missing)} {'is' if len(missing) == 1 else 'are'} missing"
    if added:
        yield f"{_named(added)} {'was' if len(added) == 1 else 'were'} added"
    kept = [name for name in found if name in expected]
    order = [name for name in expected if name in found]
    if len(kept) > len(order):
        yield f"{_named([name for name in order if kept.count(name) > 1])} is there more than once"
    elif kept != order:
        name = next(name for name, before in zip(kept, order, strict=True) if name != before)
        yield f"“{name}” is column {found.index(name) + 1}, not column {expected.index(name) + 1}"


def _named(names: Sequence[str]) -> str:
    shown = [f"“{name}”" for name in names[:_MOST_NAMED]]
    if len(names) > _MOST_NAMED:
        shown.append(f"{len(names) - _MOST_NAMED:,} more")
    *first, last = shown
    return f"{', '.join(first)} and {last}" if first else last
