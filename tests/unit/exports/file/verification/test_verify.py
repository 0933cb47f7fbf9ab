"""Copies are compared with manifests: unchanged ones are proved, and damage is found and named."""

from __future__ import annotations

import gzip
import hashlib
import re
import tracemalloc
import zlib
from itertools import accumulate
from pathlib import Path

import pytest
from pydantic import ValidationError

from exports.file.manifest import KeyOrder, ManifestDto
from exports.file.verification import verify as verify_module
from exports.file.verification.verify import Verdict, verify
from exports.request.columns import ColumnMapping
from exports.request.estimate import EXCEL_MAX_CELL_CHARS
from exports.request.fields import TargetField
from exports.request.formats import (
    FORMAT_PRESETS,
    Compression,
    CsvFormat,
    Delimiter,
    FormatPreset,
    LineEnding,
    Quoting,
)
from tests.support.contradictions import Document, contradictions
from tests.support.each_case import assert_each
from tests.support.proofs import NAMES, InMemory, a_file_of_overlapping_pages, a_proved_file
from tests.support.steps import two_columns

XLSX = FORMAT_PRESETS[FormatPreset.XLSX]
GZIP = CsvFormat(compression=Compression.GZIP)
FORMATS = [
    *FORMAT_PRESETS.values(),
    *(form.model_copy(update={"compression": Compression.GZIP}) for form in FORMAT_PRESETS.values()),
    CsvFormat(delimiter=Delimiter.BAR, line_ending=LineEnding.LF, quoting=Quoting.ALL),
]
MARK = b"\xef\xbb\xbf"


def _verdict(copy: bytes, manifest: ManifestDto) -> Verdict:
    return verify(InMemory(copy), manifest)


def _starts(manifest: ManifestDto) -> list[int]:
    return list(accumulate((page.bytes for page in manifest.pages), initial=0))


def _faults(copy: bytes, manifest: ManifestDto) -> str:
    verdict = _verdict(copy, manifest)
    assert not verdict.proved
    return "\n".join(verdict.faults)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: f"{form.delimiter!r} {form.compression} {form.quoting}")
@pytest.mark.parametrize("include_headers", [True, False])
def test_an_unchanged_file_is_proved(form: CsvFormat, include_headers: bool) -> None:
    file, manifest = a_proved_file(form, include_headers=include_headers)
    assert _verdict(file, manifest) == Verdict(
        4, len(NAMES), len(file), f"{zlib.crc32(file):08x}", (), codes=len(NAMES)
    )


@pytest.mark.parametrize("form", [CsvFormat(), GZIP])
@pytest.mark.parametrize("include_headers", [True, False])
def test_a_file_of_no_clients_is_proved(form: CsvFormat, include_headers: bool) -> None:
    file, manifest = a_proved_file(form, include_headers=include_headers, names=(), starts=())
    assert _verdict(file, manifest).proved
    assert not _verdict(file + b"x", manifest).proved


@pytest.mark.parametrize("form", [CsvFormat(), GZIP])
@pytest.mark.parametrize("page", range(4))
@pytest.mark.parametrize("how", ["changed", "missing", "too many"])
def test_the_first_wrong_page_is_named_with_its_damage(form: CsvFormat, page: int, how: str) -> None:
    file, manifest = a_proved_file(form)
    at, stop = _starts(manifest)[page : page + 2]
    middle = {"changed": bytes([file[at] ^ 1]), "missing": b"", "too many": file[at : at + 1] * 2}[how]
    copy = file[:at] + middle + file[at + 1 :]

    faults = _faults(copy, manifest)
    assert faults.startswith(f"Page {page} (clients ")
    assert f"bytes {at:,} up to {stop:,}." in faults
    assert {"changed": "bytes were changed", "missing": "missing", "too many": "1 byte is too many"}[how] in faults or (
        "cut off" in faults and (form, page, how) == (GZIP, 3, "missing")
    )
    if page < 3:
        assert "Every page after it is right." in faults
    assert _verdict(copy, manifest).pages == page
    assert _verdict(copy, manifest).bytes == at


