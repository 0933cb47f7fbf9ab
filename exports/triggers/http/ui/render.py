"""Renders the ui as one HTML document. Its choices come from the enumerations; its style and script are inline."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from pydantic.alias_generators import to_camel

from exports.jobs.states import JobStatus
from exports.mappings.mapping import MappingType
from exports.request.formats import FORMAT_PRESETS, OPTIONS
from exports.triggers.http.ui.accounts import Accounts
from exports.triggers.http.ui.fragments import render_fragments, text_values
from exports.triggers.http.ui.labels import REMEDIES
from exports.triggers.http.ui.texts import DEFAULT_LANGUAGE, Texts, languages
from exports.triggers.http.ui.vendored import Library, libraries

_FOLDER = Path(__file__).parent
_SCRIPTS = (
    "dom",
    "texts",
    "labels",
    "languages",
    "views",
    "api",
    "faults",
    "retry",
    "account",
    "sign_in",
    "field_search",
    "code_lists",
    "columns",
    "mappings",
    "mapping_changes",
    "request",
    "allowed",
    "address",
    "fill_form",
    "form_address",
    "watch",
    "warnings",
    "estimate",
    "preview",
    "download",
    "start",
    "spans",
    "clipboard",
    "rate",
    "outcome",
    "job_request",
    "end_notice",
    "keep_in_view",
    "notify",
    "deliveries",
    "losses",
    "job",
    "export",
    "history_details",
    "history_rows",
    "history",
    "cron",
    "schedule_words",
    "schedule_form",
    "schedules",
    "crc32",
    "manifest",
    "file_proof",
    "verify",
    "main",
)
"""The modules of the script, each after those that it imports."""
_STYLES = ("ui", "parts", "jobs", "form")
_VIEW = re.compile(r"<!-- view: (\w+) -->\n")
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function|class|const)", re.MULTILINE)
_COMMENT = re.compile(r"(?<=\n)[ \t]*(?:/\*.*?\*/|//[^\n]*)\n", re.DOTALL)


def render_ui(language: str = DEFAULT_LANGUAGE, accounts: Accounts | None = None) -> str:
    """Render the ui in a language. `content_policy` allows its style and scripts by their hashes.

    Args:
        accounts: How people sign in with the accounts of their organization; None: with API keys only.
    """
    return render_in(languages()[language], accounts)


def render_in(texts: Texts, accounts: Accounts | None = None) -> str:
    """Render the ui with given texts."""
    values = text_values(texts)
    fragments = {name: texts.fill(html, values) for name, html in render_fragments(texts).items()}
    return Template(texts.fill(_frame(), values)).substitute(
        fragments,
        language=texts.language,
        style=_style(),
        libraries="".join(f'<script id="vendor-{each.name}">{each.script}</script>\n' for each in _libraries(accounts)),
        script=_script(),
        metadata=_json(_metadata(accounts)),
        texts=_json(texts.sections),
    )


@cache
def content_policy(accounts: Accounts | None = None) -> str:
    """Build the Content-Security-Policy: it allows the style and scripts of the ui, and requests to this service.

    If people sign in with accounts, it also allows requests to their issuer.
    """
    inline = (*(each.script for each in _libraries(accounts)), _script())
    scripts = " ".join(f"'{inline_hash(script)}'" for script in inline)
    connect = f"'self' {accounts.origin}" if accounts else "'self'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src '{inline_hash(_style())}'; connect-src {connect}; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _libraries(accounts: Accounts | None) -> tuple[Library, ...]:
    return libraries(with_sign_in=accounts is not None)


def inline_hash(text: str) -> str:
    """Return how a Content-Security-Policy names an inline style or script (CSP Level 3, section 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _frame() -> str:
    """Return the HTML of the page, with every view in its place."""
    return _VIEW.sub(lambda view: _read(f"views/{view[1]}.html"), _read("ui.html"))


@cache
def _style() -> str:
    return "".join(_read(f"{name}.css") for name in _STYLES)


@cache
def _script() -> str:
    """Join the modules into one script, so that one hash allows it.

    No two modules declare the same name, so the imports and exports can be removed. The comments after the first one
    are for those who read the modules; without them the page is a tenth smaller.
    """
    return "".join(_EXPORT.sub("", _IMPORT.sub("", _COMMENT.sub("", _read(f"{name}.js")))) for name in _SCRIPTS)


def _read(path: str) -> str:
    return (_FOLDER / path).read_text(encoding="utf-8")


def _metadata(accounts: Accounts | None) -> dict[str, Any]:
    """Return the facts about the API that the script needs."""
    asked = accounts and {"issuer": accounts.issuer, "clientId": accounts.client_id, "scopes": accounts.scopes}
    return {
        "accounts": asked,
        "jobStatuses": {status.value: {"ended": status.is_terminal} for status in JobStatus},
        "mappingType": MappingType.CLIENT.value,
        "options": {preset.value: sorted(map(to_camel, OPTIONS[form.kind])) for preset, form in FORMAT_PRESETS.items()},
        "remedies": {code.value: preset.value for code, preset in REMEDIES.items()},
    }


def _json(value: Any) -> str:
    """Return JSON without `<`, so that it cannot end the element that holds it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
