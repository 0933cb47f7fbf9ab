"""Renders parts of the ui: those that two forms share, and those that come from the enumerations of the API.

A new value of an enumeration appears by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from html import escape
from pathlib import Path
from string import Template
from typing import get_args

from pydantic.alias_generators import to_camel

from exports.jobs.states import JobStatus
from exports.request.fields import SENSITIVE_FIELDS, ClientStatus, ClientType, TargetField
from exports.request.filters import SEARCHED_COLUMNS, ClientFilter, Codes
from exports.request.formats import Compression, Delimiter, FormatDto, FormatPreset, LineEnding, LongCells, Quoting
from exports.triggers.http.ui.labels import field_groups
from exports.triggers.http.ui.texts import Texts, languages

VIEWS = ("export", "history", "schedules", "verify")
_NOTIFY_FIELDS = Path(__file__).parent / "notify_fields.html"


def render_fragments(texts: Texts) -> dict[str, str]:
    """Return the HTML of each part, by the name that the views use for it. Texts in it are still to be filled in."""
    return {
        "view_links": "".join(f'<a href="#{view}">{{{{views.{view}}}}}</a>' for view in VIEWS),
        "language_links": "".join(_language_link(other) for other in languages().values() if other is not texts),
        "field_groups": "".join(_field_group(texts, name, fields) for name, fields in field_groups().items()),
        "statuses": _checkboxes("statuses", "clientStatuses", ClientStatus),
        "types": _checkboxes("types", "clientTypes", ClientType),
        "code_filters": "".join(_code_filter(name) for name in code_filter_names()),
        "presets": "".join(_preset(preset) for preset in FormatPreset),
        "delimiters": _options(texts, "delimiters", Delimiter),
        "line_endings": _options(texts, "lineEndings", LineEnding),
        "quotings": _options(texts, "quotings", Quoting),
        "compressions": _options(texts, "compressions", Compression, FormatDto().compression),
        "long_cells": _options(texts, "longCells", LongCells, LongCells.CUT),
        "job_statuses": _options(texts, "jobStatuses", JobStatus),
        "notify_fields": _notify_fields("notify", "data-pointer", "/notify"),
        "schedule_notify_fields": _notify_fields("schedule-notify", "data-schedule", "/request/notify"),
    }


def text_values(texts: Texts) -> dict[str, str]:
    """Return the values that texts in the HTML name."""
    return {
        "fields": str(len(TargetField)),
        "searched": ", ".join(texts.get("searchedColumns", column) for column in SEARCHED_COLUMNS),
    }


def code_filter_names() -> list[str]:
    """Return the names of the filters by code, as the model of a filter declares them."""
    codes = get_args(Codes)[0]  # without its bounds: pydantic keeps those outside `annotation`
    return [name for name, field in ClientFilter.model_fields.items() if field.annotation == codes]


def _language_link(texts: Texts) -> str:
    tag = texts.language
    name = escape(texts.get("page", "language"))
    return f'<a href="?lang={tag}" lang="{tag}" hreflang="{tag}" data-language="{tag}">{name}</a>'


def _field_group(texts: Texts, name: str, fields: Iterable[TargetField]) -> str:
    boxes = "".join(_field(field) for field in fields)
    all_of = escape(texts.get("columns", "groupAllOf").format(group=texts.get("fieldGroups", name)))
    return (
        f'<fieldset class="group" data-group><legend>{{{{fieldGroups.{name}}}}}</legend>'
        f'<button type="button" class="link" data-all aria-label="{all_of}">{{{{columns.groupAll}}}}</button>'
        f"{boxes}</fieldset>"
    )


def _field(field: TargetField) -> str:
    is_sensitive = field in SENSITIVE_FIELDS
    mark = ' <span class="mark">{{columns.sensitive}}</span>' if is_sensitive else ""
    named = f'data-field="{field.value}"{" data-sensitive" if is_sensitive else ""}'
    return (
        f'<label class="check"><input type="checkbox" {named}> <span>{{{{fields.{field.value}}}}}{mark}</span></label>'
    )


def _checkboxes(name: str, section: str, values: type[StrEnum]) -> str:
    return "".join(
        f'<label class="check"><input type="checkbox" name="{name}" value="{value}"> '
        f"<span>{{{{{section}.{value}}}}}</span></label>"
        for value in values
    )


def _code_filter(name: str) -> str:
    json_name = to_camel(name)
    lists = f"{name.removesuffix('_codes')}s"
    return (
        f'<fieldset class="codes" data-codes="{json_name}" data-list="{lists}" data-pointer="/filter/{json_name}" '
        f'tabindex="-1"><legend>{{{{codeFilters.{name}}}}} <span class="count" hidden></span></legend>'
        f'<input type="search" class="codes-find" autocomplete="off" aria-label="{{{{filter.codesFind}}}}" '
        'placeholder="{{filter.codesFind}}" hidden>'
        f'<div class="codes-list" tabindex="0" role="group" aria-label="{{{{codeFilters.{name}}}}}" hidden></div>'
        '<p class="hint codes-none" role="status" hidden>{{filter.codesNone}}</p>'
        f'<div class="field codes-other"><label for="filter-{json_name}">{{{{filter.codesOther}}}}</label>'
        f'<input id="filter-{json_name}" class="codes-text" autocomplete="off" spellcheck="false" '
        'placeholder="{{filter.codesExample}}"></div></fieldset>'
    )


def _preset(preset: FormatPreset) -> str:
    checked = " checked" if preset is FormatDto().preset else ""
    return (
        f'<label class="choice"><input type="radio" name="preset" value="{preset.value}"{checked}>'
        f"<span><strong>{{{{presets.{preset.value}}}}}</strong>"
        f"<small>{{{{presetHints.{preset.value}}}}}</small></span></label>"
    )


def _notify_fields(prefix: str, pointer: str, path: str) -> str:
    """Return the fields for a notification in one of the forms.

    Args:
        prefix: The beginning of their ids.
        pointer: The attribute by which the form finds the field that has a fault.
        path: The JSON pointer of `notify` in the body that the form sends.
    """
    return Template(_NOTIFY_FIELDS.read_text(encoding="utf-8")).substitute(prefix=prefix, pointer=pointer, path=path)


def _options(texts: Texts, section: str, values: type[StrEnum], chosen: StrEnum | None = None) -> str:
    return "".join(
        f'<option value="{escape(value)}"{" selected" if value is chosen else ""}>'
        f"{escape(texts.get(section, value))}</option>"
        for value in values
    )