def test_the_key_range_of_the_wrong_page_is_named() -> None:
    file, manifest = a_proved_file()
    starts = _starts(manifest)
    faults = [_faults(file[:at] + b"#" + file[at + 1 :], manifest) for at in starts[:-1]]
    assert "(clients up to, not including, C0003; of 4 pages" in faults[0]
    assert "(clients from C0003 up to, not including, C0005;" in faults[1]
    assert "(clients from C0007;" in faults[3]


def test_of_two_wrong_pages_the_first_is_named_and_the_others_are_counted() -> None:
    file, manifest = a_proved_file()
    first, second, third, _, _ = _starts(manifest)
    copy = file[:second] + b"#" + file[second + 1 : third] + b"#" + file[third + 1 :]
    faults = _faults(copy, manifest)
    assert first == 0
    assert faults.startswith("Page 1 ")
    assert "Right pages after it: 1 of 2." in faults


@pytest.mark.parametrize("form", [CsvFormat(), GZIP])
def test_a_file_cut_off_at_any_byte_is_not_proved(form: CsvFormat) -> None:
    file, manifest = a_proved_file(form)
    starts = _starts(manifest)
    for length in range(len(file)):
        verdict = _verdict(file[:length], manifest)
        assert not verdict.proved
        assert verdict.pages == sum(start <= length for start in starts[1:])


@pytest.mark.parametrize("form", [CsvFormat(), GZIP])
@pytest.mark.parametrize("page", [1, 2, 3])
@pytest.mark.parametrize("more", [0, 3])
def test_a_file_that_was_cut_off_is_recognized(form: CsvFormat, page: int, more: int) -> None:
    file, manifest = a_proved_file(form)
    length = _starts(manifest)[page] + more
    faults = _faults(file[:length], manifest)
    assert f"The file ends after {length} bytes, {len(file) - length} too early: it was cut off." in faults


def test_appended_bytes_are_distinguished_from_damage() -> None:
    file, manifest = a_proved_file()
    assert "after the last one 7 bytes are too many: something was appended" in _faults(file + b"C9,New\n", manifest)


def test_swapped_pages_are_wrong() -> None:
    file, manifest = a_proved_file()
    _, second, third, fourth, _ = _starts(manifest)
    swapped = file[:second] + file[third:fourth] + file[second:third] + file[fourth:]
    assert _faults(swapped, manifest).startswith("Page 1 ")


def test_unchanged_bytes_with_a_wrong_record_count_are_the_services_fault() -> None:
    file, manifest = a_proved_file()
    pages = [page.model_copy(update={"rows": page.rows + (page.page == 2)}) for page in manifest.pages]
    wrong = manifest.model_copy(update={"pages": tuple(pages), "rows": manifest.rows + 1, "counted_rows": None})
    faults = _faults(file, wrong)
    assert faults.startswith("Page 2 ")
    assert "2 clients, not 3" in faults


def test_records_with_a_wrong_number_of_cells_are_not_proved() -> None:
    file, manifest = a_proved_file()
    narrower = manifest.request.model_copy(update={"columns": manifest.request.columns[:1]})
    assert "record 1 of the page has 2 cells, not 1" in _faults(file, manifest.model_copy(update={"request": narrower}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": 9}, "do not add up"),
        ({"bytes": 1}, "do not add up"),
        ({"crc32": "00000000"}, "CRC-32 of its pages"),
        ({"crc32": None}, "CRC-32 of its pages"),
        ({"pages": ()}, "key ranges"),
    ],
)
def test_a_manifest_that_contradicts_itself_proves_nothing(change: dict[str, object], message: str) -> None:
    file, manifest = a_proved_file()
    assert message in _faults(file, manifest.model_copy(update=change))


