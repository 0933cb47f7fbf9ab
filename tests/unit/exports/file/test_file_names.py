"""File names are safe for every file system, HTTP header and blob."""

from __future__ import annotations

import unicodedata
from inspect import cleandoc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.file.file_names import MAX_BYTES, MAX_CHARS, clean_file_name
from exports.request.formats import FormatDto
from tests.support.documented import ROOT

EXTENSIONS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".xlsx", ".jsonl", ".jsonl.gz")


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("report", "report.csv"),
        ("report.csv", "report.csv"),
        ("Report.CSV", "Report.csv"),
        ("report.txt", "report.txt.csv"),
        ("report.tsv", "report.csv"),
        ("report.csv.gz", "report.csv"),
        ("Kunden für März 2026", "Kunden für März 2026.csv"),
        ("日本語", "日本語.csv"),
        ("../../etc/passwd", "_.._etc_passwd.csv"),
        ("C:\\clients", "C__clients.csv"),
        ('a<b>:"|?*', "a_b______.csv"),
        ("new\r\nX-Header: 1", "new__X-Header_ 1.csv"),
        ("fdp.\u202egpj", "fdp._gpj.csv"),
        (" . dots and spaces . ", "dots and spaces.csv"),
        (".hidden", "hidden.csv"),
        ("con", "_con.csv"),
        ("NUL.csv", "_NUL.csv"),
        ("Aux.old", "_Aux.old.csv"),
        ("COM1 .csv", "_COM1.csv"),
        ("LPT³", "_LPT³.csv"),
        ("console", "console.csv"),
        ("👩‍👩‍👧", "👩‍👩‍👧.csv"),
        ("e\u0301", "é.csv"),
        ("\u200d.hidden\u200c", "hidden.csv"),
        ("..", ""),
        ("   ", ""),
        ("\u200c", ""),
    ],
)
def test_a_name_is_made_safe(wanted: str, name: str) -> None:
    assert clean_file_name(wanted, ".csv") == name


@pytest.mark.parametrize(
    ("wanted", "extension", "name"),
    [
        ("report", ".csv.gz", "report.csv.gz"),
        ("report.csv", ".csv.gz", "report.csv.gz"),
        ("report.gz", ".csv.gz", "report.csv.gz"),
        ("report.csv.gz", ".csv.gz", "report.csv.gz"),
        ("report", ".tsv", "report.tsv"),
        ("report.tsv", ".tsv", "report.tsv"),
        ("report.csv", ".tsv", "report.csv"),
        ("report.tsv", ".tsv.gz", "report.tsv.gz"),
        ("report", ".xlsx", "report.xlsx"),
        ("Report.XLSX", ".xlsx", "Report.xlsx"),
        ("report.csv.gz", ".xlsx", "report.xlsx"),
        ("report.tsv", ".xlsx", "report.xlsx"),
        ("report.gz.csv.xlsx", ".xlsx", "report.xlsx"),
        ("report.xls", ".xlsx", "report.xls.xlsx"),
        ("report.xlsx", ".csv", "report.csv"),
        ("report.xlsx", ".tsv.gz", "report.tsv.gz"),
        (".xlsx", ".xlsx", "xlsx.xlsx"),
        ("CON.xlsx", ".xlsx", "_CON.xlsx"),
        ("report.json", ".jsonl", "report.json.jsonl"),
        ("report.jsonl.gz", ".jsonl", "report.jsonl"),
        ("report.xlsx", ".jsonl.gz", "report.jsonl.gz"),
    ],
)
def test_the_extension_fits_the_format(wanted: str, extension: str, name: str) -> None:
    assert clean_file_name(wanted, extension) == name


_NAMES = st.text(max_size=300) | st.lists(st.sampled_from(["a", ". ", " ", "\u200d", *EXTENSIONS]), max_size=6).map(
    "".join
)


@given(_NAMES, st.sampled_from(EXTENSIONS))
def test_any_text_gives_a_safe_name_or_none(wanted: str, extension: str) -> None:
    name = clean_file_name(wanted, extension)
    if name:
        assert len(name) <= MAX_CHARS
        assert len(name.encode()) <= MAX_BYTES
        assert not set(name) & set('/\\:*?"<>|')
        assert all(unicodedata.category(letter) not in ("Cc", "Cs", "Zl", "Zp") for letter in name)
        assert name.strip(". \u200c\u200d") == name
        assert name.endswith((extension, extension.replace(".tsv", ".csv")))


@given(_NAMES, st.sampled_from(EXTENSIONS))
def test_a_clean_name_stays_as_it_is(wanted: str, extension: str) -> None:
    name = clean_file_name(wanted, extension)
    assert clean_file_name(name, extension) == name


def test_the_documents_name_the_limits_of_characters_and_bytes() -> None:
    limits = f"cuts it, with its extension, to {MAX_CHARS} characters and {MAX_BYTES} bytes of UTF-8."
    assert limits in (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert limits in " ".join(cleandoc(FormatDto.__doc__ or "").split())
