"""Archives beyond the limits of plain ZIP, read by Python's zipfile from a file with holes; workbooks, by unzip."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest

from exports.file.xlsx.renderer import XlsxRenderer
from exports.file.xlsx.zip_entries import DEFLATED, STORED, ZipEntry, central_directory
from exports.request.fields import TargetField
from tests.support.workbooks import XLSX, columns, workbook

GIB = 1 << 30


def _archive(file: Path, entries: list[ZipEntry]) -> None:
    """Write headers and the directory where they belong; the data are holes, which read as zeros."""
    with file.open("wb") as stream:
        for entry in entries:
            stream.seek(entry.offset)
            stream.write(entry.local_header())
            stream.seek(entry.packed_bytes, io.SEEK_CUR)
        end = stream.tell()
        stream.write(central_directory(entries, end))


def _entry(name: str, offset: int, packed: int, plain: int | None = None) -> ZipEntry:
    return ZipEntry(name, offset, STORED, packed, packed if plain is None else plain, zlib.crc32(bytes(min(packed, 4))))


def test_entries_beyond_four_gib_are_found_with_their_sizes(tmp_path: Path) -> None:
    first = _entry("first", 0, 5 * GIB)
    second = _entry("second", len(first.local_header()) + 5 * GIB, 4)
    large = _entry("large", second.offset + len(second.local_header()) + 4, 3 * GIB, 9 * GIB)
    _archive(tmp_path / "large.zip", [first, second, large])

    with zipfile.ZipFile(tmp_path / "large.zip") as archive:
        found = {each.filename: (each.header_offset, each.compress_size, each.file_size) for each in archive.infolist()}
        assert archive.read("second") == bytes(4)
    assert found == {
        entry.name: (entry.offset, entry.packed_bytes, entry.plain_bytes) for entry in (first, second, large)
    }


@pytest.mark.parametrize("size", [0xFFFF_FFFE, 0xFFFF_FFFF, 0x1_0000_0000])
def test_sizes_around_the_limit_of_plain_zip_are_read_back(tmp_path: Path, size: int) -> None:
    entry = _entry("sheet", 0, size)
    _archive(tmp_path / "limit.zip", [entry])

    with zipfile.ZipFile(tmp_path / "limit.zip") as archive:
        (found,) = archive.infolist()
        assert (found.file_size, found.compress_size) == (size, size)
    assert (entry.local_header()[4:6] == b"\x2d\0") is (size >= 0xFFFF_FFFF)


def test_the_local_header_holds_both_large_sizes() -> None:
    header = _entry("sheet", 0, 5, 6 * GIB).local_header()
    *_, crc32, packed, plain, name_bytes, extra_bytes = struct.unpack("<4s5H3L2H", header[:30])

    assert (crc32, packed, plain, name_bytes, extra_bytes) == (zlib.crc32(bytes(4)), 0xFFFF_FFFF, 0xFFFF_FFFF, 5, 20)
    assert struct.unpack("<2H2Q", header[35:]) == (1, 16, 6 * GIB, 5)


def test_more_entries_than_plain_zip_can_count_are_all_found(tmp_path: Path) -> None:
    entries, offset = [], 0
    for number in range(70_000):
        entries.append(_entry(f"{number}", offset, 0))
        offset += len(entries[-1].local_header())
    _archive(tmp_path / "many.zip", entries)

    with zipfile.ZipFile(tmp_path / "many.zip") as archive:
        assert len(archive.infolist()) == 70_000


def test_equal_data_give_equal_archives_without_a_time() -> None:
    packed = zlib.compressobj(wbits=-15)
    data = packed.compress(b"rows") + packed.flush()
    entry = ZipEntry("sheet", 0, DEFLATED, len(data), 4, zlib.crc32(b"rows"))
    start = entry.local_header() + data
    whole = start + central_directory([entry], len(start))

    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert (archive.testzip(), archive.read("sheet")) == (None, b"rows")
        assert archive.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)


def _unzip(file: Path) -> int:
    """Let unzip test every entry, and return its exit code."""
    program = shutil.which("unzip")
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("unzip is not installed: apt-get install unzip")
    return subprocess.run([program, "-tqq", file], capture_output=True, check=False).returncode


def test_unzip_finds_no_error_in_several_sheets_and_one_in_a_damaged_workbook(tmp_path: Path) -> None:
    pages = [[(f"C{page}{number}",) for number in range(3)] for page in range(5)]
    data = workbook(XlsxRenderer(columns(TargetField.CODE), XLSX, max_sheet_rows=7), pages)
    whole, damaged = tmp_path / "whole.xlsx", tmp_path / "damaged.xlsx"
    whole.write_bytes(data)
    damaged.write_bytes(data.replace(b"Calibri", b"calibri", 1))

    assert (_unzip(whole), _unzip(damaged)) == (0, 2)