def test_every_manifest_of_the_shared_list_proves_nothing() -> None:
    file, manifest = a_proved_file()

    def check(wrong: Document) -> None:
        assert not _verdict(file, ManifestDto.model_validate(wrong)).is_intact

    assert_each(contradictions(manifest.model_dump(mode="json", by_alias=True)), check)


def test_every_contradiction_that_verify_finds_is_in_the_shared_list() -> None:
    """The page and the Python client refuse what is in the list, so what is missing there could escape them."""
    file, manifest = a_proved_file()
    cases = contradictions(manifest.model_dump(mode="json", by_alias=True)).values()
    found = {fault for case in cases for fault in _verdict(file, ManifestDto.model_validate(case)).faults}
    told = set(re.findall(r'"(The manifest contradicts itself: .*)"', Path(verify_module.__file__).read_text("utf-8")))
    assert len(told) > 5
    assert told <= found


def test_a_manifest_of_an_older_version_proves_a_file_without_a_crc() -> None:
    file, manifest = a_proved_file()
    pages = tuple(page.model_copy(update={"crc32": None, "attempt": None}) for page in manifest.pages)
    older = manifest.model_copy(update={"crc32": None, "pages": pages})
    assert _verdict(file, older).proved
    assert not _verdict(file[:-1], older).proved


def test_progress_rises_to_the_size_of_the_copy() -> None:
    file, manifest = a_proved_file()
    seen: list[tuple[int, int]] = []
    for copy in (file, file[:20], file + b"x", file.replace(b"Zo", b"zo")):
        seen.clear()
        verify(InMemory(copy), manifest, lambda *progress: seen.append(progress))
        assert seen == sorted(seen)
        assert {total for _, total in seen} == {len(copy)}


# --- likely causes of damage ---


def test_an_added_or_removed_byte_order_mark_is_recognized() -> None:
    file, manifest = a_proved_file()
    faults = _faults(MARK + file, manifest)
    assert "byte order mark was added" in faults
    assert "Every page after it is right." in faults
    marked, manifest = a_proved_file(CsvFormat(byte_order_mark=True))
    assert "byte order mark was removed" in _faults(marked.removeprefix(MARK), manifest)


def test_changed_line_endings_outside_quotes_are_recognized() -> None:
    file, manifest = a_proved_file(names=("Two\r\nlines", *NAMES))
    assert "Lines now end with LF, not with CRLF" in _faults(file.replace(b"\r\n", b"\n"), manifest)
    file, manifest = a_proved_file(CsvFormat(line_ending=LineEnding.LF))
    assert "Lines now end with CRLF, not with LF" in _faults(file.replace(b"\n", b"\r\n"), manifest)


def test_a_changed_encoding_is_recognized() -> None:
    file, manifest = a_proved_file()
    assert "no longer UTF-8" in _faults(file.decode().encode("cp1252"), manifest)
    assert "UTF-16" in _faults(file.decode().encode("utf-16"), manifest)


def test_a_compressed_or_decompressed_copy_is_recognized() -> None:
    file, manifest = a_proved_file()
    assert "compressed after" in _faults(gzip.compress(file), manifest)
    packed, manifest = a_proved_file(GZIP)
    assert "was decompressed" in _faults(gzip.decompress(packed), manifest)


def test_a_compressed_copy_is_not_called_cut_off_because_it_is_shorter() -> None:
    file, manifest = a_proved_file(names=("Harbour Bakery " * 20,) * 8, starts=())
    faults = _faults(gzip.compress(file), manifest)
    assert "compressed after" in faults
    assert "cut off" not in faults


