"""Every place that must know each kind of file knows it, so that no kind can be forgotten when one is added."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from exports.adapters.storage.file_content import content_settings
from exports.file.file_names import clean_file_name
from exports.file.verification.kinds import READINGS
from exports.request import formats
from exports.request.formats import FORMAT_PRESETS, OPTIONS, Compression, CsvFormat, FileKind, FormatDto
from exports.steps.pages.selection import RENDERERS, renderer_for
from exports.steps.requests.preview_export import READERS
from tests.support.csv_presets import CSV_PRESETS
from tests.support.steps import two_columns

ROOT = Path(__file__).parents[3]
FORMS = [*FORMAT_PRESETS.values()]
ZIPPED = [
    form.model_copy(update={"compression": Compression.GZIP}) for form in FORMS if "compression" in OPTIONS[form.kind]
]


@pytest.mark.parametrize(
    "table",
    [OPTIONS, formats.NAMES, RENDERERS, READINGS, READERS],
    ids=["options", "names", "renderers", "readings", "readers"],
)
def test_a_table_of_kinds_has_every_kind_of_file(table: Mapping[FileKind | None, Any]) -> None:
    assert set(table) == {None, *FileKind}


def test_every_kind_of_file_has_a_preset() -> None:
    assert {form.kind for form in FORMS} == {None, *FileKind}


def test_every_option_of_a_request_belongs_to_a_kind_of_file() -> None:
    options = {*FormatDto.model_fields, "include_headers"} - {"preset"}
    assert set().union(*OPTIONS.values()) == options


def test_kinds_of_files_have_different_extensions_and_renderers() -> None:
    extensions = {form.extension: form.kind for form in FORMS}
    renderers = {type(renderer_for(two_columns(format=form))): form.kind for form in FORMS}

    assert set(extensions) == {".csv", ".tsv", *(f".{kind.value}" for kind in FileKind)}
    assert set(renderers.values()) == {None, *FileKind}
    assert len(renderers) == 1 + len(FileKind)


@pytest.mark.parametrize("form", [*FORMS, *ZIPPED], ids=lambda form: form.extension)
def test_a_file_of_every_kind_is_served_with_a_content_type_of_its_own(form: CsvFormat) -> None:
    served = content_settings(f"t/job/clients{form.extension}").content_type
    others = {content_settings(f"clients{other.extension}").content_type for other in FORMS if other.kind != form.kind}

    assert served not in {None, "application/octet-stream"}
    assert served not in others


@pytest.mark.parametrize("form", [*FORMS, *ZIPPED], ids=lambda form: form.extension)
@pytest.mark.parametrize("other", [*FORMS, *ZIPPED], ids=lambda form: form.extension)
def test_a_name_with_the_extension_of_another_kind_gets_that_of_the_file(form: CsvFormat, other: CsvFormat) -> None:
    name = clean_file_name(f"clients{other.extension}", form.extension)

    assert name == clean_file_name(name, form.extension)
    assert name == f"clients{form.extension}" or (form.extension[:4], other.extension[:4]) == (".tsv", ".csv")


def test_the_client_names_every_preset_where_it_describes_the_format() -> None:
    for file in ("request.py", "cli/options.py"):
        text = (ROOT / "client" / "src" / "client_export" / file).read_text(encoding="utf-8")
        named = re.search(r"[Pp]reset: (.*?)\.", text)
        assert named, file
        assert re.findall(r"\b(?:rfc\d+|[a-z]+[A-Z]?[a-z]*)\b", re.sub(r"\(the default\)| or ", " ", named[1])) == [
            preset.value for preset in FORMAT_PRESETS
        ]


def test_the_documents_name_every_preset() -> None:
    formats = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    for preset in FORMAT_PRESETS:
        assert re.search(rf"^\| (`preset`)? ?\| `{preset.value}` \|", formats, re.MULTILINE), preset


def test_the_presets_of_csv_have_its_options() -> None:
    assert [preset for preset in FORMAT_PRESETS if "delimiter" in OPTIONS[FORMAT_PRESETS[preset].kind]] == [
        *CSV_PRESETS
    ]
