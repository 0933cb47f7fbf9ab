"""A changed copy of JSON Lines is not proved, and the likely cause is named."""

from __future__ import annotations

import gzip
import json

import pytest

from exports.file.verification.verify import verify
from exports.request.formats import FORMAT_PRESETS, Compression, FormatPreset
from tests.support.proofs import NAMES, InMemory, a_proved_file

JSONL = FORMAT_PRESETS[FormatPreset.JSONL]
ZIPPED = JSONL.model_copy(update={"compression": Compression.GZIP})
FILE, MANIFEST = a_proved_file(JSONL)


def _faults(copy: bytes) -> str:
    verdict = verify(InMemory(copy), MANIFEST)
    assert not verdict.proved
    return "\n".join(verdict.faults)


def test_the_values_of_a_proved_file_are_those_of_the_clients() -> None:
    assert [json.loads(line)["Name"] for line in FILE.splitlines()] == [*NAMES]
    assert verify(InMemory(FILE), MANIFEST).codes == len(NAMES)


@pytest.mark.parametrize("at", range(0, len(FILE), 7))
def test_one_changed_byte_anywhere_is_found(at: int) -> None:
    assert "is the first that is wrong" in _faults(FILE[:at] + bytes([FILE[at] ^ 1]) + FILE[at + 1 :])


@pytest.mark.parametrize(
    ("copy", "cause"),
    [
        (b"", "The file is empty."),
        (FILE.replace(b"\n", b"\r\n"), "Lines now end with CRLF, not with LF."),
        (b"\xef\xbb\xbf" + FILE, "The byte order mark was added."),
        (FILE.decode().encode("utf-16"), "The text is now UTF-16, not UTF-8."),
        (FILE.replace("Zoë".encode(), b"Zo\xeb"), "The text of that page is no longer UTF-8."),
        (gzip.compress(FILE), "The file was compressed after the download"),
        (b"<!DOCTYPE html><html></html>", "The file is an error page"),
        (b"[" + FILE.replace(b"\n", b",\n") + b"]", "The lines were rewritten"),
        (FILE.replace(b'{"', b'{ "'), "The lines were rewritten"),
        (FILE[:-1], "The file ends after"),
    ],
)
def test_usual_accidents_with_json_lines_are_recognized(copy: bytes, cause: str) -> None:
    assert cause in _faults(copy)


def test_a_decompressed_copy_of_compressed_lines_is_recognized() -> None:
    file, manifest = a_proved_file(ZIPPED)
    assert verify(InMemory(file), manifest).proved
    assert "The file was decompressed" in "\n".join(verify(InMemory(gzip.decompress(file)), manifest).faults)


def test_whole_lines_with_other_keys_than_the_headers_are_the_services_fault() -> None:
    columns = tuple(
        column.model_copy(update={"csv_header": f"{column.csv_header}2"}) for column in MANIFEST.request.columns
    )
    request = MANIFEST.request.model_copy(update={"columns": columns})
    (fault,) = verify(InMemory(FILE), MANIFEST.model_copy(update={"request": request})).faults
    assert "line 1 of the page has other keys than the headers of the file. Report this." in fault