def test_a_copy_that_was_compressed_anew_is_not_called_cut_off() -> None:
    file, manifest = a_proved_file(GZIP, names=("Harbour Bakery " * 90,) * 8, starts=())
    smaller = gzip.compress(gzip.decompress(file), 9)
    assert len(smaller) < len(file)
    assert "cut off" not in _faults(smaller, manifest)
    for length in (9, len(file) // 2, len(file) - 1):
        assert "cut off" in _faults(file[:length], manifest)


@pytest.mark.parametrize("page", [b'<?xml version="1.0"?><Error><Code>', MARK + b"<!DOCTYPE html>", b"\n<html>"])
def test_an_error_page_saved_instead_of_the_file_is_recognized(page: bytes) -> None:
    assert "fresh link" in _faults(page, a_proved_file()[1])


def test_an_empty_copy_is_recognized() -> None:
    assert "The file is empty." in _faults(b"", a_proved_file()[1])


def test_memory_does_not_grow_with_the_file() -> None:
    """Verify two pages of 16 MB, which are generated while they are read."""
    record = b"C0001," + b"x" * 994 + b"\r\n"
    piece, header = record * 1_000, b"VatNumber,Name\r\n"

    class Generated:
        size_bytes = len(header) + 32 * len(piece)

        def read(self, start: int, stop: int) -> bytes:
            if start < len(header):
                return header[start:stop]
            first = (start - len(header)) % len(piece)
            return (piece[first:] + piece)[: min(stop - start, len(piece))]

    _, small = a_proved_file(starts=("C2",))
    digests = [hashlib.sha256(header + piece * 16).hexdigest(), hashlib.sha256(piece * 16).hexdigest()]
    sizes = [len(header) + 16 * len(piece), 16 * len(piece)]
    pages = tuple(
        page.model_copy(
            update={"rows": 16_000, "bytes": size, "sha256": sha256, "crc32": None, "first_code": "C", "last_code": "C"}
        )
        for page, size, sha256 in zip(small.pages, sizes, digests, strict=True)
    )
    request = small.request.model_copy(update={"columns": (_column("VatNumber"), _column("Name"))})
    totals = {"rows": 32_000, "counted_rows": 32_000, "bytes": sum(sizes), "crc32": None}
    manifest = small.model_copy(update={**totals, "pages": pages, "request": request})

    tracemalloc.start()
    try:
        assert verify(Generated(), manifest).proved
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()


def _column(field: str) -> ColumnMapping:
    return ColumnMapping(csv_header=field, target_field=TargetField(field))


def test_a_repeated_code_is_found_although_every_byte_is_right() -> None:
    file, manifest = a_file_of_overlapping_pages()
    verdict = _verdict(file, manifest)
    assert len(verdict.faults) == 1
    assert "more than once" in verdict.faults[0]
    assert verdict.crc32 == manifest.crc32


def test_without_codes_and_an_order_check_a_manifest_proves_only_the_bytes() -> None:
    spec = two_columns(columns=(_column("Name"),))
    file, manifest = a_proved_file(spec=spec)
    assert _verdict(file, manifest).proved
    verdict = _verdict(file, manifest.model_copy(update={"key_order": None}))
    assert (verdict.is_intact, verdict.proved, verdict.codes) == (True, False, None)


def test_a_file_of_one_page_needs_no_order_check() -> None:
    file, manifest = a_proved_file(starts=())
    assert _verdict(file, manifest.model_copy(update={"key_order": None})).proved


def test_two_codes_that_the_formula_guard_made_equal_are_not_called_one_client() -> None:
    file, manifest = a_proved_file(codes=("'=1+1", "=1+1", "a"), starts=())
    verdict = _verdict(file, manifest)
    assert verdict.proved
    assert (verdict.codes, verdict.guarded_codes) == (1, 2)


@pytest.mark.parametrize("character", [chr(code) for code in (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF)])
def test_a_workbook_is_proved_although_it_leaves_out_a_character_of_a_code(character: str) -> None:
    codes = (f"A{character}", "B", f"C {character}", f"{character}D")
    file, manifest = a_proved_file(XLSX, codes=codes, starts=("C",), names=NAMES)
    assert _verdict(file, manifest).faults == ()
    assert (manifest.removed_characters, _verdict(file, manifest).codes) == (3, 4)


@pytest.mark.parametrize("form", [CsvFormat(), XLSX], ids=["CSV", "workbook"])
def test_two_codes_that_a_left_out_character_makes_equal_are_not_one_client(form: CsvFormat) -> None:
    file, manifest = a_proved_file(form, codes=("A", "A\0", "B"), starts=())
    verdict = _verdict(file, manifest)
    assert verdict.proved
    assert (verdict.codes, verdict.alike_codes) == (2, 1)


def test_two_codes_that_are_cut_to_equal_cells_are_not_one_client() -> None:
    long = "A" * EXCEL_MAX_CELL_CHARS
    file, manifest = a_proved_file(XLSX, codes=("A", long, f"{long}1", f"{long}2", "B"), starts=())
    verdict = _verdict(file, manifest)
    assert verdict.faults == ()
    assert (manifest.cut_cells, verdict.codes, verdict.alike_codes) == (2, 3, 2)
    assert "more than once" in _faults(file, manifest.model_copy(update={"cut_cells": 1}))


def test_more_equal_codes_than_characters_were_left_out_are_repeated_clients() -> None:
    file, manifest = a_file_of_overlapping_pages()
    alike = manifest.rows - 60
    assert "more than once" in _faults(file, manifest.model_copy(update={"removed_characters": alike - 1}))
    assert _verdict(file, manifest.model_copy(update={"removed_characters": alike})).is_intact


def test_a_workbook_whose_page_begins_with_another_code_is_wrong() -> None:
    file, manifest = a_proved_file(XLSX, codes=("A\1", "B"), starts=())
    wrong = manifest.pages[0].model_copy(update={"first_code": "A\1C"})
    assert "not A\1C and B" in _faults(file, manifest.model_copy(update={"pages": (wrong,)}))


def test_a_guarded_code_that_looks_like_a_constant_of_excel_is_no_fault() -> None:
    file, manifest = a_proved_file(codes=('="A"', "B"), starts=())
    assert _verdict(file, manifest).proved


def test_a_manifest_that_claims_the_order_check_without_codes_contradicts_itself() -> None:
    file, manifest = a_proved_file()
    pages = tuple(page.model_copy(update={"first_code": None}) for page in manifest.pages)
    assert "no codes" in _faults(file, manifest.model_copy(update={"pages": pages}))


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: f"{form.delimiter!r} {form.compression} {form.quoting}")
def test_the_ends_of_each_page_are_those_that_the_database_has_ranked(form: CsvFormat) -> None:
    codes = ("+1", "007", "=a,b", "C2", "C3", "C4")
    file, manifest = a_proved_file(codes=codes, starts=("C2",), spec=two_columns(format=form))
    assert _verdict(file, manifest).proved
    wrong = manifest.pages[1].model_copy(update={"last_code": "C5"})
    faults = _faults(file, manifest.model_copy(update={"pages": (manifest.pages[0], wrong)}))
    assert "begins and ends with the clients C2 and C4, not C2 and C5" in faults


def test_a_manifest_of_several_pages_cannot_say_that_one_page_holds_all() -> None:
    file, manifest = a_proved_file()
    assert "says that one page holds all" in _faults(file, manifest.model_copy(update={"key_order": KeyOrder.ONE_PAGE}))


def test_a_manifest_whose_clients_were_not_counted_again_contradicts_itself() -> None:
    file, manifest = a_proved_file()
    changed = manifest.model_copy(update={"counted_rows": manifest.rows + 1})
    assert "not as many as were counted" in _faults(file, changed)
    assert _verdict(file, changed.model_copy(update={"recounted_rows": manifest.rows})).proved


def test_a_manifest_with_a_malformed_crc_is_no_manifest() -> None:
    _, manifest = a_proved_file()
    with pytest.raises(ValidationError, match="crc32"):
        ManifestDto.model_validate_json(manifest.model_dump_json().replace(str(manifest.pages[0].crc32), "zz"))
