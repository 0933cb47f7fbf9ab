"""Renders the ui as one HTML document. Its choices come from the enumerations; its style and script are inline."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import get_args

from pydantic.alias_generators import to_camel

from exports.jobs.states import JobStatus
from exports.mappings.mapping import MappingType
from exports.request.fields import SENSITIVE_FIELDS, ClientStatus, ClientType, TargetField
from exports.request.filters import SEARCHED_COLUMNS, ClientFilter, Codes
from exports.request.formats import (
    FORMAT_PRESETS,
    OPTIONS,
    Compression,
    Delimiter,
    FormatDto,
    FormatPreset,
    LineEnding,
    Quoting,
)
from exports.triggers.http.ui import labels
from exports.triggers.http.ui.labels import label_of

_FOLDER = Path(__file__).parent
_SCRIPTS = (
    "dom",
    "labels",
    "api",
    "faults",
    "sign_in",
    "columns",
    "mappings",
    "request",
    "watch",
    "download",
    "start",
    "job",
    "recent",
    "main",
)
"""The modules of the script, each after those that it imports."""
_STYLES = ("ui", "parts")
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function|class|const)", re.MULTILINE)


def render_ui() -> str:
    """Render the ui. `content_policy` allows its style and script by their hashes."""
    template = Template((_FOLDER / "ui.html").read_text(encoding="utf-8"))
    return template.substitute(
        style=_style(),
        script=_script(),
        metadata=_metadata(),
        field_count=len(TargetField),
        field_groups="".join(_field_group(name, fields) for name, fields in labels.field_groups().items()),
        statuses=_checkboxes("statuses", ClientStatus),
        types=_checkboxes("types", ClientType),
        searched=escape(", ".join(label_of(column).lower() for column in SEARCHED_COLUMNS)),
        code_filters="".join(_code_filter(name) for name in _code_filter_names()),
        presets="".join(_preset(preset, choice) for preset, choice in labels.PRESET_CHOICES.items()),
        delimiters=_options(labels.DELIMITERS),
        line_endings=_options(labels.LINE_ENDINGS),
        quotings=_options(labels.QUOTINGS),
        compressions=_options(labels.COMPRESSIONS, FormatDto().compression),
        job_statuses=_options({status: label_of(status.value) for status in JobStatus}),
    )


def content_policy() -> str:
    """Build the Content-Security-Policy: it allows the style and script of the ui, and requests to this service."""
    return (
        f"default-src 'none'; script-src '{_hash(_script())}'; style-src '{_hash(_style())}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _style() -> str:
    return "".join((_FOLDER / f"{name}.css").read_text(encoding="utf-8") for name in _STYLES)


@cache
def _script() -> str:
    """Join the modules into one script, so that one hash allows it.

    No two modules declare the same name, so the imports and exports can be removed.
    """
    return "".join(
        _EXPORT.sub("", _IMPORT.sub("", (_FOLDER / f"{name}.js").read_text(encoding="utf-8"))) for name in _SCRIPTS
    )


def _metadata() -> str:
    """Return the facts about the API that the script needs, as JSON without `<`, so that it cannot end its element."""
    metadata = {
        "fields": {field.value: label_of(field.value) for field in TargetField},
        "fileStatuses": {status.value: text for status, text in labels.FILE_STATUSES.items()},
        "jobStatuses": {status.value: _job_status(status) for status in JobStatus},
        "mappingType": MappingType.CLIENT.value,
        "options": {preset.value: sorted(map(to_camel, OPTIONS[form.kind])) for preset, form in FORMAT_PRESETS.items()},
        "presets": {preset.value: choice.label for preset, choice in labels.PRESET_CHOICES.items()},
        "remedies": {code.value: preset.value for code, preset in labels.REMEDIES.items()},
        "warnings": {code.value: text for code, text in labels.WARNINGS.items()},
    }
    return json.dumps(metadata, ensure_ascii=False).replace("<", "\\u003c")


def _job_status(status: JobStatus) -> dict[str, str | bool]:
    title = labels.JOB_TITLES[status]
    return {"label": label_of(status.value), "title": title, "ended": status.is_terminal}


def _field_group(name: str, fields: Iterable[TargetField]) -> str:
    boxes = "".join(_field(field) for field in fields)
    return (
        f'<fieldset class="group" data-group><legend>{escape(name)}</legend>'
        f'<button type="button" class="link" data-all aria-label="All of {escape(name)}">all</button>'
        f"{boxes}</fieldset>"
    )


def _field(field: TargetField) -> str:
    mark = ' <span class="mark">sensitive</span>' if field in SENSITIVE_FIELDS else ""
    return (
        f'<label class="check"><input type="checkbox" data-field="{field.value}"> '
        f"<span>{escape(label_of(field.value))}{mark}</span></label>"
    )


def _checkboxes(name: str, values: type[StrEnum]) -> str:
    return "".join(
        f'<label class="check"><input type="checkbox" name="{name}" value="{value}"> '
        f"<span>{escape(label_of(value))}</span></label>"
        for value in values
    )


def _code_filter_names() -> list[str]:
    """Return the names of the filters by code, as the model of a filter declares them."""
    codes = get_args(Codes)[0]  # without its bounds: pydantic keeps those outside `annotation`
    return [name for name, field in ClientFilter.model_fields.items() if field.annotation == codes]


def _code_filter(name: str) -> str:
    json_name = to_camel(name)
    label = label_of(name)
    return (
        f'<div class="field"><label for="filter-{json_name}">{escape(label)}</label>'
        f'<input id="filter-{json_name}" data-codes="{json_name}" data-pointer="/filter/{json_name}" '
        f'autocomplete="off" spellcheck="false" placeholder="one or more, separated by commas"></div>'
    )


def _preset(preset: FormatPreset, choice: labels.Choice) -> str:
    checked = " checked" if preset is FormatDto().preset else ""
    return (
        f'<label class="choice"><input type="radio" name="preset" value="{preset.value}"{checked}>'
        f"<span><strong>{escape(choice.label)}</strong><small>{escape(choice.hint)}</small></span></label>"
    )


def _options(
    options: Mapping[Delimiter, str]
    | Mapping[LineEnding, str]
    | Mapping[Quoting, str]
    | Mapping[Compression, str]
    | Mapping[JobStatus, str],
    chosen: StrEnum | None = None,
) -> str:
    return "".join(
        f'<option value="{escape(value)}"{" selected" if value is chosen else ""}>{escape(label)}</option>'
        for value, label in options.items()
    )
