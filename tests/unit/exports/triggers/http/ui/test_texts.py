"""All texts of the ui are in one file for each language, complete, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from html.parser import HTMLParser
from pathlib import Path

import pytest

import exports.triggers.http.ui
from exports.jobs.states import FileStatus, JobStatus
from exports.request.estimate import WarningCode
from exports.request.faults import FAULT_KINDS
from exports.request.fields import ClientStatus, ClientType, TargetField
from exports.request.filters import SEARCHED_COLUMNS
from exports.request.formats import Compression, Delimiter, FormatPreset, LineEnding, LongCells, Quoting
from exports.request.scopes import ALL_SCOPES
from exports.schedules.runs import RunOutcome
from exports.triggers.http.problems import PROBLEMS
from exports.triggers.http.ui.fragments import VIEWS, code_filter_names
from exports.triggers.http.ui.labels import field_groups
from exports.triggers.http.ui.texts import DEFAULT_LANGUAGE, choose_language, languages
from tests.support.failures import every_failure
from tests.unit.test_faults import calls_of

FOLDER = Path(exports.triggers.http.ui.__file__).parent
HTML = {file.name: file.read_text(encoding="utf-8") for file in (*FOLDER.glob("*.html"), *FOLDER.glob("views/*.html"))}
SCRIPTS = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.js")}
PLURAL_CATEGORIES = {"zero", "one", "two", "few", "many", "other"}
BY_VALUE: Mapping[str, type[StrEnum]] = {
    "fields": TargetField,
    "clientStatuses": ClientStatus,
    "clientTypes": ClientType,
    "presets": FormatPreset,
    "presetHints": FormatPreset,
    "delimiters": Delimiter,
    "lineEndings": LineEnding,
    "quotings": Quoting,
    "compressions": Compression,
    "longCells": LongCells,
    "warnings": WarningCode,
    "fileStatuses": FileStatus,
    "jobStatuses": JobStatus,
    "jobTitles": JobStatus,
    "runOutcomes": RunOutcome,
}
"""The sections that have a text for each value of an enumeration."""
BY_NAME = {
    "views": VIEWS,
    "fieldGroups": tuple(field_groups()),
    "searchedColumns": SEARCHED_COLUMNS,
    "codeFilters": tuple(code_filter_names()),
}
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')
_NAMED = re.compile(r"\{\{(\w+\.[\w-]+)\}\}|[\"'`](\w+\.[\w-]+)[\"'`]")


def forms(language: str) -> dict[str, list[str]]:
    """Return each text of a language: its plural forms, or the one form that it has."""
    return {
        f"{section}.{name}": [text] if isinstance(text, str) else list(text.values())
        for section, texts in languages()[language].sections.items()
        for name, text in texts.items()
    }


@pytest.mark.parametrize("language", languages())
def test_every_language_has_the_same_texts_with_the_same_values(language: str) -> None:
    first, other = forms(DEFAULT_LANGUAGE), forms(language)

    assert list(other) == list(first)
    for name, texts in other.items():
        for text in texts:
            assert text.strip() == text != "", name
            if not name.startswith("faultCodes."):  # those take values from the API, and need not show all of them
                assert values_in(text) == values_in(first[name][-1]), name


def values_in(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("language", languages())
def test_every_fault_and_problem_of_the_api_has_a_text_in_each_language(language: str) -> None:
    texts = languages()[language]

    assert list(texts.sections["faultCodes"]) == [kind.code for kind in FAULT_KINDS]
    assert set(texts.sections["problemCodes"]) == {problem.code for problem in PROBLEMS}
    for kind in FAULT_KINDS:
        assert values_in(texts.get("faultCodes", kind.code)) <= values_in(kind.sentence), kind.code


@pytest.mark.parametrize("language", languages())
def test_every_failure_of_a_job_has_a_text_in_each_language(language: str) -> None:
    texts = languages()[language]

    assert set(texts.sections["failureCodes"]) == set(every_failure())
    for code, failure in every_failure().items():
        assert texts.get("failureCodes", code) != failure.message, code


def test_every_failure_is_made_where_its_code_is_known_to_the_texts() -> None:
    assert {file for file, _ in calls_of("Failure")} == {"exports/jobs/failures.py"}


def test_no_text_of_a_fault_names_what_only_operators_and_programs_know() -> None:
    known_to_programs = re.compile(r"EXPORT_|scheduleCode|mappingCode|columnMappings|webhookUrl|includeHeaders")
    for language, texts in languages().items():
        for code, text in texts.sections["faultCodes"].items():
            assert not known_to_programs.search(str(text)), (language, code)


@pytest.mark.parametrize("language", languages())
def test_no_text_names_a_scope_a_setting_or_a_file_of_the_repository(language: str) -> None:
    technical = re.compile(rf"{'|'.join(ALL_SCOPES)}|EXPORT_|\.(md|py|js|json)\b|python|https?:")
    for section, texts in languages()[language].sections.items():
        for name, text in texts.items():
            assert not technical.search(str(text)), (section, name)


@pytest.mark.parametrize("language", languages())
def test_the_title_of_an_export_is_also_true_for_a_reader_who_did_not_start_it(language: str) -> None:
    whose = re.compile(r"\b(your|ihre?)\b", re.IGNORECASE)
    assert [title for title in languages()[language].sections["jobTitles"].values() if whose.search(str(title))] == []


@pytest.mark.parametrize("language", languages())
def test_a_text_with_plural_forms_has_the_form_for_all_other_counts(language: str) -> None:
    for section, texts in languages()[language].sections.items():
        for name, text in texts.items():
            if not isinstance(text, str):
                assert "other" in text, (section, name)
                assert set(text) <= PLURAL_CATEGORIES, (section, name)


@pytest.mark.parametrize("language", languages())
def test_a_sentence_about_kept_clients_has_a_form_for_one_client(language: str) -> None:
    about_kept = [text for text in languages()[language].sections["outcome"].values() if "{kept}" in str(text)]

    assert about_kept
    for text in about_kept:
        assert set(text) == {"one", "other"}, text


def test_every_value_of_the_api_that_the_ui_shows_has_a_text() -> None:
    sections = languages()[DEFAULT_LANGUAGE].sections

    for section, values in BY_VALUE.items():
        assert list(sections[section]) == [value.value for value in values], section
    for section, names in BY_NAME.items():
        assert set(sections[section]) == set(names), section


@pytest.mark.parametrize("language", languages())
def test_no_two_fields_have_the_same_label(language: str) -> None:
    assert len(set(languages()[language].sections["fields"].values())) == len(TargetField)


def test_every_text_that_is_named_exists_and_every_text_is_used() -> None:
    named = {name for text in (*HTML.values(), *SCRIPTS.values(), *python_sources()) for name in names_in(text)}
    whole = sections_used_whole()
    known = {
        name
        for name in forms(DEFAULT_LANGUAGE)
        if name.split(".")[0] not in {*BY_VALUE, *BY_NAME, "problemCodes", "faultCodes", *whole}
    }

    assert {name for text in SCRIPTS.values() for name in re.findall(r'\bt\("([^"]+)"', text)} <= {*known, *named}
    assert {name for text in HTML.values() for name in re.findall(r"\{\{([^}]+)\}\}", text)} <= known
    assert known - named - by_act(known) == set()


def sections_used_whole() -> set[str]:
    """Return the sections of which a script uses every text, whatever its name."""
    return {section for text in SCRIPTS.values() for section in re.findall(r'textsOf\("(\w+)"\)', text)}


def names_in(text: str) -> Iterator[str]:
    return (first or second for first, second in _NAMED.findall(text))


def by_act(known: set[str]) -> set[str]:
    """Return the texts that a script names by a part, as in t(`columns.${act}`)."""
    prefixes = {prefix for text in SCRIPTS.values() for prefix in re.findall(r"t\(`(\w+)\.\$\{", text)}
    return {name for name in known if name.split(".")[0] in prefixes}


def python_sources() -> list[str]:
    found = (file.read_text(encoding="utf-8") for file in FOLDER.glob("*.py"))
    return [re.sub(r'get\("(\w+)", "(\w+)"\)', r'"\1.\2"', text) for text in found]


# --- no text is anywhere else


class Outside(HTMLParser):
    """Collects the words of an HTML template that do not come from the texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("aria-label", "placeholder", "title", "alt", "label"):
                self._check(value or "")

    def handle_data(self, data: str) -> None:
        self._check(data)

    def _check(self, text: str) -> None:
        if re.search(r"[A-Za-z]", re.sub(r"\{\{[^}]*\}\}|\$\w+", "", text)):
            self.found.append(text)


