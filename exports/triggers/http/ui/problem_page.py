"""The page that a browser shows for a refused download: what happened in words, and a link to the export in the ui."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote, urlsplit

import azure.functions as func
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from exports.triggers.http.ui.render import inline_hash
from exports.triggers.http.ui.texts import choose_language, languages

_FOLDER = Path(__file__).parent


def problem_as_page(req: func.HttpRequest, answer: func.HttpResponse) -> func.HttpResponse:
    """Turn a problem document into a page with the same status and headers, if a browser is to show the answer.

    The page links to the ui by a relative address, so it also works behind a gateway that adds a path.
    """
    if answer.status_code < 400 or not _prefers_html(req.headers.get("accept")):
        return answer
    language = choose_language(None, req.headers.get("accept-language"))
    problem = json.loads(answer.get_body())
    path = urlsplit(req.url).path.strip("/")
    html = Template(_html(language)).substitute(
        language=language,
        style=_style(),
        message=escape(_message(problem, language)),
        ui="../" * path.count("/") or "./",
        code=quote(req.route_params.get("code") or "", safe=""),
    )
    headers = dict(answer.headers) | {
        "Content-Security-Policy": f"default-src 'none'; style-src '{inline_hash(_style())}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
        "Content-Language": language,
        "Vary": "Accept, Accept-Language",
    }
    headers.pop("content-type", None)
    return func.HttpResponse(
        html, status_code=answer.status_code, mimetype="text/html", charset="utf-8", headers=headers
    )


def _prefers_html(accepted: str | None) -> bool:
    """Return whether the header `Accept` (RFC 9110, section 12.5.1) prefers HTML to JSON, as that of browsers does."""
    ranges = parse_accept_header(accepted, MIMEAccept)
    return ranges.quality("text/html") > max(map(ranges.quality, ("application/problem+json", "application/json")))


def _message(problem: Mapping[str, Any], language: str) -> str:
    """Return what a problem means. Whoever opens a link without a key is asked to sign in."""
    texts = languages()[language]
    code = problem.get("code")
    if code == "invalid-api-key":
        return texts.get("problemPage", "signIn")
    if code and code in texts.sections["problemCodes"]:
        return texts.get("problemCodes", code).replace("{detail}", str(problem.get("detail", "")))
    return texts.get("problemPage", "other")


@cache
def _style() -> str:
    return (_FOLDER / "ui.css").read_text(encoding="utf-8")


@cache
def _html(language: str) -> str:
    return languages()[language].fill((_FOLDER / "problem.html").read_text(encoding="utf-8"), {})