def texts_in_script(script: str) -> list[str]:
    """Return the strings of a script that read like a sentence or a label: words in a row, or one with a capital."""
    code = re.sub(r"/\*.*?\*/|^\s*//.*?$", "", script, flags=re.DOTALL | re.MULTILINE)
    found = [re.sub(r"\$\{[^}]*\}", "", first or second) for first, second in _STRING.findall(code)]
    return [text for text in found if re.search(r"^[A-Z][a-z]+ |[a-z]{2,}[.,]? [A-Za-z][a-z]+[ .?!]|[.!?] [A-Z]", text)]


@pytest.mark.parametrize("name", HTML)
def test_no_view_has_a_text_outside_the_texts(name: str) -> None:
    assert Outside(HTML[name]).found == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_has_a_text_outside_the_texts(name: str) -> None:
    assert texts_in_script(SCRIPTS[name]) == []


def test_texts_outside_the_texts_are_noticed() -> None:
    assert Outside("<p>Save</p>").found
    assert Outside('<input placeholder="one or more">').found
    assert texts_in_script('announce("No column is selected.")')
    assert texts_in_script("return `Download ${job.fileName}`")


# --- which language is shown


@pytest.mark.parametrize(
    ("wanted", "accepted", "shown"),
    [
        (None, None, "en"),
        ("de", "en", "de"),
        ("xx", "de", "de"),
        (None, "de-AT,de;q=0.9,en;q=0.5", "de"),
        (None, "fr, en;q=0.3, de;q=0.8", "de"),
        (None, "EN-gb", "en"),
        (None, "fr", "en"),
        (None, "de;q=0", "en"),
        (None, "de;q=0, fr", "en"),
        (None, "*, de;q=nonsense, ;;", "en"),
        ("../secret", "", "en"),
    ],
)
def test_the_language_is_the_one_asked_for_or_the_browsers_first_known(
    wanted: str | None, accepted: str | None, shown: str
) -> None:
    assert choose_language(wanted, accepted) == shown
